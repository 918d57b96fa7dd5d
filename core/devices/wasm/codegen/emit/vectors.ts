/**
 * Vectors of four f32: stores of some lanes, sums of lanes, transposition, zeroes.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";

/** Bytes of an f32, the element of all vector kernels. */
export const floatBytes = 4;

/** Lanes of a vector of f32. */
export const vectorLanes = 4;

/** Sets `vector` to the first `lanes` floats from the address in local `at` plus `offset`, and its other lanes to 0; none beyond is read. */
export function loadLanes(c: FunctionWriter, at: number, vector: number, lanes: number, offset: number): void {
  c.get(at).mem(lanes >= 4 ? "v128.load" : lanes === 1 ? "v128.load32_zero" : "v128.load64_zero", offset).set(vector);
  if (lanes === 3) c.get(at).get(vector).memLane("v128.load32_lane", 2, offset + 8).set(vector);
}

/** Stores the first `lanes` lanes of `vector` at the address in local `at` plus `offset`; nothing beyond is touched. */
export function storeLanes(c: FunctionWriter, at: number, vector: number, lanes: number, offset: number): void {
  c.get(at).get(vector);
  if (lanes >= 4) c.mem("v128.store", offset);
  else if (lanes === 1) c.memLane("v128.store32_lane", 0, offset);
  else c.memLane("v128.store64_lane", 0, offset);
  if (lanes === 3) c.get(at).get(vector).memLane("v128.store32_lane", 2, offset + 8);
}

/** Pushes a vector whose lane i is the sum of the lanes of `vectors[i]`; with fewer than four the upper lanes are of no use. */
export function pushLaneSums(c: FunctionWriter, vectors: readonly number[]): void {
  const at = (i: number) => vectors[Math.min(i, vectors.length - 1)];
  const pairs = (a: number, b: number) => {
    // [a0 + a2, a1 + a3, b0 + b2, b1 + b3]
    c.get(a).get(b).shuffle32([0, 1, 4, 5]).get(a).get(b).shuffle32([2, 3, 6, 7]).op("f32x4.add");
  };
  const left = c.local("v128");
  const right = c.local("v128");
  pairs(at(0), at(1));
  c.set(left);
  pairs(at(2), at(3));
  c.set(right);
  c.get(left).get(right).shuffle32([0, 2, 4, 6]).get(left).get(right).shuffle32([1, 3, 5, 7]).op("f32x4.add");
  c.release("v128", left).release("v128", right);
}

/** Transposes four vectors in place. */
export function transpose4(c: FunctionWriter, rows: readonly number[]): void {
  const [a, b, d, e] = rows;
  const high = c.local("v128");
  const low = c.local("v128");
  const interleave = (x: number, y: number) => {
    c.get(x).get(y).shuffle32([2, 6, 3, 7]).set(high);
    c.get(x).get(y).shuffle32([0, 4, 1, 5]).set(x).get(high).set(y);
  };
  interleave(a, b);
  interleave(d, e);
  // a, d hold the pairs of steps 0 and 1; b, e those of 2 and 3.
  c.get(a).get(d).shuffle32([2, 3, 6, 7]).set(high).get(a).get(d).shuffle32([0, 1, 4, 5]).set(a);
  c.get(b).get(e).shuffle32([0, 1, 4, 5]).set(low).get(b).get(e).shuffle32([2, 3, 6, 7]).set(e);
  c.get(high).set(b).get(low).set(d);
  c.release("v128", high).release("v128", low);
}

/** Transposes two vectors of two f64 in place. */
export function transpose2(c: FunctionWriter, [a, b]: readonly number[]): void {
  c.get(a).get(b).shuffle32([2, 3, 6, 7]).get(a).get(b).shuffle32([0, 1, 4, 5]).set(a).set(b);
}

/** Sets all floats of `bytes` (a multiple of 16) from the address in local `at`, which is kept, to a value, 0 unless another is given. */
export function zeroBytes(c: FunctionWriter, at: number, bytes: number, value = 0): void {
  if (bytes === 0) return;
  const counter = c.local("i32");
  c.for(counter, 0, bytes, 16, () => c.get(at).get(counter).op("i32.add").f32x4(value).mem("v128.store"));
  c.release("i32", counter);
}

/** Zeroes `count` floats from the address in local `address`, which is kept. */
export function zeroFloats(c: FunctionWriter, address: number, count: number): void {
  const vectors = Math.floor(count / vectorLanes) * vectorLanes;
  c.withLocals("v128", 1, (vector) => {
    zeroBytes(c, address, vectors * floatBytes);
    c.f32x4(0).set(vector);
    if (count > vectors) storeLanes(c, address, vector, count - vectors, vectors * floatBytes);
  });
}
