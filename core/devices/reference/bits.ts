/**
 * The same bits read as another type.
 *
 * @module
 */
import type { ScalarType } from "../../ir/expr.ts";

const bits = new DataView(new ArrayBuffer(4));

const writeBits: Readonly<Record<ScalarType, (x: number) => void>> = {
  f32: (x) => bits.setFloat32(0, x),
  f64: () => refuseBits(),
  i32: (x) => bits.setInt32(0, x),
  u32: (x) => bits.setUint32(0, x),
  bool: (x) => bits.setUint32(0, x),
};

const readBits: Readonly<Record<ScalarType, () => number>> = {
  f32: () => bits.getFloat32(0),
  f64: () => refuseBits(),
  i32: () => bits.getInt32(0),
  u32: () => bits.getUint32(0),
  bool: () => bits.getUint32(0) === 0 ? 0 : 1,
};

function refuseBits(): never {
  throw new TypeError("Cannot bitcast f64: only types of 32 bits have the same bits");
}

/** The same 32 bits read as another type; a double that stands for an f32 is rounded to one first. */
export function bitcastFunction(from: ScalarType, to: ScalarType): (x: number) => number {
  const write = writeBits[from];
  const read = readBits[to];
  return (x) => {
    write(x);
    return read();
  };
}
