/**
 * Effects: what a function does beside its result with values that do not exist while it is traced, such as printing them.
 *
 * A transform that runs its function on tensors without values records the effects, computes their tensors beside the results, and
 * makes effects of its own of them: `jit` for each call, `vmap` for each example, `scan` for each step. Outside all of these they
 * run at once. So they come in the order that loops without any transform would give, and functions without effects pay nothing.
 *
 * @module
 */
import { Tensor } from "../tensor.ts";
import type { TracedNumber } from "../traced_number.ts";
import { sizeOf } from "../shape.ts";
import { Storage, storageOf } from "./storage.ts";

/** The number that a traced one stands for in a call. */
export type NumberOf = (traced: TracedNumber<Tensor>) => number;

/** Something to do with the values of tensors. */
export interface Effect {
  readonly tensors: readonly Tensor[];
  /** Does it; is given tensors of these shapes and types whose values are on the host, and the numbers that traced ones stand for. */
  run(values: readonly Tensor[], numberOf?: NumberOf): void;
}

/** What runs effects at once. */
type Deliverer = (effects: readonly Effect[]) => void;

let deliver: Deliverer | undefined;

/** Sets what runs effects; `core/execution/deliver.ts` does. */
export function deliverBy(chosen: Deliverer): void {
  deliver = chosen;
}

/** Effects of the function that runs now, if a transform records them. */
let recorded: Effect[] | undefined;

/** Whether effects are recorded, not run. */
export function recordsEffects(): boolean {
  return recorded !== undefined;
}

/** Runs a function on tensors without values; gives its effects, in order, beside its result. */
export function recordEffects<R>(run: () => R): readonly [R, readonly Effect[]] {
  const outer = recorded;
  const own: Effect[] = [];
  recorded = own;
  try {
    return [run(), own];
  } finally {
    recorded = outer;
  }
}

/** Adds effects to those of the function that runs, or runs them. */
export function emit(effects: readonly Effect[]): void {
  if (effects.length === 0) return;
  if (!recorded) deliver?.(effects);
  else for (const effect of effects) recorded.push(effect);
}

/** All tensors that effects need, in order. */
export function tensorsOf(effects: readonly Effect[]): Tensor[] {
  return effects.flatMap(({ tensors }) => tensors);
}

/** Effects on other tensors, which stand for `tensorsOf` them. */
export function withTensors(effects: readonly Effect[], tensors: readonly Tensor[]): Effect[] {
  let next = 0;
  return effects.map(({ tensors: { length }, run }) => ({ tensors: tensors.slice(next, next += length), run }));
}

/** Effects for a call, in which it is known what traced numbers stand for. */
export function withNumbers(effects: readonly Effect[], numberOf: NumberOf): Effect[] {
  return effects.map(({ tensors, run }) => ({ tensors, run: (values) => run(values, numberOf) }));
}

/** How a function is repeated. */
export interface Repetition {
  readonly count: number;
  /** Whether from the last to the first. Default false. */
  readonly reverse?: boolean;
  /** Of `tensorsOf` the effects those that have a row for each time; the others are the same each time. */
  readonly rows: readonly boolean[];
}

/** The effects of a function that runs for rows of tensors, one row after the other, as one effect on the whole tensors. */
export function forEachRow(effects: readonly Effect[], { count, reverse = false, rows }: Repetition): Effect {
  const run = (values: readonly Tensor[], numberOf?: NumberOf) => {
    for (let i = 0; i < count; i++) {
      const row = reverse ? count - 1 - i : i;
      const inner = withTensors(effects, values.map((value, k) => rows[k] ? rowOf(value, row) : value));
      for (const effect of inner) effect.run(effect.tensors, numberOf);
    }
  };
  return { tensors: tensorsOf(effects), run };
}

/** A row of a tensor whose values are on the host. */
function rowOf(x: Tensor, row: number): Tensor {
  const shape = Object.freeze(x.shape.slice(1));
  const size = sizeOf(shape);
  const values = storageOf(x)!.hostNow().subarray(row * size, (row + 1) * size);
  return new Tensor(shape, x.dtype, Storage.ofHost(x.dtype, values, false), x.weak);
}
