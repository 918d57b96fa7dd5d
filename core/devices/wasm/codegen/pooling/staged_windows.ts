/**
 * Maxima over windows of any kind, four windows at a time: a plane is copied with minus infinity around it and its columns dealt so that
 * what four neighbouring windows have under one tap lies side by side. Nothing branches, and the edges are windows like any others.
 *
 * @module
 */
import { type PoolGeometry, tapsInside, windowAxes, type WindowAxis } from "../../../../ir/windows.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { plus, plusScaled } from "../emit/addresses.ts";
import { roundUp } from "../emit/blocks.ts";
import { floatBytes, storeLanes, vectorLanes, zeroFloats } from "../emit/vectors.ts";
import { stageImage } from "../convolution/staging.ts";
import { inputWindow, layOutWindow, stagedBytes, tapOffset, type WindowLayout, type WindowSpec } from "../convolution/window.ts";

/** Most bytes of a copied plane, most taps, which are written out, and fewest windows of a row. */
const [maxBytes, maxTaps, leastColumns] = [256 * 1024, 64, 2];

/** How a plane is copied. */
interface StagedPlane {
  readonly spec: WindowSpec;
  readonly layout: WindowLayout;
}

/** The copy of a plane, if it is worth one: every window must have a pixel of the image, and no gaps. */
export function stagedPlane(g: PoolGeometry): StagedPlane | undefined {
  if (g.ow < leastColumns || g.dilation.some((d) => d > 1) || g.kh * g.kw > maxTaps || !windowAxes(g).every(hasPixels)) {
    return undefined;
  }
  const spec: WindowSpec = { ...inputWindow(g, 1), outRows: g.oh, outColumns: roundUp(g.ow, vectorLanes) };
  const layout = layOutWindow(spec, true);
  return stagedBytes(spec, layout) <= maxBytes ? { spec, layout } : undefined;
}

function hasPixels(axis: WindowAxis): boolean {
  return Array.from({ length: axis.outputs }, (_, output) => tapsInside(axis, output)).every(({ from, to }) => from < to);
}

/** Bytes of the copy. */
export function copyBytes({ spec, layout }: StagedPlane): number {
  return stagedBytes(spec, layout);
}

/** What is done with the maxima of four windows. */
export type MaximaKind = "store" | "gather" | "scatter";

/**
 * Writes a function (first operand, second operand, result, copy) for one plane, of what a kind of pooling does with maxima. The copy must
 * hold minus infinity around the pixels.
 */
export function stagedWindowsPlane(module: WasmModule, g: PoolGeometry, plane: StagedPlane, kind: MaximaKind): number {
  const stage = stageImage(module, plane.spec, plane.layout, false);
  return module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => new StagedWindows(c, g, plane, kind).write(stage));
}

class StagedWindows {
  readonly #c: FunctionWriter;
  readonly #geometry: PoolGeometry;
  readonly #plane: StagedPlane;
  readonly #kind: MaximaKind;
  /** Locals: addresses of the windows in the copy, and of what belongs to each window: results, or the gradient of a scatter. */
  readonly #windows: number;
  readonly #outputs: number;
  /** Locals: row of windows, and index of the pixel in column 0 that is under a window's first tap; may be outside the image. */
  readonly #row: number;
  readonly #rowIndex: number;
  /** Locals by window: columns under the first tap; maxima, their pixels' indices, a pixel and its index, whether it is the maximum. */
  readonly #columns: number;
  readonly #maxima: number;
  readonly #indices: number;
  readonly #pixels: number;
  readonly #wins: number;

  constructor(c: FunctionWriter, geometry: PoolGeometry, plane: StagedPlane, kind: MaximaKind) {
    this.#c = c;
    this.#geometry = geometry;
    this.#plane = plane;
    this.#kind = kind;
    [this.#windows, this.#outputs, this.#row, this.#rowIndex] = c.locals("i32", 4);
    [this.#columns, this.#maxima, this.#indices, this.#pixels, this.#wins] = c.locals("v128", 5);
  }

  write(stage: number): void {
    const c = this.#c;
    const { h, w, oh, ow, stride, padding } = this.#geometry;
    const [first, second, result, copy] = [0, 1, 2, 3];
    if (this.#kind === "scatter") zeroFloats(c, result, h * w);
    c.get(first).get(copy).i32(0).call(stage);
    c.get(this.#kind === "scatter" ? second : result).set(this.#outputs);
    c.for(this.#row, 0, oh, 1, () => {
      plusScaled(c.get(copy), this.#row, this.#plane.layout.outRow * floatBytes).set(this.#windows);
      plus(c.get(this.#row).i32(stride[0]).op("i32.mul"), -padding.top).i32(w).op("i32.mul").set(this.#rowIndex);
      const column = (lane: number) => lane * stride[1] - padding.left;
      c.i32x4(column(0), column(1), column(2), column(3)).set(this.#columns);
      const whole = Math.floor(ow / vectorLanes);
      if (whole > 0) {
        c.repeat(whole, () => {
          this.#four(vectorLanes);
          c.increment(this.#windows, vectorLanes * floatBytes).increment(this.#outputs, vectorLanes * floatBytes);
          c.get(this.#columns);
          this.#splat(vectorLanes * stride[1]).op("i32x4.add").set(this.#columns);
        });
      }
      if (ow % vectorLanes === 0) return;
      this.#four(ow % vectorLanes);
      c.increment(this.#outputs, (ow % vectorLanes) * floatBytes);
    });
  }

  #splat(value: number): FunctionWriter {
    return this.#c.i32x4(value, value, value, value);
  }

  /** What is done for the first `lanes` of four windows. */
  #four(lanes: number): void {
    const c = this.#c;
    this.#findMaxima();
    if (this.#kind === "store") return storeLanes(c, this.#outputs, this.#maxima, lanes, 0);
    const pushPixel = (plane: number, lane: number) =>
      c.get(plane).get(this.#indices).lane("i32x4.extract_lane", lane).i32(floatBytes).op("i32.mul").op("i32.add");
    for (let lane = 0; lane < lanes; lane++) {
      const [second, result] = [1, 2];
      if (this.#kind === "gather") {
        c.get(this.#outputs);
        pushPixel(second, lane).mem("f32.load").mem("f32.store", lane * floatBytes);
      } else {
        pushPixel(result, lane);
        pushPixel(result, lane).mem("f32.load").get(this.#outputs).mem("f32.load", lane * floatBytes);
        c.op("f32.add").mem("f32.store");
      }
    }
  }

  /** Finds the first maxima of four windows, and the indices of their pixels if they are needed. */
  #findMaxima(): void {
    const c = this.#c;
    const { kh, kw, w } = this.#geometry;
    const { spec, layout } = this.#plane;
    const indexed = this.#kind !== "store";
    c.f32x4(-Infinity).set(this.#maxima);
    if (indexed) this.#setFirstIndices();
    for (let ky = 0; ky < kh; ky++) {
      for (let kx = 0; kx < kw; kx++) {
        c.get(this.#windows).mem("v128.load", tapOffset(spec, layout, ky, kx) * floatBytes).set(this.#pixels);
        // What is larger or NaN, unless a NaN has won already.
        c.get(this.#maxima).get(this.#maxima).op("f32x4.eq").get(this.#pixels).get(this.#maxima).op("f32x4.le");
        c.op("v128.andnot").set(this.#wins);
        c.get(this.#pixels).get(this.#maxima).get(this.#wins).op("v128.bitselect").set(this.#maxima);
        if (!indexed) continue;
        this.#splat(ky * w + kx).get(this.#indices).get(this.#wins).op("v128.bitselect").set(this.#indices);
      }
    }
    if (!indexed) return;
    c.get(this.#indices).get(this.#columns).op("i32x4.add");
    c.get(this.#rowIndex).op("i32x4.splat").op("i32x4.add").set(this.#indices);
  }

  /**
   * Sets the indices, less those under the first tap, to the first pixels of the image under the windows: they are the maxima if all pixels
   * are minus infinity.
   */
  #setFirstIndices(): void {
    const c = this.#c;
    this.#splat(0).get(this.#columns).op("i32x4.max_s").get(this.#columns).op("i32x4.sub");
    c.i32(0).get(this.#rowIndex).op("i32.sub").i32(0).get(this.#rowIndex).i32(0).op("i32.lt_s").op("select");
    c.op("i32x4.splat").op("i32x4.add").set(this.#indices);
  }
}
