/**
 * Loops: one step, written as a function, is compiled once and run for every row of a sequence.
 *
 * @module
 */
import { aFunction, anyNumber, argument, flag } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { isFloat } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { asTensor } from "../ops/literal.ts";
import { cast } from "../ops/cast.ts";
import { Tensor, type TensorLike } from "../tensor.ts";
import { TracedNumber } from "../traced_number.ts";
import { sameShape, showShape } from "../shape.ts";
import { buildTree, flattenTree, type Form, leavesLike, refusePromises, treeLeaves } from "../tree.ts";
import { runLoop, type Step } from "./loop.ts";

/** Options of `scan`. */
export interface ScanOptions {
  /** How many steps, for a loop without sequences. Default: as many as `xs` has rows. */
  readonly length?: number;
  /** Whether the rows are visited from last to first; the collected results keep the order of the rows. Default false. */
  readonly reverse?: boolean;
}

const scanOptions = optionTable<ScanOptions>({ length: anyNumber, reverse: flag });

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
 * @param f From the carried state and one row of each sequence to the next state, of the same keys, shapes and types, and anything to
 * collect. Both are trees of tensors.
 * @param init The state before the first step: a tree of tensors (numbers become f32).
 * @param xs A tree of tensors whose first axis counts the steps; null if there is none, then `length` says how many steps.
 * @returns The last state, and what was collected with the steps as first axis.
 * @throws {ShapeError} If sequences have different lengths, or the state changes its form or a shape.
 * @throws {DTypeError} If the state changes a type.
 * @throws {TypeError} If the state holds something else than tensors and numbers, or a step returns no pair.
 */
export function scan<C, X, Y>(
  f: (carry: C, x: X) => readonly [carry: C, y: Y],
  init: C,
  xs: X,
  options: ScanOptions = {},
): [carry: C, ys: Y] {
  const { length, reverse = false } = checkOptions(options, scanOptions, "scan");
  argument(f, aFunction(), "f", "scan");
  const carried: unknown[] = [];
  const form = flattenTree(init, carried);
  const paths = treeLeaves(init).map(({ path }) => path);
  const state = carried.map((leaf, i) => stateOf(leaf, paths[i]));
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
    refusePromises(result, "scan with");
    if (!Array.isArray(result) || result.length !== 2) {
      throw new TypeError("Cannot scan: the step must return [carry, y], the next state and what to collect (null for nothing)");
    }
    const [after, y]: readonly unknown[] = result;
    const leaves = leavesLike(init, after, "Cannot scan: the state changed its form in a step", { counts: () => true });
    others = [];
    collected = flattenTree(y, others);
    return {
      state: leaves.map((leaf, i) => nextOf(leaf, state[i], paths[i])),
      rows: others.filter((leaf) => leaf instanceof Tensor),
    };
  };
  const end = runLoop(step, state, sequences, steps, reverse);
  let next = 0;
  const ys = buildTree(collected!, others.map((leaf) => leaf instanceof Tensor ? end.rows[next++] : leaf));
  return [buildTree(form, end.state) as C, ys as Y];
}

function stateOf(leaf: unknown, path: string): Tensor {
  const isTensorLike = leaf instanceof Tensor || leaf instanceof TracedNumber || typeof leaf === "number" ||
    typeof leaf === "boolean";
  if (!isTensorLike) {
    throw new TypeError(
      `Cannot scan: the state holds ${leaf === null ? "null" : typeof leaf} at "${path}"; carry tensors only`,
    );
  }
  const tensor = asTensor(leaf as TensorLike);
  return tensor.weak ? cast(tensor, tensor.dtype) : tensor;
}

function nextOf(leaf: unknown, before: Tensor, path: string): Tensor {
  const at = path && ` at "${path}"`;
  const after = stateOf(leaf, path);
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
