/**
 * Literals of WGSL.
 *
 * @module
 */
import type { ScalarType } from "../../../../ir/expr.ts";
import type { WgslWriter } from "./wgsl_writer.ts";

/** A literal of a type; values that WGSL rejects as literals come from helper functions. */
export function literal(shader: WgslWriter, type: ScalarType, value: number): string {
  switch (type) {
    case "bool":
      return value ? "true" : "false";
    case "u32":
      return `${value >>> 0}u`;
    case "i32":
      return `i32(${value | 0})`;
    default:
      return floatLiteral(shader, Math.fround(value));
  }
}

function floatLiteral(shader: WgslWriter, value: number): string {
  if (Number.isNaN(value)) return `${shader.helper("nan")}()`;
  if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}${shader.helper("infinity")}()`;
  const subnormal = value !== 0 && Math.abs(value) < 2 ** -126;
  if (Object.is(value, -0) || subnormal) return `bitcast<f32>(${bitsOf(value)}u)`;
  return `f32(${value})`;
}

function bitsOf(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0];
}
