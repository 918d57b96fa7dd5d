/**
 * What can be known of integers before anything is computed: an index or a label that names nothing is told where it is used, if its values
 * are at hand. They are not inside `jit` and `vmap`, nor where they are still to be computed: a program on a device cannot raise an error.
 *
 * @module
 */
import type { HostArray } from "../dtype.ts";
import { sourceOf, type Tensor } from "../tensor.ts";
import { storageOf } from "../values/storage.ts";

/** Operations whose result has the values of their input. */
const views: ReadonlySet<string> = new Set(["variable", "reshape", "stopGradient"]);

/** The values of a tensor, not necessarily in its shape, if they can be looked at without computing or waiting. */
export function knownValues(x: Tensor): HostArray | undefined {
  let seen = x;
  for (let source = sourceOf(x); source.kind === "op"; source = sourceOf(seen)) {
    if (!views.has(source.op.name)) return undefined;
    seen = source.inputs[0];
  }
  return storageOf(seen)?.known;
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

/** The same for values that are not in [low, end), nor the one that is allowed `besides`. */
export function firstOutside(values: HostArray | undefined, low: number, end: number, besides?: number): Element | undefined {
  return firstWrong(values, (value) => !(value >= low && value < end) && value !== besides);
}
