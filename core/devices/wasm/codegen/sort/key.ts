/**
 * Numbers as unsigned integers of the same order, which can be sorted by their bytes.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { Stream } from "../elementwise/streams.ts";

const signBit = -(2 ** 31);

/** Writes the key of the number at address `value` to address `to` (locals): 4 bytes, or 8 for an f64. */
export function writeKey(c: FunctionWriter, dtype: Stream["dtype"], value: number, to: number, descending: boolean): void {
  /** What the words of a key still need: the order turned around. */
  const store = (offset: number) => {
    if (descending) c.i32(-1).op("i32.xor");
    c.mem("i32.store", offset);
  };
  if (dtype === "f32" || dtype === "f64") return writeFloatKey(c, dtype, value, to, store);
  c.get(to).get(value).mem("i32.load");
  if (dtype === "i32") c.i32(signBit).op("i32.xor");
  store(0);
}

/** The sign bit turns the other bits around; all NaNs are one key, the largest, and so are both zeros. */
function writeFloatKey(
  c: FunctionWriter,
  dtype: "f32" | "f64",
  value: number,
  to: number,
  store: (offset: number) => void,
): void {
  const [low, high, sign, nan] = c.locals("i32", 4);
  const highAt = dtype === "f64" ? 4 : 0;
  c.i32(0);
  for (let i = 0; i < 2; i++) c.get(value).mem(`${dtype}.load`);
  c.op(`${dtype}.ne`).op("i32.sub").set(nan);
  if (dtype === "f64") c.get(value).mem("i32.load").set(low);
  else c.i32(0).set(low);
  c.get(value).mem("i32.load", highAt).set(high);
  c.i32(0).get(high).get(high).i32(1).op("i32.shl").get(low).op("i32.or").op("i32.eqz").op("select").tee(high);
  c.i32(31).op("i32.shr_s").set(sign);
  if (dtype === "f64") {
    c.get(to).get(low).get(sign).op("i32.xor").get(nan).op("i32.or");
    store(0);
  }
  c.get(to).get(high).get(sign).i32(signBit).op("i32.or").op("i32.xor").get(nan).op("i32.or");
  store(highAt);
  c.release("i32", low, high, sign, nan);
}
