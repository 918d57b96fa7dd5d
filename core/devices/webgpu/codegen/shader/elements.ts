/**
 * How elements lie in buffers: words as they are, a bool as a word that is 0 or 1, narrower elements several to a word, whose bits
 * become scalars and scalars bits by `ir/encoding.ts`, or by an instruction of the shader's where it has one.
 *
 * @module
 */
import { deviceBytes, type DType, isBool } from "../../../../dtype.ts";
import { DTypeError } from "../../../../errors.ts";
import { decode, encode } from "../../../../ir/encoding.ts";
import { type Expr, type ScalarType, scalarType } from "../../../../ir/expr.ts";
import { expressionPrinter } from "./expressions.ts";
import type { WgslWriter } from "./wgsl_writer.ts";

/** The types that a word can have. */
export type WordType = "f32" | "i32" | "u32";

/** The type in which an element of a buffer is computed with. */
export function scalarOf(dtype: DType): ScalarType {
  if (deviceBytes(dtype) <= 4) return scalarType(dtype);
  throw new DTypeError(`Cannot use ${dtype} on webgpu: shaders have no types of 64 bits, cast it`, { dtype });
}

/** Elements that share a word. */
export function elementsPerWord(dtype: DType): number {
  return Math.max(1, 4 / deviceBytes(dtype));
}

/** Whether several elements share a word. */
export function isPacked(dtype: DType): boolean {
  return elementsPerWord(dtype) > 1;
}

/** The type of the words of a buffer. */
export function wordTypeOf(dtype: DType): WordType {
  return isPacked(dtype) || isBool(dtype) ? "u32" : scalarOf(dtype) as WordType;
}

/** A mask of the bits of one element among those that share a word. */
export function maskOf(dtype: DType): string {
  return `${2 ** (8 * deviceBytes(dtype)) - 1}u`;
}

/** Instructions for narrow types: from the lowest bits of a u32, of which others may be set, and back. */
const instructions: Readonly<Partial<Record<DType, { decode(bits: string): string; encode(value: string): string }>>> = {
  f16: {
    decode: (bits) => `unpack2x16float(${bits}).x`,
    encode: (value) => `pack2x16float(vec2<f32>(${value}, 0.0))`,
  },
};

/** Prints an expression of one leaf. */
function printed(shader: WgslWriter, e: Expr, leaf: string): string {
  const none = () => {
    throw new Error("Bits depend on nothing else");
  };
  return expressionPrinter(shader, { load: () => leaf, index: none, result: none })(e);
}

/** An element from its bits, the lowest of a u32. */
export function fromBits(shader: WgslWriter, dtype: DType, bits: string): string {
  const instruction = instructions[dtype];
  if (instruction) return instruction.decode(bits);
  return printed(shader, decode(dtype, { kind: "load", type: "u32", slot: 0 }), `(${bits} & ${maskOf(dtype)})`);
}

/** The bits of an element, the lowest of a u32 whose others are 0. */
export function toBits(shader: WgslWriter, dtype: DType, value: string): string {
  const instruction = instructions[dtype];
  if (instruction) return instruction.encode(value);
  return `(${printed(shader, encode(dtype, { kind: "load", type: scalarOf(dtype), slot: 0 }), value)} & ${maskOf(dtype)})`;
}

/** An element that is alone in its word, from a word of the given type. */
export function fromWord(dtype: DType, type: WordType, word: string): string {
  if (isBool(dtype)) return `(${type === "u32" ? word : `bitcast<u32>(${word})`} != 0u)`;
  return dtype === type ? word : `bitcast<${dtype}>(${word})`;
}

/** The word of the given type for an element that is alone in it. */
export function toWord(dtype: DType, type: WordType, value: string): string {
  if (isBool(dtype)) return `select(0u, 1u, ${value})`;
  return dtype === type ? value : `bitcast<${type}>(${value})`;
}
