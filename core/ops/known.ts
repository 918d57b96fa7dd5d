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
function knownValues(x: Tensor): HostArray | undefined {
  const source = sourceOf(x);
  if (source.kind !== "op") return storageOf(x)?.known;
  return views.has(source.op.name) ? knownValues(source.inputs[0]) : undefined;
}

/** One of a tensor's values. */
interface Element {
  readonly value: number;
  /** Which it is in row-major order. */
  readonly position: number;
}

/** The first of a tensor's values that is wrong, if that can be known. */
export function firstKnown(x: Tensor, isWrong: (value: number) => boolean): Element | undefined {
  const values = knownValues(x);
  if (!values) return undefined;
  for (let position = 0; position < values.length; position++) {
    if (isWrong(values[position])) return { value: values[position], position };
  }
  return undefined;
}

/** The first of a tensor's values that is not in [low, end), nor the one that is allowed `besides`, if that can be known. */
export function firstOutside(x: Tensor, low: number, end: number, besides?: number): Element | undefined {
  return firstKnown(x, (value) => !(value >= low && value < end) && value !== besides);
}
