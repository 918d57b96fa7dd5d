/**
 * What random programs are made of, so that they can be run twice: by the library (library.ts) and by plain loops over JavaScript
 * numbers (plain.ts).
 *
 * @module
 */
import type { Shape } from "../../../../core/shape.ts";

/** Arguments and results: values, lists of them, records. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** A function of trees. */
export type Fn<T> = (...args: Tree<T>[]) => Tree<T>;

/** How `vmap` is called. */
export interface Axes {
  /** One for all arguments, or one for each; null: shared. */
  readonly inAxis: number | readonly (number | null)[];
  readonly outAxis: number;
}

/**
 * What a value is: a number that is computed with, one for storage, whose derivatives are computed with, or an integer, which has none.
 */
export type Kind = "float" | "stored" | "integer";

/** Operations, on floats if not said otherwise. */
export interface Operations<T> {
  shapeOf(x: T): Shape;
  kindOf(x: T): Kind;
  /** A value of one's own. Stored ones are multiples of 1/64 below 2. */
  make(kind: Kind, values: readonly number[], shape: Shape): T;
  /** Integers and stored numbers as floats. */
  widen(x: T): T;

  sin(x: T): T;
  tanh(x: T): T;
  /** With broadcasting; a number is a literal. */
  add(x: T, y: T | number): T;
  mul(x: T, y: T | number): T;
  /** Of matrices, vectors, or one of each. */
  matmul(x: T, y: T): T;
  sum(x: T, options: { axis: number[]; keepDims: boolean }): T;
  cumsum(x: T, axis: number): T;
  softmax(x: T, axis: number): T;
  /** Of elements that are not equal. */
  sort(x: T, axis: number): T;
  max(x: T, axis: number): T;
  /** Matrices, and all places where the second lies within the first. */
  convolve(image: T, weight: T): T;
  reshape(x: T, shape: Shape): T;
  permute(x: T, order: readonly number[]): T;
  broadcastTo(x: T, shape: Shape): T;
  slice(x: T, options: { axis: number; start: number; step: number }): T;
  flip(x: T, axis: number): T;
  stack(xs: readonly T[], axis: number): T;
  concat(xs: readonly T[], axis: number): T;
  /** Rows of x by integers, which lie in its range. */
  take(x: T, indices: T): T;
  /** x with rows by integers, of which there is one for each row of y, replaced by these. */
  setRows(x: T, indices: T, y: T): T;
  /** x where the integers, of a shape that broadcasts, are greater than a number, y elsewhere. */
  where(test: { greater: T; than: number }, x: T, y: T): T;
  stopGradient(x: T): T;
  /** x, computed now if that can be. */
  realize(x: T): T;
}

/** Operations and transforms. */
export interface Algebra<T> extends Operations<T> {
  jit(f: Fn<T>): Fn<T>;
  checkpoint(f: Fn<T>): Fn<T>;
  /** f(args, captured), a constant by what it captures, with `factor` times its derivative in reverse mode. */
  custom(f: (args: readonly Tree<T>[], captured: readonly T[]) => Tree<T>, captured: readonly T[], factor: number): Fn<T>;
  vmap(f: Fn<T>, axes: Axes): Fn<T>;
  scan(
    f: (carry: Tree<T>, x: Tree<T> | null) => readonly [Tree<T>, Tree<T>],
    init: Tree<T>,
    xs: Tree<T> | null,
    options: { length: number; reverse: boolean },
  ): readonly [Tree<T>, Tree<T>];
  /** For each cotangent of the value those of the arguments; those of integers are zero integers. */
  vjp(
    f: Fn<T>,
    args: readonly Tree<T>[],
    cotangentsOf: (value: Tree<T>) => readonly Tree<T>[],
  ): readonly [value: Tree<T>, cotangents: readonly (readonly Tree<T>[])[]];
  jvp(f: Fn<T>, args: readonly Tree<T>[], tangents: readonly Tree<T>[]): readonly [Tree<T>, Tree<T>];
  grad(f: (...args: Tree<T>[]) => T, argnum: number): Fn<T>;
  jacobian(f: Fn<T>, argnum: number): Fn<T>;
  hessian(f: (...args: Tree<T>[]) => T, argnum: number): Fn<T>;
}
