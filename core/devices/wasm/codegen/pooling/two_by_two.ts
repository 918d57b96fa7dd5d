/**
 * Pooling by windows of 2 by 2 side by side: four windows at a time, their corners dealt into four vectors.
 *
 * @module
 */
import { operandShapes, type PoolKernel } from "../../../../ir/kernel.ts";
import type { PoolGeometry } from "../../../../ir/windows.ts";
import type { FunctionWriter, Locals } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { floatBytes, vectorLanes, zeroFloats } from "../emit/vectors.ts";

/** Rows of at most this many vectors have no loop. */
const maxUnrolledVectors = 8;

/** Whether a pooling is by windows of 2 by 2 side by side, all within the image. */
export function isTwoByTwo(g: PoolGeometry): boolean {
  const all = (numbers: readonly number[], value: number) => numbers.every((number) => number === value);
  return all([g.kh, g.kw, ...g.stride], 2) && all(g.dilation, 1) && all([g.padding.top, g.padding.left], 0) &&
    g.oh * 2 <= g.h && g.ow * 2 <= g.w;
}

/**
 * Writes a function (first operand, second operand, result) for one plane of at least four columns of windows; with `spreads`
 * pixels outside all windows become zeros.
 */
export function twoByTwoPlane(
  module: WasmModule,
  kernel: PoolKernel,
  spreads: boolean,
  fourWindows: (windows: FourWindows) => void,
): number {
  const { geometry: g } = kernel;
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const result = 2;
    const [row, column] = c.locals("i32", 2);
    const advance = pointerMoves(c, kernel, result);
    const four = (first: number) => {
      const windows = new FourWindows(c, g.w, first);
      fourWindows(windows);
      windows.release();
    };
    if (spreads && (g.oh * 2 < g.h || g.ow * 2 < g.w)) zeroFloats(c, result, g.h * g.w);
    c.for(row, 0, g.oh, 1, () => {
      const whole = Math.floor(g.ow / vectorLanes);
      if (whole <= maxUnrolledVectors) { for (let v = 0; v < whole; v++) four(v * vectorLanes); }
      else {
        c.for(column, 0, whole, 1, () => {
          four(0);
          advance(2 * vectorLanes, vectorLanes);
        });
        advance(-2 * whole * vectorLanes, -whole * vectorLanes);
      }
      // The last windows overlap those before rather than hang over.
      if (g.ow % vectorLanes > 0) four(g.ow - vectorLanes);
      advance(2 * g.w, g.ow);
    });
  });
}

/** What moves the pointers to planes of pixels by one number of floats, and those to planes of windows by another. */
function pointerMoves(c: FunctionWriter, kernel: PoolKernel, result: number): (pixels: number, windows: number) => void {
  const { geometry: g, shape } = kernel;
  const planes = [
    ...operandShapes(kernel).map((operand, pointer) => ({ pointer, rows: operand.shape[2] })),
    { pointer: result, rows: shape[2] },
  ];
  const hasPixels = ({ rows }: { readonly rows: number }) => rows === g.h;
  return (pixels, windows) => {
    for (const { pointer } of planes.filter(hasPixels)) c.increment(pointer, pixels * floatBytes);
    for (const { pointer } of planes.filter((plane) => !hasPixels(plane))) c.increment(pointer, windows * floatBytes);
  };
}

/** maxPool2d: stores the maxima. */
export function storeMaxima(windows: FourWindows): void {
  const { upper, lower, below } = windows.findMaxima(windows.corners(windows.first));
  windows.storeOutputs((c) => c.get(lower).get(upper).get(below).op("v128.bitselect"));
}

/** maxPool2dGather: stores the second operand's elements at the first maxima. */
export function storeAtMaxima(windows: FourWindows): void {
  const { below, upperRight, lowerRight } = windows.findMaxima(windows.corners(windows.first));
  const [upperLeft, upper, lowerLeft, lower] = windows.corners(windows.second);
  windows.storeOutputs((c) => {
    c.get(lower).get(lowerLeft).get(lowerRight).op("v128.bitselect");
    c.get(upper).get(upperLeft).get(upperRight).op("v128.bitselect");
    c.get(below).op("v128.bitselect");
  });
}

/** maxPool2dScatter: stores the second operand's elements at the first maxima, zeros elsewhere. */
export function spreadToMaxima(windows: FourWindows): void {
  const { c } = windows;
  const { below, upperRight, lowerRight } = windows.findMaxima(windows.corners(windows.first));
  const [lower, upper] = windows.locals(2);
  windows.pushOutputs(windows.second).tee(lower).get(below).op("v128.andnot").set(upper);
  c.get(lower).get(below).op("v128.and").set(lower);
  windows.storeCorners([
    () => c.get(upper).get(upperRight).op("v128.andnot"),
    () => c.get(upper).get(upperRight).op("v128.and"),
    () => c.get(lower).get(lowerRight).op("v128.andnot"),
    () => c.get(lower).get(lowerRight).op("v128.and"),
  ]);
}

/** avgPool2d: stores the means. */
export function storeMeans(windows: FourWindows): void {
  const [a, b, d, e] = windows.corners(windows.first);
  windows.storeOutputs((c) => {
    c.get(a).get(b).op("f32x4.add").get(d).get(e).op("f32x4.add").op("f32x4.add").f32x4(0.25).op("f32x4.mul");
  });
}

/** avgPool2dGrad: stores a quarter of the operand's elements at each corner. */
export function spreadMeans(windows: FourWindows): void {
  const { c } = windows;
  const [quarter] = windows.locals(1);
  windows.pushOutputs(windows.first).f32x4(0.25).op("f32x4.mul").set(quarter);
  windows.storeCorners(Array.from({ length: 4 }, () => () => c.get(quarter)));
}

/** Four neighbouring windows of a row, from window `firstColumn` after the pointers on. */
export class FourWindows {
  readonly c: FunctionWriter;
  /** Locals: addresses of the operands and the result. */
  readonly first = 0;
  readonly second = 1;
  readonly result = 2;
  readonly #width: number;
  readonly #firstColumn: number;
  readonly #used: number[] = [];

  constructor(c: FunctionWriter, width: number, firstColumn: number) {
    this.c = c;
    this.#width = width;
    this.#firstColumn = firstColumn;
  }

  /** Vectors that exist until `release`. */
  locals<Count extends number>(count: Count): Locals<Count> {
    const taken = this.c.locals("v128", count);
    this.#used.push(...taken as readonly number[]);
    return taken;
  }

  release(): void {
    this.c.release("v128", ...this.#used);
  }

  /** Loads the corners: upper left, upper right, lower left, lower right. */
  corners(address: number): readonly [number, number, number, number] {
    const [upperLeft, upperRight, lowerLeft, lowerRight, rest] = this.locals(5);
    for (const [left, right, line] of [[upperLeft, upperRight, 0], [lowerLeft, lowerRight, 1]]) {
      const offset = this.#lineOffset(line);
      this.c.get(address).mem("v128.load", offset).tee(right).get(address).mem("v128.load", offset + 16).tee(rest);
      this.c.shuffle32([0, 2, 4, 6]).set(left);
      this.c.get(right).get(rest).shuffle32([1, 3, 5, 7]).set(right);
    }
    return [upperLeft, upperRight, lowerLeft, lowerRight];
  }

  /** Stores corners, in the order of `corners`, to the result. */
  storeCorners(push: readonly (() => void)[]): void {
    const { c, result } = this;
    const [left, right] = this.locals(2);
    for (const line of [0, 1]) {
      const offset = this.#lineOffset(line);
      push[2 * line]();
      c.set(left);
      push[2 * line + 1]();
      c.set(right);
      c.get(result).get(left).get(right).shuffle32([0, 4, 1, 5]).mem("v128.store", offset);
      c.get(result).get(left).get(right).shuffle32([2, 6, 3, 7]).mem("v128.store", offset + 16);
    }
  }

  /** Pushes an operand's elements of the windows. */
  pushOutputs(address: number): FunctionWriter {
    return this.c.get(address).mem("v128.load", this.#firstColumn * floatBytes);
  }

  /** Stores the windows' results. */
  storeOutputs(push: (c: FunctionWriter) => void): void {
    this.c.get(this.result);
    push(this.c);
    this.c.mem("v128.store", this.#firstColumn * floatBytes);
  }

  /**
   * Finds the first maxima: those of the upper and of the lower corners, and masks that say whether it is the right one among the
   * upper, the right one among the lower, and one of the lower.
   */
  findMaxima([a, b, d, e]: readonly [number, number, number, number]) {
    const [upper, lower, below, upperRight, lowerRight] = this.locals(5);
    this.#pushWins(b, a).set(upperRight).get(b).get(a).get(upperRight).op("v128.bitselect").set(upper);
    this.#pushWins(e, d).set(lowerRight).get(e).get(d).get(lowerRight).op("v128.bitselect").set(lower);
    this.#pushWins(lower, upper).set(below);
    return { upper, lower, below, upperRight, lowerRight };
  }

  /** Pushes where the later `y` wins over `x`: it is larger, or NaN, and `x` is not NaN. */
  #pushWins(y: number, x: number): FunctionWriter {
    return this.c.get(x).get(x).op("f32x4.eq").get(y).get(x).op("f32x4.le").op("v128.andnot");
  }

  /** Bytes from the pointer to the windows' first pixel in their upper (0) or lower (1) line. */
  #lineOffset(line: number): number {
    return (line * this.#width + 2 * this.#firstColumn) * floatBytes;
  }
}
