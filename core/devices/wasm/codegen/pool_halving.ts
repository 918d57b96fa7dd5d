/**
 * Pooling by windows of 2 by 2 side by side: four windows at a time, their corners dealt into four vectors.
 *
 * @module
 */
import type { PoolKernel } from "../../../ir/kernel.ts";
import type { PoolGeometry } from "../../../shape.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import type { GeneratorContext } from "./context.ts";
import { floatBytes, storeLanes, vectorLanes, zeroBytes } from "./emit/vectors.ts";

/** Vectors of a row that are written out one after the other. */
const UNROLLED_VECTORS = 8;

/** Whether a pooling is by windows of 2 by 2 side by side, all within the image. */
export function halves(g: PoolGeometry): boolean {
  const all = (numbers: readonly number[], value: number) => numbers.every((number) => number === value);
  return all([g.kh, g.kw, ...g.stride], 2) && all(g.dilation, 1) && all([g.padding.top, g.padding.left], 0) &&
    g.oh * 2 <= g.h && g.ow * 2 <= g.w;
}

/** Writes a function (first operand, second operand, result) for one plane of at least four columns of windows. */
export function halvePlane(context: GeneratorContext, kernel: PoolKernel): number {
  const { kind, geometry: g } = kernel;
  const spreads = kind === "maxPool2dScatter" || kind === "avgPool2dGrad";
  return context.module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [first, second, result] = [0, 1, 2];
    const [row, column] = c.locals("i32", 2);
    const large = g.w * floatBytes;
    const small = g.ow * floatBytes;
    /** The pointers that move two rows of the image, and those that move one row of windows. */
    const [largePointers, smallPointers] = {
      maxPool2d: [[first], [result]],
      avgPool2d: [[first], [result]],
      maxPool2dGather: [[first, second], [result]],
      maxPool2dScatter: [[first, result], [second]],
      avgPool2dGrad: [[result], [first]],
    }[kind];
    const advance = (largeBytes: number, smallBytes: number) => {
      for (const pointer of largePointers) c.increment(pointer, largeBytes);
      for (const pointer of smallPointers) c.increment(pointer, smallBytes);
    };
    const four = (at: number) => fourWindows(c, kind, g.w, at, { first, second, result });
    if (spreads && (g.oh * 2 < g.h || g.ow * 2 < g.w)) zeroPlane(c, result, g.h * g.w);
    c.for(row, 0, g.oh, 1, () => {
      const whole = Math.floor(g.ow / vectorLanes);
      if (whole <= UNROLLED_VECTORS) { for (let v = 0; v < whole; v++) four(v * vectorLanes); }
      else {
        c.for(column, 0, whole, 1, () => {
          four(0);
          advance(2 * vectorLanes * floatBytes, vectorLanes * floatBytes);
        });
        advance(-2 * whole * vectorLanes * floatBytes, -whole * vectorLanes * floatBytes);
      }
      // The last windows overlap those before rather than hang over.
      if (g.ow % vectorLanes > 0) four(g.ow - vectorLanes);
      advance(2 * large, small);
    });
  });
}

/** Zeroes `count` floats from the address in local `at`, which is kept. */
function zeroPlane(c: FunctionWriter, at: number, count: number): void {
  const vectors = Math.floor(count / vectorLanes) * vectorLanes;
  const vector = c.local("v128");
  zeroBytes(c, at, vectors * floatBytes);
  c.f32x4(0).set(vector);
  if (count > vectors) storeLanes(c, at, vector, count - vectors, vectors * floatBytes);
  c.release("v128", vector);
}

/** Four windows from column `at` on of the row of windows that the addresses point to. */
function fourWindows(
  c: FunctionWriter,
  kind: PoolKernel["kind"],
  width: number,
  at: number,
  { first, second, result }: { readonly first: number; readonly second: number; readonly result: number },
): void {
  const vector = () => c.local("v128");
  const used: number[] = [];
  const take = (count: number) => {
    const taken = Array.from({ length: count }, vector);
    used.push(...taken);
    return taken;
  };
  /** The corners of four windows: upper left, upper right, lower left, lower right. */
  const corners = (address: number): number[] => {
    const [upperLeft, upperRight, lowerLeft, lowerRight, rest] = take(5);
    for (const [left, right, line] of [[upperLeft, upperRight, 0], [lowerLeft, lowerRight, 1]]) {
      const offset = (line * width + 2 * at) * floatBytes;
      c.get(address).mem("v128.load", offset).tee(right).get(address).mem("v128.load", offset + 16).tee(rest);
      c.shuffle32([0, 2, 4, 6]).set(left);
      c.get(right).get(rest).shuffle32([1, 3, 5, 7]).set(right);
    }
    return [upperLeft, upperRight, lowerLeft, lowerRight];
  };
  /** Stores corners back to where they came from. */
  const storeCorners = (push: readonly (() => void)[]) => {
    const [left, right] = take(2);
    for (const line of [0, 1]) {
      const offset = (line * width + 2 * at) * floatBytes;
      push[2 * line]();
      c.set(left);
      push[2 * line + 1]();
      c.set(right);
      c.get(result).get(left).get(right).shuffle32([0, 4, 1, 5]).mem("v128.store", offset);
      c.get(result).get(left).get(right).shuffle32([2, 6, 3, 7]).mem("v128.store", offset + 16);
    }
  };
  /** Pushes where `y` comes before `x`: it is larger, or NaN, and `x` is not NaN. */
  const beats = (y: number, x: number) => c.get(x).get(x).op("f32x4.eq").get(y).get(x).op("f32x4.le").op("v128.andnot");
  /** Which of a window's corners is the first maximum: right among the upper, right among the lower, lower; the maximum. */
  const decide = ([a, b, d, e]: readonly number[]) => {
    const [upper, lower, below, upperRight, lowerRight] = take(5);
    beats(b, a).set(upperRight).get(b).get(a).get(upperRight).op("v128.bitselect").set(upper);
    beats(e, d).set(lowerRight).get(e).get(d).get(lowerRight).op("v128.bitselect").set(lower);
    beats(lower, upper).set(below);
    return { upper, lower, below, upperRight, lowerRight };
  };
  switch (kind) {
    case "maxPool2d": {
      const { upper, lower, below } = decide(corners(first));
      c.get(result).get(lower).get(upper).get(below).op("v128.bitselect").mem("v128.store", at * floatBytes);
      break;
    }
    case "maxPool2dGather": {
      const { below, upperRight, lowerRight } = decide(corners(first));
      const [a, b, d, e] = corners(second);
      c.get(result).get(e).get(d).get(lowerRight).op("v128.bitselect").get(b).get(a).get(upperRight).op("v128.bitselect");
      c.get(below).op("v128.bitselect").mem("v128.store", at * floatBytes);
      break;
    }
    case "maxPool2dScatter": {
      const { below, upperRight, lowerRight } = decide(corners(first));
      const [g, above] = take(2);
      c.get(second).mem("v128.load", at * floatBytes).tee(g).get(below).op("v128.andnot").set(above);
      c.get(g).get(below).op("v128.and").set(g);
      storeCorners([
        () => c.get(above).get(upperRight).op("v128.andnot"),
        () => c.get(above).get(upperRight).op("v128.and"),
        () => c.get(g).get(lowerRight).op("v128.andnot"),
        () => c.get(g).get(lowerRight).op("v128.and"),
      ]);
      break;
    }
    case "avgPool2d": {
      const [a, b, d, e] = corners(first);
      c.get(result).get(a).get(b).op("f32x4.add").get(d).get(e).op("f32x4.add").op("f32x4.add").f32x4(0.25).op("f32x4.mul");
      c.mem("v128.store", at * floatBytes);
      break;
    }
    case "avgPool2dGrad": {
      const [share] = take(1);
      c.get(first).mem("v128.load", at * floatBytes).f32x4(0.25).op("f32x4.mul").set(share);
      storeCorners(Array.from({ length: 4 }, () => () => c.get(share)));
      break;
    }
  }
  c.release("v128", ...used);
}
