/**
 * Reading: the values of tensors as typed arrays, numbers and nested arrays.
 *
 * @module
 */
import type { Storage } from "../values/storage.ts";
import { quoted } from "../quoted.ts";
import { refuseForeign, Tensor } from "../tensor.ts";
import { computed } from "./realize.ts";
import { type DType, fromHostArray, isBool, type TypedArray } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { type Shape, showShape, sizeOf } from "../shape.ts";
/**
 * The elements in row-major order, as a typed array of the tensor's type (bool as 0 and 1 in a Uint8Array). Where JavaScript has no
 * such array, it is one of the type in which the tensor is computed, with the same numbers: a Float32Array for bf16.
 *
 * The type of a `Tensor` does not tell its dtype: all operations would have it as a type parameter, and no message of the compiler
 * could be read. So say which array it is where you know it; otherwise it is any of them.
 *
 * ```ts
 * import { add, data, tensor } from "../../mod.ts";
 * const numbers: Float32Array = await data(add(tensor([1, 2]), 1));
 * console.log(numbers); // Float32Array(2) [2, 3]
 * ```
 *
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 */
export function data<A extends TypedArray = TypedArray>(x: Tensor): Promise<A> {
  // Not async: a mistake throws where it is made, even if the promise is not awaited.
  return numbersOf(x, "data") as Promise<A>;
}

/**
 * The elements as bytes in row-major order, as they lie in memory and in files: little-endian; bool is one byte, 0 or 1. `fromBytes`
 * reads them.
 *
 * ```ts
 * import { tensor, toBytes } from "../../mod.ts";
 * console.log(await toBytes(tensor([1, 2], { dtype: "i32" }))); // Uint8Array(8) [1, 0, 0, 0, 2, 0, 0, 0]
 * ```
 *
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 * @see NumPy's tobytes
 */
export function toBytes(x: Tensor): Promise<Uint8Array> {
  return valuesOf(x, "toBytes").read().then(({ buffer, byteOffset, byteLength }) => {
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}

/** The numbers of what a user wants to read. */
function numbersOf(x: Tensor, reader: string): Promise<TypedArray> {
  return valuesOf(x, reader).read().then((values) => fromHostArray(x.dtype, values));
}

/** The storage of what a user wants to read; programs without type checking may pass anything. */
function valuesOf(x: unknown, reader: string): Storage {
  if (x instanceof Tensor) return computed(x, reader);
  refuseForeign(x);
  throw new TypeError(`Cannot read values with ${reader} of ${quoted(x)}${x instanceof Promise ? "" : ", only of a tensor"}`);
}

/**
 * The number that a tensor of one element holds.
 *
 * ```ts
 * import { item, sum, tensor } from "../../mod.ts";
 * console.log(await item(sum(tensor([1, 2, 3])))); // 6
 * ```
 *
 * @throws {ShapeError} If there is not exactly one element.
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 */
export function item(x: Tensor): Promise<number> {
  if (x instanceof Tensor && x.size !== 1) {
    throw new ShapeError(`Cannot take the item of a tensor of shape ${showShape(x.shape)}: it has ${x.size} elements, not one`, {
      shape: x.shape,
    });
  }
  return numbersOf(x, "item").then(([value]) => value);
}

/** Numbers (or booleans) in nested arrays. */
export type Nested = number | boolean | Nested[];

/**
 * Nested arrays of numbers of which TypeScript does not know how deep they are: it takes them for arrays of arrays and for numbers,
 * whichever they are used as.
 */
export type NestedNumbers = number & NestedNumbers[];

/** Row-major values as nested arrays. */
function nest(values: ArrayLike<number>, shape: Shape, dtype: DType): Nested {
  const bool = isBool(dtype);
  const convert = (value: number) => bool ? value !== 0 : value;
  const build = (axis: number, start: number): Nested => {
    if (axis === shape.length) return convert(values[start]);
    const step = sizeOf(shape.slice(axis + 1));
    return Array.from({ length: shape[axis] }, (_, i) => build(axis + 1, start + i * step));
  };
  return build(0, 0);
}

/**
 * The elements as nested arrays of numbers (booleans for bool); a scalar gives the number itself.
 *
 * The type of a `Tensor` tells neither its rank nor its dtype (see `data`). So the result may be used as arrays of any depth, or said
 * to be what it is: `const rows: number[][] = await toArray(x)`. Booleans must be said.
 *
 * ```ts
 * import { tensor, toArray } from "../../mod.ts";
 * const rows = await toArray(tensor([[1, 2], [3, 4]]));
 * console.log(rows, rows[0][1] + 1); // [[1, 2], [3, 4]] 3
 * const flags: boolean[] = await toArray(tensor([true, false]));
 * console.log(flags); // [true, false]
 * ```
 *
 * @throws {TraceError} Inside `jit` or `vmap`, where there are no values.
 */
export function toArray<N extends Nested = NestedNumbers>(x: Tensor): Promise<N> {
  return numbersOf(x, "toArray").then((values) => nest(values, x.shape, x.dtype) as N);
}
