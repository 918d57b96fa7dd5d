/**
 * What can be known of integers before anything is computed: an index or a label that names nothing is told where it is used, if its values
 * are at hand. They are not inside `jit` and `vmap`, nor where they are still to be computed: a program on a device cannot raise an error.
 *
 * @module
 */
import { type HostArray, isInteger } from "../dtype.ts";
import { sourceOf, type Tensor } from "../tensor.ts";
import { type Storage, storageOf } from "../values/storage.ts";

/** Operations whose result has the values of their input. */
const views: ReadonlySet<string> = new Set(["variable", "reshape", "stopGradient"]);

/** The tensor whose values these are, not necessarily in its shape, if it is an argument or has some; undefined if they are to be computed. */
function given(x: Tensor): Tensor | undefined {
  let seen = x;
  for (let source = sourceOf(x); source.kind === "op"; source = sourceOf(seen)) {
    if (!views.has(source.op.name)) return undefined;
    seen = source.inputs[0];
  }
  return seen;
}

/** Whether the elements of a tensor will lie in memory in any case: it is an argument, or has values, and is not to be computed. */
export function isGiven(x: Tensor): boolean {
  return given(x) !== undefined;
}

/** Where the values of a tensor are, not necessarily in its shape, if it has some. */
function knownStorage(x: Tensor): Storage | undefined {
  const known = given(x);
  return known && storageOf(known);
}

/** The values of a tensor, not necessarily in its shape, if they can be looked at without computing or waiting. */
export function knownValues(x: Tensor): HostArray | undefined {
  return knownStorage(x)?.known;
}

/** The least and the greatest of some integers. */
interface Extremes {
  readonly least: number;
  readonly most: number;
}

/** Of what has been looked at: values do not change. */
const lookedAt = new WeakMap<Storage, Extremes>();

/** The least and the greatest of a tensor's integers (infinite, if it is empty), if they can be looked at without computing or waiting. */
export function knownExtremes(x: Tensor): Extremes | undefined {
  const storage = knownStorage(x);
  if (!storage || !isInteger(x.dtype)) return undefined;
  const seen = lookedAt.get(storage);
  if (seen && !storage.donated) return seen;
  const values = storage.known;
  if (!values) return undefined;
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < least) least = value;
    if (value > most) most = value;
  }
  lookedAt.set(storage, { least, most });
  return { least, most };
}

/** One of some values. */
interface Element {
  readonly value: number;
  /** Which it is in row-major order. */
  readonly position: number;
}

/** The first of some values that is wrong; undefined also if there are no values to look at. */
export function firstWrong(values: HostArray | undefined, isWrong: (value: number) => boolean): Element | undefined {
  if (!values) return undefined;
  for (let position = 0; position < values.length; position++) {
    if (isWrong(values[position])) return { value: values[position], position };
  }
  return undefined;
}

/**
 * The first of a tensor's integers that is not in [low, end), nor the one that is allowed `besides`; undefined also if there are no values to
 * look at.
 */
export function firstOutside(x: Tensor, low: number, end: number, besides?: number): Element | undefined {
  const extremes = knownExtremes(x);
  if (extremes && extremes.least >= low && extremes.most < end) return undefined;
  return firstWrong(knownValues(x), (value) => !(value >= low && value < end) && value !== besides);
}
