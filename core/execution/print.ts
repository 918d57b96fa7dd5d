/**
 * Tensors as text, as readable as NumPy's and PyTorch's: rows aligned, long axes shortened, one format for all numbers of a tensor.
 *
 * Loading this file teaches `console.log` to print tensors, and notebooks to show them: that is its one effect. What notebooks need is
 * loaded when one asks.
 *
 * @module
 */
import { argument, tensors } from "../kinds.ts";
import { type DType, fromHostArray, isBool, isInteger, type TypedArray } from "../dtype.ts";
import { computed } from "./realize.ts";
import type { MimeBundle } from "../notebook/html.ts";
import { reasonOf } from "../quoted.ts";
import { type Shape, showShape, sizeOf } from "../shape.ts";
import { Tensor, traceOf } from "../tensor.ts";

/** Above this number of elements an axis is shortened to its first and last `edge`. */
const threshold = 1000;
const edge = 3;

/** How to write the numbers of a tensor: enough digits to distinguish them, at most 4 behind the point. */
function formatter(values: readonly number[], dtype: DType): (value: number) => string {
  if (isBool(dtype)) return (value) => value === 0 ? "false" : "true";
  if (isInteger(dtype)) return (value) => `${value}`;
  const finite = values.filter(Number.isFinite);
  if (finite.every((value) => Number.isInteger(value) && Math.abs(value) < 1e8)) {
    return (value) => Number.isFinite(value) ? `${Object.is(value, -0) ? "-0" : value}.` : named(value);
  }
  const sizes = finite.map(Math.abs).filter((value) => value > 0);
  const [least, most] = [sizes.reduce((a, b) => Math.min(a, b)), sizes.reduce((a, b) => Math.max(a, b))];
  const scientific = most >= 1e8 || least < 1e-4 || most / least > 1e3 && least < 1e-3;
  return (value) => !Number.isFinite(value) ? named(value) : scientific ? value.toExponential(4) : value.toFixed(4);
}

function named(value: number): string {
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

/** Which positions of an axis are written; -1 stands for the dots. */
function shown(extent: number, shorten: boolean): number[] {
  const first = (count: number) => Array.from({ length: count }, (_, i) => i);
  return shorten && extent > 2 * edge ? [...first(edge), -1, ...first(edge).map((i) => extent - edge + i)] : first(extent);
}

/** Row-major values as text with brackets; `indent` columns are already taken on the first line. */
function showValues(values: TypedArray, shape: Shape, dtype: DType, indent = 0): string {
  // An axis may be longer than there are elements, where another has none.
  const shorten = Math.max(values.length, ...shape) > threshold;
  const visibleIndices = (axis: number, start: number): number[] => {
    if (axis === shape.length) return [start];
    const step = sizeOf(shape.slice(axis + 1));
    return shown(shape[axis], shorten).filter((i) => i >= 0).flatMap((i) => visibleIndices(axis + 1, start + i * step));
  };
  const visible = sizeOf(shape) === 0 ? [] : visibleIndices(0, 0).map((at) => values[at]);
  const format = formatter(visible, dtype);
  const width = visible.reduce((most, value) => Math.max(most, format(value).length), 0);
  const write = (axis: number, start: number): string => {
    if (axis === shape.length) return format(values[start]).padStart(shape.length === 0 ? 0 : width);
    const step = sizeOf(shape.slice(axis + 1));
    const items = shown(shape[axis], shorten).map((i) => i < 0 ? "..." : write(axis + 1, start + i * step));
    const last = axis === shape.length - 1;
    const gap = last ? ", " : `,${"\n".repeat(shape.length - 1 - axis)}${" ".repeat(indent + axis + 1)}`;
    return `[${items.join(gap)}]`;
  };
  return write(0, 0);
}

/**
 * A tensor as text with its values, type and shape; inside `jit`, where there are no values, without them.
 *
 * ```ts
 * import { show, tensor } from "../../mod.ts";
 * console.log(show(tensor([[1, 2], [3, 4.5]])));
 * // tensor([[1.0000, 2.0000],
 * //         [3.0000, 4.5000]], f32[2, 2])
 * ```
 */
export function show(x: Tensor): string {
  argument(x, tensors, "x", "show");
  if (traceOf(x)) return written(x, `<${traced}>`);
  try {
    return written(x, fromHostArray(x.dtype, computed(x, "print").hostNow()));
  } catch (reason) {
    return written(x, `<${reasonOf(reason)}>`);
  }
}

const traced = "being traced: see debug.print";

/** A tensor with its numbers, or with what stands in their place. */
function written({ shape, dtype }: Tensor, values: TypedArray | string): string {
  return `tensor(${typeof values === "string" ? values : showValues(values, shape, dtype, 7)}, ${dtype}${showShape(shape)})`;
}

/** A tensor in the forms that a notebook shows. It is read at once, as what it is now: a trace may end, or its memory be given back. */
async function displayed(x: Tensor): Promise<MimeBundle> {
  // What has failed is a text from here on: nobody would see it fail while the other file is loaded.
  const read = traceOf(x) ? Promise.resolve(traced) : valuesOf(x).catch(reasonOf);
  const { tensorBundle, tensorWithoutValues } = await import("../notebook/tensor.ts");
  const values = await read;
  if (typeof values === "string") return tensorWithoutValues(x, written(x, `<${values}>`), values);
  return tensorBundle(values, x, written(x, values));
}

async function valuesOf(x: Tensor): Promise<TypedArray> {
  return fromHostArray(x.dtype, await computed(x, "display").read());
}

Object.defineProperty(Tensor.prototype, Symbol.for("Deno.customInspect"), {
  value(this: Tensor) {
    return show(this);
  },
});

Object.defineProperty(Tensor.prototype, Symbol.for("Jupyter.display"), {
  value(this: Tensor) {
    return displayed(this);
  },
});
