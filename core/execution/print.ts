/**
 * Tensors as text, as readable as NumPy's and PyTorch's: rows aligned, long axes shortened, one format for all numbers of a tensor.
 *
 * Loading this file teaches `console.log` to print tensors: that is its one effect.
 *
 * @module
 */
import { argument, tensors } from "../kinds.ts";
import { type DType, fromHostArray, isBool, isInteger, type TypedArray } from "../dtype.ts";
import { computed } from "./realize.ts";
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
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const scientific = most >= 1e8 || least < 1e-4 || most / least > 1e3 && least < 1e-3;
  return (value) => !Number.isFinite(value) ? named(value) : scientific ? value.toExponential(4) : value.toFixed(4);
}

function named(value: number): string {
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

/** Which positions of an axis are written; -1 stands for the dots. */
function shown(extent: number, shorten: boolean): number[] {
  const all = Array.from({ length: extent }, (_, i) => i);
  return shorten && extent > 2 * edge ? [...all.slice(0, edge), -1, ...all.slice(-edge)] : all;
}

/** Row-major values as text with brackets; `indent` columns are already taken on the first line. */
export function showValues(values: TypedArray, shape: Shape, dtype: DType, indent = 0): string {
  const shorten = values.length > threshold;
  const visibleIndices = (axis: number, start: number): number[] => {
    if (axis === shape.length) return [start];
    const step = sizeOf(shape.slice(axis + 1));
    return shown(shape[axis], shorten).filter((i) => i >= 0).flatMap((i) => visibleIndices(axis + 1, start + i * step));
  };
  const visible = sizeOf(shape) === 0 ? [] : visibleIndices(0, 0).map((at) => values[at]);
  const format = formatter(visible, dtype);
  const width = Math.max(0, ...visible.map((value) => format(value).length));
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
  const kind = `${x.dtype}${showShape(x.shape)}`;
  if (traceOf(x)) return `tensor(<being traced: see debug.print>, ${kind})`;
  try {
    const values = fromHostArray(x.dtype, computed(x, "print").hostNow());
    return `tensor(${showValues(values, x.shape, x.dtype, 7)}, ${kind})`;
  } catch (reason) {
    return `tensor(<${reasonOf(reason)}>, ${kind})`;
  }
}

Object.defineProperty(Tensor.prototype, Symbol.for("Deno.customInspect"), {
  value(this: Tensor) {
    return show(this);
  },
});
