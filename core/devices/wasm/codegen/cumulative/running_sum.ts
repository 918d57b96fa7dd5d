/**
 * Running sums of as many lines as a vector has lanes: what is kept, and how the next elements join.
 *
 * Sums of f32 are doubles; those of f64 carry their rounding errors (Neumaier). So errors do not grow with the length, although
 * elements are added one after the other.
 *
 * @module
 */
import { deviceBytes, type DType } from "../../../../dtype.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";

/** How sums of one type run. */
export interface RunningSum {
  /** Bytes of an element, and how many elements a vector holds. */
  readonly bytes: number;
  readonly lanes: number;
  /** Vectors that are kept; all zeros at first. */
  readonly parts: number;
  /** Adds the elements in the local `vector`, and sets it to the sums. */
  readonly add: (c: FunctionWriter, vector: number, parts: readonly number[]) => void;
}

/** How sums of a type run. */
export function runningSum(dtype: DType): RunningSum {
  const bytes = deviceBytes(dtype);
  const lanes = 16 / bytes;
  if (dtype === "f32") return { bytes, lanes, parts: 2, add: addToDoubles };
  if (dtype === "f64") return { bytes, lanes, parts: 2, add: addWithErrors };
  return { bytes, lanes, parts: 1, add: (c, x, [sum]) => void c.get(sum).get(x).op("i32x4.add").tee(sum).set(x) };
}

/** The sums of two lanes each are doubles. */
function addToDoubles(c: FunctionWriter, x: number, [low, high]: readonly number[]): void {
  c.get(low).get(x).op("f64x2.promote_low_f32x4").op("f64x2.add").set(low);
  c.get(high).get(x).get(x).shuffle32([2, 3, 6, 7]).op("f64x2.promote_low_f32x4").op("f64x2.add").set(high);
  for (const sum of [low, high]) c.get(sum).op("f32x4.demote_f64x2_zero");
  c.shuffle32([0, 1, 4, 5]).set(x);
}

function addWithErrors(c: FunctionWriter, x: number, [sum, error]: readonly number[]): void {
  c.withLocals("v128", 2, (next, added) => {
    c.get(sum).get(x).op("f64x2.add").tee(next).get(sum).op("f64x2.sub").set(added);
    c.get(error);
    c.get(sum).get(next).get(added).op("f64x2.sub").op("f64x2.sub");
    c.get(x).get(added).op("f64x2.sub").op("f64x2.add");
    c.op("f64x2.add").set(error);
    c.get(next).set(sum);
    // The error is NaN where the sum became infinite.
    c.get(sum).get(error).op("f64x2.add").get(sum).get(error).get(error).op("f64x2.eq").op("v128.bitselect").set(x);
  });
}
