/**
 * Reductions over a window.
 *
 * @module
 */
import type { Expr } from "../../ir/expr.ts";
import type { ReduceKernel } from "../../ir/kernel.ts";
import { append, neutralElement, neutralIndex, outcomeIn, type ReduceOp } from "../../ir/reductions.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import { evaluate, type Memory } from "./evaluate.ts";
import { functionOf } from "./expressions.ts";
import { constantValue } from "./scalar.ts";

/** Folds the values of one window after the other: `results[point]` is the outcome so far. */
interface Fold {
  readonly results: Float64Array;
  /** Takes in the value at index `at` of the window of a point. */
  take(point: number, value: number, at: number): void;
}

function makeFold(op: ReduceOp, { type }: Expr, size: number): Fold {
  const { value, index } = append(op, outcomeIn("load", type, 0), outcomeIn("load", type, 2));
  const nextValue = functionOf(value);
  const nextIndex = index && functionOf(index);
  const values = new Float64Array(size).fill(constantValue(type, neutralElement(op, type)));
  const indices = new Float64Array(size).fill(neutralIndex);
  const names = new Float64Array(4);
  return {
    results: nextIndex ? indices : values,
    take(point, value, at) {
      names[0] = values[point];
      names[1] = indices[point];
      names[2] = value;
      names[3] = at;
      values[point] = nextValue(names);
      if (nextIndex) indices[point] = nextIndex(names);
    },
  };
}

/** The results of a reduction kernel, each row-major over its domain. */
export function reduceResults(kernel: ReduceKernel, memories: readonly Memory[]): Float64Array[] {
  const { shape, window, operands, reductions } = kernel;
  const folds = reductions.map(({ op, value }) => makeFold(op, value, sizeOf(shape)));
  const point = { offset: 0, strides: [...contiguousStrides(shape), ...window.map(() => 0)] };
  const where = { offset: 0, strides: [...shape.map(() => 0), ...contiguousStrides(window)] };
  const sources = { memories, loads: operands, results: [], resultStrides: [] };
  evaluate(
    [...shape, ...window],
    reductions.map(({ value }) => value),
    sources,
    [point, where],
    (values, { count, at, steps }) => {
      folds.forEach((fold, k) => {
        for (let i = 0; i < count; i++) fold.take(at[0] + i * steps[0], values[k][i], at[1] + i * steps[1]);
      });
    },
  );
  return folds.map(({ results }) => results);
}
