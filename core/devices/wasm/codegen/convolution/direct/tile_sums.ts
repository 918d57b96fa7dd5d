/**
 * The sums of one tile of a direct convolution: the loop over input channels and window elements.
 *
 * @module
 */
import { addOuterProduct, type SumTile } from "../../emit/outer_product.ts";
import type { VectorCode } from "../../emit/vector_code.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { tapOffset } from "../window.ts";
import type { DirectPlan, TileShape } from "./plan.ts";

/** Windows with more elements are not unrolled whole, to keep the code small. */
const maxUnrolledTaps = 64;

/** Window elements that one turn of the loop over channels should hold at least. */
const minTapsPerTurn = 6;

/** Adds all products to the sums (by channel and vector) of the tile whose first pixel is at `input`; it and `filters` are kept. */
export function accumulateTile(
  code: VectorCode,
  plan: DirectPlan,
  shape: TileShape,
  tile: SumTile,
  input: number,
  filters: number,
): void {
  new TileSums(code, plan, shape, tile).write(input, filters);
}

class TileSums {
  readonly #code: VectorCode;
  readonly #plan: DirectPlan;
  readonly #shape: TileShape;
  /** Rows are the channels, whose factors are filter elements; columns are vectors of pixels. */
  readonly #tile: SumTile;
  /** Addresses of the pixels and filters of a channel, and turns of the loop over channels. */
  readonly #pixels: number;
  readonly #filters: number;
  readonly #turn: number;

  constructor(code: VectorCode, plan: DirectPlan, shape: TileShape, tile: SumTile) {
    this.#code = code;
    this.#plan = plan;
    this.#shape = shape;
    this.#tile = tile;
    [this.#pixels, this.#filters, this.#turn] = code.integers(3);
  }

  write(input: number, filters: number): void {
    const [code, turn] = [this.#code, this.#turn];
    const { conv: { inChannels, filterIn }, layout, spec: { kernel: [kh, kw] } } = this.#plan;
    const unrolled = kh * kw > maxUnrolledTaps ? 1 : Math.min(inChannels, Math.ceil(minTapsPerTurn / (kh * kw)));
    const turns = Math.floor(inChannels / unrolled);
    code.set(this.#pixels, input);
    code.set(this.#filters, filters);
    if (turns === 1 && unrolled === inChannels) this.#channels(unrolled);
    else {
      code.setConstant(turn, turns);
      code.repeat(turn, () => {
        this.#channels(unrolled);
        code.add(this.#pixels, unrolled * layout.plane * floatBytes);
        code.add(this.#filters, unrolled * filterIn * floatBytes);
      });
      if (inChannels % unrolled > 0) this.#channels(inChannels % unrolled);
    }
    code.releaseIntegers(this.#pixels, this.#filters, turn);
  }

  /** Some input channels, each with its whole window if that is small. */
  #channels(count: number): void {
    const [kh, kw] = this.#plan.spec.kernel;
    if (kh * kw > maxUnrolledTaps) this.#windowByRows();
    else for (let channel = 0; channel < count; channel++) this.#wholeWindow(channel);
  }

  #wholeWindow(channel: number): void {
    const { conv, layout, spec } = this.#plan;
    const [kh, kw] = spec.kernel;
    for (let ky = 0; ky < kh; ky++) {
      for (let kx = 0; kx < kw; kx++) {
        const tap = conv.flipped ? kh * kw - 1 - (ky * kw + kx) : ky * kw + kx;
        this.#tap(channel * layout.plane + tapOffset(spec, layout, ky, kx), channel * conv.filterIn + tap);
      }
    }
  }

  #windowByRows(): void {
    const code = this.#code;
    const { conv, layout, spec } = this.#plan;
    const [kh, kw] = spec.kernel;
    const rowStep = tapOffset(spec, layout, 1, 0) * floatBytes;
    const filterStep = (conv.flipped ? -kw : kw) * floatBytes;
    const firstRow = (conv.flipped ? (kh - 1) * kw : 0) * floatBytes;
    const [left] = code.integers(1);
    code.add(this.#filters, firstRow);
    code.setConstant(left, kh);
    code.repeat(left, () => {
      for (let kx = 0; kx < kw; kx++) this.#tap(tapOffset(spec, layout, 0, kx), conv.flipped ? kw - 1 - kx : kx);
      code.add(this.#pixels, rowStep);
      code.add(this.#filters, filterStep);
    });
    code.add(this.#pixels, -kh * rowStep);
    code.add(this.#filters, -kh * filterStep - firstRow);
    code.releaseIntegers(left);
  }

  /** Adds the products of one window element. */
  #tap(pixelOffset: number, filterOffset: number): void {
    const code = this.#code;
    const { conv: { filterOut }, layout: { outRow } } = this.#plan;
    addOuterProduct(
      code,
      this.#tile,
      (to, channel) => code.broadcast(to, this.#filters, (channel * filterOut + filterOffset) * floatBytes),
      (to, v) => {
        const { row, column } = this.#shape.vectors[v];
        code.load(to, this.#pixels, (row * outRow + column + pixelOffset) * floatBytes, this.#shape.lanes);
      },
    );
  }
}
