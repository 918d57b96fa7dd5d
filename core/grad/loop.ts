/**
 * The operation of a loop over the rows of sequences, and its rules.
 *
 * The derivative of a loop is a loop that walks the sequence the other way. It needs the state at the beginning of each step, and what
 * kernels of their own computed in it, so every loop can also give those (`collected`, after the function's own results); where they are
 * not used, they are not stored. The rest of a step is computed again: it is elementwise.
 *
 * @module
 */
import type { Loop } from "../ir/lowering.ts";
import { tangentType } from "../dtype.ts";
import { add } from "../ops/arithmetic.ts";
import { zeros } from "../ops/creation.ts";
import { withValues } from "../ops/cast.ts";
import { zeroTangent } from "../ops/constant.ts";
import { apply } from "../ops/define.ts";
import type { Op, Tensor } from "../tensor.ts";
import { batchAll } from "../ops/sum.ts";
import { permute } from "../ops/movement.ts";
import { evaluate, kernelsOf, keyOf, type TracedFunction, traceFunction } from "./traced_function.ts";
import { jvp } from "./jvp.ts";
import { emit, forEachRow, tensorsOf, withTensors } from "../values/effects.ts";
import { elementsOf, tuple, tupleElement, tupleType } from "./tuple.ts";
import { vjp } from "./vjp.ts";
import { vmap } from "./vmap.ts";

/**
 * A loop and the graph of one step: its arguments are the state and the rows, its outputs the next state and the collected rows. These
 * are the function's own, then what its effects need, then the state before the step, then the results of `kernels`.
 */
interface ScanAttrs extends Loop<Tensor> {
  readonly body: TracedFunction;
  readonly kernels: readonly Tensor[];
  toJSON(): unknown;
}

/** The state and the rows that a step, or all steps together, result in. */
export interface StepResults {
  readonly state: readonly Tensor[];
  readonly rows: readonly Tensor[];
}

/** One step of a loop: from the state and one row of each sequence to the next state and a row of each result. */
export type Step = (state: readonly Tensor[], rows: readonly Tensor[]) => StepResults;

/** Runs a step for each of `length` rows: the final state, and the rows that the steps give as sequences. */
export function runLoop(
  step: Step,
  state: readonly Tensor[],
  sequences: readonly Tensor[],
  length: number,
  reverse: boolean,
): StepResults {
  const rows = sequences.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const [traced, own] = traceFunction("scan", [...state, ...rows], (args) => {
    const [before, row] = [args.slice(0, state.length), args.slice(state.length)];
    const next = step(before, row);
    return [[...next.state, ...next.rows, ...before], next.state.length + next.rows.length];
  });
  const kernels = kernelsOf(traced);
  const seen = tensorsOf(traced.effects);
  const outputs = [...traced.outputs.slice(0, own), ...seen, ...traced.outputs.slice(own), ...kernels];
  const body: TracedFunction = { ...traced, outputs, effects: [] };
  if (length === 0) return { state, rows: body.outputs.slice(state.length).map(emptySequence) };
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
  if (traced.effects.length > 0) {
    const effects = withTensors(traced.effects, all.slice(own, own + seen.length));
    emit([forEachRow(effects, { count: length, reverse, rows: seen.map(() => true) })]);
  }
  return { state: all.slice(0, state.length), rows: all.slice(state.length) };
}

/** A sequence of no rows of this shape and type. */
function emptySequence({ shape, dtype }: Tensor): Tensor {
  return zeros([0, ...shape], { dtype });
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
  const saved = results.slice(results.length - loop.kernels.length - state.length);
  const given = loop.collected.map((_, i) => tupleElement(g, state.length + i));
  const present = given.flatMap((each, i) => each ? [i] : []);
  const [floatConstants, floatState, floatRows] = [constants, state, loop.rows].map(floating);

  const step: Step = (carried, rows) => {
    const [gNext, sums] = [carried.slice(0, floatState.length), carried.slice(floatState.length)];
    const before = rows.slice(0, state.length);
    const known = new Map(loop.kernels.map((kernel, i) => [kernel, rows[state.length + i]]));
    const row = rows.slice(saved.length, saved.length + sequences.length);
    const gRows = rows.slice(saved.length + sequences.length);
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
  const walked = runLoop(
    step,
    first,
    [...saved, ...sequences, ...pick(given, present) as Tensor[]],
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
  const [activeConstants, floatState] = [some(constants, 0), floating(state)];
  const activeRows = some(sequences, constants.length + state.length);
  const floatCollected = floating(loop.collected);

  const step: Step = (carried, rows) => {
    const [before, tBefore] = [carried.slice(0, state.length), carried.slice(state.length)];
    const [row, tRow] = [rows.slice(0, sequences.length), rows.slice(sequences.length)];
    let all: Tensor[] = [];
    const [, out] = jvp(
      (c: Tensor[], s: Tensor[], r: Tensor[]) => {
        all = evaluate(loop.body, fill(constants, activeConstants, c), [
          ...fill(before, floatState, s),
          ...fill(row, activeRows, r),
        ]);
        return [...pick(all, floatState), ...pick(all.slice(state.length), floatCollected)];
      },
      [pick(constants, activeConstants), pick(before, floatState), pick(row, activeRows)],
      [activeConstants.map((k) => tangents[k]!), tBefore, tRow],
    );
    return {
      state: [...all.slice(0, state.length), ...out.slice(0, floatState.length)],
      rows: out.slice(floatState.length),
    };
  };
  const first = [...state, ...floatState.map((k) => tangentOf(state[k], constants.length + k))];
  const tSequences = activeRows.map((k) => tangents[constants.length + state.length + k]!);
  const pushed = runLoop(step, first, [...sequences, ...tSequences], loop.length, loop.reverse);
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
  const { state: last, rows } = runLoop(step, first, along, loop.length, loop.reverse);
  const collected = rows.slice(0, loop.collected.length).map(swap);
  return tuple(new Map([...last, ...collected].map((each, i) => [i, each])));
}
