/**
 * Element types: what each is called, how wide it is, which typed array holds it, and how two of them meet.
 *
 * @module
 */
import { DTypeError } from "./errors.ts";

/**
 * An element type. `u8` (images) and `f16` (weights, activations) are for storage: they are moved and chosen from as they are, and cast
 * before they are computed with.
 */
export type DType = "f16" | "f32" | "f64" | "i32" | "u32" | "u8" | "bool";

/** The JavaScript array that holds elements of a tensor on the host; `bool` is 0 or 1 in a `Uint8Array`. */
export type TypedArray = Float16Array | Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Every element type, in order of promotion. */
export const dtypes: readonly DType[] = ["bool", "u8", "i32", "u32", "f16", "f32", "f64"];

const arrays = {
  f16: Float16Array,
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const;

function arrayOf(dtype: DType): (typeof arrays)[DType] {
  if (Object.hasOwn(arrays, dtype)) return arrays[dtype];
  throw new DTypeError(`Cannot hold elements of type ${dtype}: there are ${dtypes.join(", ")}`, { dtype });
}

/** A zeroed typed array of `size` elements that can hold `dtype` on the host. */
export function hostArray(dtype: DType, size: number): TypedArray {
  return new (arrayOf(dtype))(size);
}

/** Copies (and converts, as a typed array assignment does) numbers into the host array of `dtype`. */
export function toHostArray(dtype: DType, values: ArrayLike<number>): TypedArray {
  if (dtype === "bool") return Uint8Array.from(values, (value) => value === 0 ? 0 : 1);
  return arrayOf(dtype).from(values);
}

/** A number as an element of `dtype` holds it. */
export function heldAs(dtype: DType, value: number): number {
  switch (dtype) {
    case "f64":
      return value;
    case "f32":
      return Math.fround(value);
    case "f16":
      return Math.f16round(value);
    case "i32":
      return value | 0;
    case "u32":
      return value >>> 0;
    case "u8":
      return value & 255;
    case "bool":
      return value === 0 ? 0 : 1;
  }
}

/** Bytes of one element on a device: a bool takes four, so that it is one lane of a vector and one word of a shader. */
export function deviceBytes(dtype: DType): number {
  return dtype === "f64" ? 8 : dtype === "f16" ? 2 : dtype === "u8" ? 1 : 4;
}

/** Whether functions of real numbers are computed in this type. */
export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f64";
}

/** The type in which elements of this type are added up and compared: that of storage and bool is wider. */
export function wideType(dtype: DType): DType {
  return dtype === "f16" ? "f32" : dtype === "u8" || dtype === "bool" ? "i32" : dtype;
}

/** The type of derivatives by values of this type; undefined if there are none. Those by `f16` are f32, as sums of them are. */
export function tangentType(dtype: DType): DType | undefined {
  const wide = wideType(dtype);
  return isFloat(wide) ? wide : undefined;
}

/** Whether values of this type are whole numbers (bool is not one). */
export function isInteger(dtype: DType): boolean {
  return dtype === "i32" || dtype === "u32" || dtype === "u8";
}

/**
 * The type in which values of types `a` and `b` meet: the wider float if there is one, else the wider integer.
 *
 * @throws {DTypeError} If one is `i32` and the other `u32`: no type of 32 bits holds both.
 */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  if ((a === "i32" && b === "u32") || (a === "u32" && b === "i32")) {
    throw new DTypeError(`Cannot combine i32 with u32: no 32-bit type holds both, cast one of them`, { dtypes: [a, b] });
  }
  return dtypes[Math.max(dtypes.indexOf(a), dtypes.indexOf(b))];
}

/** The element type a typed array stands for, or undefined if tensors cannot hold it. */
export function dtypeOfArray(array: ArrayBufferView): DType | undefined {
  if (array instanceof Float16Array) return "f16";
  if (array instanceof Float32Array) return "f32";
  if (array instanceof Float64Array) return "f64";
  if (array instanceof Int32Array) return "i32";
  if (array instanceof Uint32Array) return "u32";
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return "u8";
  return undefined;
}
