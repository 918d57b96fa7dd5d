/**
 * Reductions over a window.
 *
 * @module
 */
import { extremes } from "../../dtype.ts";
import type { Expr, ScalarType } from "../../ir/expr.ts";
import type { ReduceKernel, ReduceOp } from "../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import { evaluate, type Memory } from "./evaluate.ts";
import { binaryFunction, constantValue } from "./scalar.ts";

/** Folds the values of one window after the other: `values[point]` is the outcome so far. */
interface Fold {
  readonly values: Float64Array;
  /** Takes in the value at place `where` of the window of a point. */
  take(point: number, value: number, where: number): void;
}

/** What a reduction of an empty window gives; for integers the end of their range stands for infinity. */
export function neutralElement(op: ReduceOp, type: ScalarType): number {
  const [low, high] = extremes(type);
  return { sum: 0, prod: 1, max: low, min: high, argmax: 0, argmin: 0 }[op];
}

function makeFold(op: ReduceOp, { type }: Expr, size: number): Fold {
  const values = new Float64Array(size).fill(constantValue(type, neutralElement(op, type)));
  if (op === "argmax" || op === "argmin") return { values, take: placeFold(op, values) };
  const combine = binaryFunction(({ sum: "add", prod: "mul", max: "max", min: "min" } as const)[op], type);
  return { values, take: (point, value) => values[point] = combine(values[point], value) };
}

/** Keeps the first place of the extreme; a NaN is more extreme than any number. */
function placeFold(op: "argmax" | "argmin", places: Float64Array): Fold["take"] {
  const best = new Map<number, number>();
  const beats = (value: number, old: number) =>
    Number.isNaN(value) ? !Number.isNaN(old) : op === "argmax" ? value > old : value < old;
  return (point, value, where) => {
    const old = best.get(point);
    if (old !== undefined && !beats(value, old)) return;
    best.set(point, value);
    places[point] = where;
  };
}

/** The results of a reduction kernel, each row-major over its domain. */
export function reduceResults(kernel: ReduceKernel, memories: readonly Memory[]): Float64Array[] {
  const { shape, window, operands, reductions } = kernel;
  const folds = reductions.map(({ op, value }) => makeFold(op, value, sizeOf(shape)));
  const point = { offset: 0, strides: [...contiguousStrides(shape), ...window.map(() => 0)] };
  const where = { offset: 0, strides: [...shape.map(() => 0), ...contiguousStrides(window)] };
  const sources = { memories, loads: operands, results: [], resultStrides: [] };
  evaluate([...shape, ...window], reductions.map(({ value }) => value), sources, [point, where], (values, at) => {
    folds.forEach((fold, k) => fold.take(at[0], values[k], at[1]));
  });
  return folds.map(({ values }) => values);
}
