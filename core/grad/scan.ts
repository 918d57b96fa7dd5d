/**
 * Loops: one step, written as a function, is compiled once and run for every row of a sequence.
 *
 * The derivative of a loop is a loop that walks the sequence the other way. It needs the state at the beginning of each step, and what
 * kernels of their own computed in it, so every loop can also give those (`collected`, after the function's own results); if nothing
 * asks for them, they are not kept. The rest of a step is computed again: it is elementwise.
 *
 * @module
 */
import type { Loop } from "../ir/lowering.ts";
import { isFloat, tangentType } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { asTensor } from "../ops/literal.ts";
import { add } from "../ops/binary.ts";
import { cast } from "../ops/cast.ts";
import { zeros } from "../ops/creation.ts";
import { zeroTangent } from "../ops/constant.ts";
import { apply } from "../ops/define.ts";
import { type Op, Tensor } from "../tensor.ts";
import { batchAll, permute } from "../ops/movement.ts";
import { sameShape, showShape } from "../shape.ts";
import { buildTree, flattenTree, type Form, hasForm, treeLeaves } from "../tree.ts";
import { evaluate, kernelsOf, keyOf, type TracedFunction, traceFunction } from "./traced_function.ts";
import { withValues } from "./custom.ts";
import { jvp } from "./jvp.ts";
import { elementsOf, tuple, tupleElement, tupleType } from "./tuple.ts";
import { vjp } from "./vjp.ts";
import { vmap } from "./vmap.ts";

/**
 * A loop and the graph of one step: its arguments are the state and the rows, its outputs the next state and the collected rows. These
 * are the function's own, then the state before the step, then the results of `kernels`.
 */
interface ScanAttrs extends Loop<Tensor> {
  readonly body: TracedFunction;
  readonly kernels: readonly Tensor[];
  toJSON(): unknown;
}

/** Tensors of a step. */
interface Parts {
  readonly state: readonly Tensor[];
  readonly rows: readonly Tensor[];
}

type Step = (state: readonly Tensor[], rows: readonly Tensor[]) => Parts;

/** The final state and the collected rows of a step that is repeated. */
function repeat(step: Step, state: readonly Tensor[], sequences: readonly Tensor[], length: number, reverse: boolean): Parts {
  const rows = sequences.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const [traced] = traceFunction("scan", [...state, ...rows], (args) => {
    const [before, row] = [args.slice(0, state.length), args.slice(state.length)];
    const next = step(before, row);
    return [[...next.state, ...next.rows, ...before], undefined];
  });
  const kernels = kernelsOf(traced);
  const body = { ...traced, outputs: [...traced.outputs, ...kernels] };
  if (length === 0) return { state, rows: body.outputs.slice(state.length).map((row) => zerosLikeRows(row, 0)) };
  const attrs: ScanAttrs = {
    length,
    reverse,
    body,
    constants: body.captured,
    state: body.args.slice(0, state.length),
    rows: body.args.slice(state.length),
    next: body.outputs.slice(0, state.length),
    collected: body.outputs.slice(state.length),
    kernels,
    toJSON: () => ({ length, reverse, states: state.length, key: keyOf(body) }),
  };
  const all = elementsOf(apply(scanOp, [...body.captured, ...state, ...sequences], attrs), outputsOf(attrs));
  return { state: all.slice(0, state.length), rows: all.slice(state.length) };
}

function zerosLikeRows({ shape, dtype }: Tensor, count: number): Tensor {
  return zeros([count, ...shape], { dtype });
}

/** Shapes and types of the results. */
function outputsOf({ next, collected, length }: Loop<Tensor>): Pick<Tensor, "shape" | "dtype">[] {
  return [...next, ...collected.map(({ shape, dtype }) => ({ shape: [length, ...shape], dtype }))];
}

/** The inputs of the operation by kind. */
function split({ constants, state }: Loop<Tensor>, inputs: readonly Tensor[]) {
  const begin = constants.length + state.length;
  return {
    constants: inputs.slice(0, constants.length),
    state: inputs.slice(constants.length, begin),
    sequences: inputs.slice(begin),
  };
}

/** Indices of the tensors that have tangents; elements at indices; a list with elements at indices replaced. */
function floating(tensors: readonly Tensor[]): number[] {
  return tensors.flatMap(({ dtype }, i) => tangentType(dtype) ? [i] : []);
}
function pick<T>(list: readonly T[], indices: readonly number[]): T[] {
  return indices.map((index) => list[index]);
}
function fill<T>(list: readonly T[], indices: readonly number[], values: readonly T[]): T[] {
  const filled = [...list];
  indices.forEach((index, i) => filled[index] = values[i]);
  return filled;
}

export const scanOp: Op<ScanAttrs> = {
  name: "scan",
  ...tupleType,
  vjp: (g, inputs, output, loop) => transposeLoop(g, inputs, output, loop),
  jvp: (tangents, inputs, _, loop) => [linearizeLoop(tangents, inputs, loop)],
  vmap: (inputs, batched, loop, size) => batchLoop(inputs, batched, loop, size),
  lower: { kind: "loop", loop: (attrs) => attrs },
};

/** A loop the other way, which carries the cotangents of the state and sums those of the constants. */
function transposeLoop(g: Tensor, inputs: readonly Tensor[], output: Tensor, loop: ScanAttrs): (Tensor | undefined)[] {
  const { constants, state, sequences } = split(loop, inputs);
  const results = elementsOf(output, outputsOf(loop));
  const kept = results.slice(results.length - loop.kernels.length - state.length);
  const given = loop.collected.map((_, i) => tupleElement(g, state.length + i));
  const present = given.flatMap((each, i) => each ? [i] : []);
  const [floatConstants, floatState, floatRows] = [constants, state, loop.rows].map(floating);

  const step: Step = (carried, rows) => {
    const [gNext, sums] = [carried.slice(0, floatState.length), carried.slice(floatState.length)];
    const before = rows.slice(0, state.length);
    const known = new Map(loop.kernels.map((kernel, i) => [kernel, rows[state.length + i]]));
    const row = rows.slice(kept.length, kept.length + sequences.length);
    const gRows = rows.slice(kept.length + sequences.length);
    const [, pullback] = vjp(
      (c: Tensor[], s: Tensor[], r: Tensor[]) => {
        const args = [...fill(before, floatState, s), ...fill(row, floatRows, r)];
        const all = evaluate(loop.body, fill(constants, floatConstants, c), args, (made, original) => {
          const value = known.get(original);
          return value ? withValues(made, value) : made;
        });
        return [...pick(all, floatState), ...pick(all.slice(state.length), present)];
      },
      pick(constants, floatConstants),
      pick(before, floatState),
      pick(row, floatRows),
    );
    const [gConstants, gState, gRow] = pullback([...gNext, ...gRows]);
    return { state: [...gState, ...sums.map((sum, i) => add(sum, gConstants[i]))], rows: gRow };
  };
  const first = [
    ...floatState.map((k) => tupleElement(g, k) ?? zeroTangent(state[k])),
    ...floatConstants.map((k) => zeroTangent(constants[k])),
  ];
  const walked = repeat(
    step,
    first,
    [...kept, ...sequences, ...pick(given, present) as Tensor[]],
    loop.length,
    !loop.reverse,
  );
  const none = (list: readonly Tensor[]): (Tensor | undefined)[] => list.map(() => undefined);
  return [
    ...fill(none(constants), floatConstants, walked.state.slice(floatState.length)),
    ...fill(none(state), floatState, walked.state),
    ...fill(none(sequences), floatRows, walked.rows),
  ];
}

/** A loop that carries the tangents of the state beside it. */
function linearizeLoop(tangents: readonly (Tensor | undefined)[], inputs: readonly Tensor[], loop: ScanAttrs): Tensor {
  const { constants, state, sequences } = split(loop, inputs);
  const tangentOf = (tensor: Tensor, i: number) => tangents[i] ?? zeroTangent(tensor);
  const some = (list: readonly Tensor[], from: number) =>
    list.flatMap(({ dtype }, i) => tangentType(dtype) && tangents[from + i] ? [i] : []);
  const [moving, floatState] = [some(constants, 0), floating(state)];
  const movingRows = some(sequences, constants.length + state.length);
  const floatCollected = floating(loop.collected);

  const step: Step = (carried, rows) => {
    const [before, tBefore] = [carried.slice(0, state.length), carried.slice(state.length)];
    const [row, tRow] = [rows.slice(0, sequences.length), rows.slice(sequences.length)];
    let all: Tensor[] = [];
    const [, pushed] = jvp(
      (c: Tensor[], s: Tensor[], r: Tensor[]) => {
        all = evaluate(loop.body, fill(constants, moving, c), [...fill(before, floatState, s), ...fill(row, movingRows, r)]);
        return [...pick(all, floatState), ...pick(all.slice(state.length), floatCollected)];
      },
      [pick(constants, moving), pick(before, floatState), pick(row, movingRows)],
      [moving.map((k) => tangents[k]!), tBefore, tRow],
    );
    return {
      state: [...all.slice(0, state.length), ...pushed.slice(0, floatState.length)],
      rows: pushed.slice(floatState.length),
    };
  };
  const first = [...state, ...floatState.map((k) => tangentOf(state[k], constants.length + k))];
  const tSequences = movingRows.map((k) => tangents[constants.length + state.length + k]!);
  const pushed = repeat(step, first, [...sequences, ...tSequences], loop.length, loop.reverse);
  return tuple(
    new Map([
      ...floatState.map((k, i) => [k, pushed.state[state.length + i]] as const),
      ...floatCollected.map((k, i) => [state.length + k, pushed.rows[i]] as const),
    ]),
  );
}

/** One loop for all examples: rows of sequences, and of what is collected, have the examples as second axis. */
function batchLoop(inputs: readonly Tensor[], batched: readonly boolean[], loop: ScanAttrs, size: number): Tensor {
  const { constants, state, sequences } = split(loop, inputs);
  const begin = constants.length + state.length;
  const swap = (x: Tensor) => permute(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);
  const first = batchAll(state, batched.slice(constants.length, begin), size);
  const along = sequences.map((sequence, i) => batched[begin + i] ? swap(sequence) : sequence);
  const inAxis = [...constants.map((_, i) => batched[i]), ...first.map(() => true), ...along.map((_, i) => batched[begin + i])]
    .map((each) => each ? 0 : null);
  const step: Step = (before, rows) => {
    const all = inAxis.some((axis) => axis !== null)
      ? vmap((...args: Tensor[]) => evaluate(loop.body, args.slice(0, constants.length), args.slice(constants.length)), {
        inAxis,
      })(...constants, ...before, ...rows)
      : evaluate(loop.body, constants, [...before, ...rows]);
    return { state: all.slice(0, state.length), rows: all.slice(state.length) };
  };
  const { state: last, rows } = repeat(step, first, along, loop.length, loop.reverse);
  const collected = rows.slice(0, loop.collected.length).map(swap);
  return tuple(new Map([...last, ...collected].map((each, i) => [i, each])));
}

/** Options of `scan`. */
export interface ScanOptions {
  /** How many steps, for a loop without sequences. Default: as many as `xs` has rows. */
  readonly length?: number;
  /** Whether the rows are visited from last to first; the collected results keep the order of the rows. Default false. */
  readonly reverse?: boolean;
}

/**
 * Runs a step for each row of a sequence, passing a state from one step to the next.
 *
 * ```
 * for (const x of rows of xs) [carry, y] = f(carry, x);   // y becomes a row of ys
 * ```
 *
 * The step is traced and compiled once, however long the sequence, and the loop is one part of one program: nothing returns to
 * JavaScript between steps. It can be differentiated, batched and nested like any function. For the backward pass it keeps the
 * state before every step and the results of products, convolutions and reductions; elementwise results are computed again.
 *
 * ```ts
 * import { add, scan, tensor, toArray } from "../../mod.ts";
 * const running = (sum: Tensor, x: Tensor) => [add(sum, x), add(sum, x)] as const;
 * const [total, sums] = scan(running, tensor(0), tensor([1, 2, 3]));
 * console.log(await toArray(total), await toArray(sums)); // 6 [1, 3, 6]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f From the carried state and one row of each sequence to the next state, of the same form, shapes and types, and anything to
 * collect. Both are trees of tensors.
 * @param init The state before the first step: a tree of tensors (numbers become f32).
 * @param xs A tree of tensors whose first axis counts the steps; null if there is none, then `length` says how many steps.
 * @returns The last state, and what was collected with the steps as first axis.
 * @throws {ShapeError} If sequences have different lengths, or the state changes its form or a shape.
 * @throws {DTypeError} If the state changes a type.
 */
export function scan<C, X, Y>(
  f: (carry: C, x: X) => readonly [carry: C, y: Y],
  init: C,
  xs: X,
  { length, reverse = false }: ScanOptions = {},
): [carry: C, ys: Y] {
  const carried: unknown[] = [];
  const form = flattenTree(init, carried);
  const state = carried.map((leaf, i) => stateOf(leaf, init, i));
  const rows: unknown[] = [];
  const rowForm = flattenTree(xs, rows);
  const sequences = rows.filter((leaf) => leaf instanceof Tensor);
  const steps = stepsOf(sequences, xs, length);

  let collected: Form | undefined;
  let others: unknown[] = [];
  const step: Step = (before, row) => {
    let next = 0;
    const x = buildTree(rowForm, rows.map((leaf) => leaf instanceof Tensor ? row[next++] : leaf));
    const result = f(buildTree(form, before) as C, x as X);
    if (!Array.isArray(result) || result.length !== 2) {
      throw new TypeError("Cannot scan: the step must return [carry, y], the next state and what to collect (null for nothing)");
    }
    const [after, y]: readonly unknown[] = result;
    const leaves: unknown[] = [];
    if (!hasForm(after, form, leaves)) {
      const names = (tree: unknown) => treeLeaves(tree).map(({ path }) => path || "(one tensor)").join(", ");
      throw new ShapeError(`Cannot scan: the state changed its form from { ${names(init)} } to { ${names(after)} }`, {});
    }
    others = [];
    collected = flattenTree(y, others);
    return {
      state: leaves.map((leaf, i) => nextOf(leaf, state[i], treeLeaves(init)[i].path)),
      rows: others.filter((leaf) => leaf instanceof Tensor),
    };
  };
  const end = repeat(step, state, sequences, steps, reverse);
  let next = 0;
  const ys = buildTree(collected!, others.map((leaf) => leaf instanceof Tensor ? end.rows[next++] : leaf));
  return [buildTree(form, end.state) as C, ys as Y];
}

function stateOf(leaf: unknown, init: unknown, i: number): Tensor {
  if (!(leaf instanceof Tensor) && typeof leaf !== "number" && typeof leaf !== "boolean") {
    throw new TypeError(
      `Cannot scan: the state holds ${leaf === null ? "null" : typeof leaf} at "${treeLeaves(init)[i].path}"; carry tensors only`,
    );
  }
  const tensor = asTensor(leaf);
  return tensor.weak ? cast(tensor, tensor.dtype) : tensor;
}

function nextOf(leaf: unknown, before: Tensor, path: string): Tensor {
  const at = path && ` at "${path}"`;
  const after = stateOf(leaf, leaf, 0);
  if (!sameShape(after.shape, before.shape)) {
    throw new ShapeError(
      `Cannot scan: the state${at} has shape ${showShape(before.shape)}, after a step ${showShape(after.shape)}`,
      {
        path,
        before: before.shape,
        after: after.shape,
      },
    );
  }
  const weak = leaf instanceof Tensor ? leaf.weak : true;
  if (after.dtype !== before.dtype && !(weak && isFloat(before.dtype) && isFloat(after.dtype))) {
    throw new DTypeError(`Cannot scan: the state${at} has type ${before.dtype}, after a step ${after.dtype}; cast it`, {
      path,
      before: before.dtype,
      after: after.dtype,
    });
  }
  return cast(after, before.dtype);
}

function stepsOf(sequences: readonly Tensor[], xs: unknown, length: number | undefined): number {
  const leaves = treeLeaves(xs).filter(({ value }) => value instanceof Tensor);
  sequences.forEach((sequence, i) => {
    const { path } = leaves[i];
    const at = path && ` at "${path}"`;
    if (sequence.rank === 0) {
      throw new ShapeError(`Cannot scan a scalar${at}: the first axis of a sequence counts the steps`, { path });
    }
    const expected = length ?? sequences[0].shape[0];
    if (sequence.shape[0] !== expected) {
      throw new ShapeError(
        `Cannot scan: the sequence${at} of shape ${showShape(sequence.shape)} has ${sequence.shape[0]} steps, not ${expected}`,
        { path, shape: sequence.shape, length: expected },
      );
    }
  });
  const steps = length ?? sequences[0]?.shape[0];
  if (steps === undefined || !Number.isInteger(steps) || steps < 0) {
    throw new ShapeError(
      `Cannot scan: the number of steps is ${steps ?? "unknown"}; give sequences, or { length } as an integer`,
      { length: steps },
    );
  }
  return steps;
}
