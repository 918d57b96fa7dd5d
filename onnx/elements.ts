/**
 * The element types of ONNX by their numbers, and the dtypes that they become. Integers of 64 bits become i32, those of 4, 8 and 16 bits
 * the narrowest type that holds them.
 *
 * @module
 */
import { castTo, type DType } from "../core/dtype.ts";

/** A type's name in error messages and in ONNX's documentation. */
export type ElementName =
  | "float"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "int32"
  | "int64"
  | "bool"
  | "float16"
  | "double"
  | "uint32"
  | "uint64"
  | "bfloat16"
  | "uint4"
  | "int4";

/** What is known of a type. */
interface ElementType {
  /** In `TensorProto.DataType`. */
  readonly code: number;
  /** What an element takes in a file; half a byte where two share one. */
  readonly bytes: number;
  /** The dtype of tensors of it. */
  readonly dtype: DType;
  /** Its name in the safetensors format, by which files' elements are read; of elements that share bytes, when each has one of its own. */
  readonly stored: "F32" | "U8" | "I8" | "U16" | "I16" | "I32" | "I64" | "BOOL" | "F16" | "F64" | "U32" | "U64" | "BF16";
  /** Of an integer: what it holds. */
  readonly range?: readonly [least: number, most: number];
}

const signed = (bits: number) => [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] as const;
const unsigned = (bits: number) => [0, 2 ** bits - 1] as const;

const types: Readonly<Record<ElementName, ElementType>> = {
  float: { code: 1, bytes: 4, dtype: "f32", stored: "F32" },
  uint8: { code: 2, bytes: 1, dtype: "u8", stored: "U8", range: unsigned(8) },
  int8: { code: 3, bytes: 1, dtype: "i32", stored: "I8", range: signed(8) },
  uint16: { code: 4, bytes: 2, dtype: "u32", stored: "U16", range: unsigned(16) },
  int16: { code: 5, bytes: 2, dtype: "i32", stored: "I16", range: signed(16) },
  int32: { code: 6, bytes: 4, dtype: "i32", stored: "I32", range: signed(32) },
  int64: { code: 7, bytes: 8, dtype: "i32", stored: "I64", range: signed(64) },
  bool: { code: 9, bytes: 1, dtype: "bool", stored: "BOOL" },
  float16: { code: 10, bytes: 2, dtype: "f16", stored: "F16" },
  double: { code: 11, bytes: 8, dtype: "f64", stored: "F64" },
  uint32: { code: 12, bytes: 4, dtype: "u32", stored: "U32", range: unsigned(32) },
  uint64: { code: 13, bytes: 8, dtype: "u32", stored: "U64", range: unsigned(64) },
  bfloat16: { code: 16, bytes: 2, dtype: "bf16", stored: "BF16" },
  uint4: { code: 21, bytes: 0.5, dtype: "u8", stored: "U8", range: unsigned(4) },
  int4: { code: 22, bytes: 0.5, dtype: "i32", stored: "I8", range: signed(4) },
};

const byCode: ReadonlyMap<number, ElementName> = new Map(
  Object.entries(types).map(([name, { code }]) => [code, name as ElementName]),
);

/** Names of types that no dtype holds, for messages. */
const others: Readonly<Record<number, string>> = {
  0: "undefined",
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  23: "float4e2m1",
};

/** All of their names. */
export const elementNames: readonly ElementName[] = [...byCode.values()];

/** The type of a number; undefined if no dtype holds it. */
export function elementOf(code: number): ElementName | undefined {
  return byCode.get(code);
}

/** What to call a type in messages, whether there is one or not. */
export function nameOfCode(code: number): string {
  return byCode.get(code) ?? others[code] ?? `type ${code}`;
}

/** What is known of a type. */
export function elementType(name: ElementName): ElementType {
  return types[name];
}

/** How many bytes so many elements take in a file. */
export function storedBytes(name: ElementName, count: number): number {
  return Math.ceil(count * types[name].bytes);
}

/** The type that is called by its own name among those of a dtype. */
export function elementOfDType(dtype: DType): ElementName {
  const names: Readonly<Record<DType, ElementName>> = {
    bool: "bool",
    u8: "uint8",
    i32: "int32",
    u32: "uint32",
    f16: "float16",
    bf16: "bfloat16",
    f32: "float",
    f64: "double",
  };
  return names[dtype];
}

/** Whether elements are integers. */
export function isWhole(name: ElementName): boolean {
  return types[name].range !== undefined;
}

/** A number as an element of a type holds it: integers lose their fraction, and those of up to 32 bits wrap around. */
export function roundTo(name: ElementName, value: number): number {
  const { dtype, range, bytes } = types[name];
  if (range === undefined) return castTo(dtype, value);
  const whole = Math.trunc(value);
  if (bytes === 8 || whole >= range[0] && whole <= range[1] || !Number.isFinite(whole)) return whole;
  const count = range[1] - range[0] + 1;
  return whole - count * Math.floor((whole - range[0]) / count);
}
