/**
 * The sums of one tile of a direct convolution: the loop over input channels and window elements.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { addOuterProduct, type SumTile } from "../../emit/outer_product.ts";
import { WasmVectorCode } from "../../emit/vector_code.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { tapOffset } from "../window.ts";
import type { DirectPlan, TileShape } from "./plan.ts";

/** Windows with more elements are not unrolled whole, to keep the code small. */
const maxUnrolledTaps = 64;

/** Window elements that one turn of the loop over channels should hold at least. */
const minTapsPerTurn = 6;

/** Adds all products to the sums (by channel and vector) of the tile whose first pixel is at local `input`, which is kept. */
export function accumulateTile(
  c: FunctionWriter,
  plan: DirectPlan,
  shape: TileShape,
  sums: readonly (readonly number[])[],
  input: number,
  filters: number,
): void {
  new TileSums(c, plan, shape, sums).write(input, filters);
}

class TileSums {
  readonly #c: FunctionWriter;
  readonly #plan: DirectPlan;
  readonly #shape: TileShape;
  /** Rows are the channels, whose factors are filter elements; columns are vectors of pixels. */
  readonly #tile: SumTile;
  /** Locals: addresses of the pixels and filters of a channel, and turns of the loop over channels. */
  readonly #pixels: number;
  readonly #filters: number;
  readonly #turn: number;

  constructor(c: FunctionWriter, plan: DirectPlan, shape: TileShape, sums: readonly (readonly number[])[]) {
    this.#c = c;
    this.#plan = plan;
    this.#shape = shape;
    const holdsRows = sums.length <= shape.vectors.length / plan.perRegister;
    const held = c.locals("v128", holdsRows ? sums.length : shape.vectors.length);
    this.#tile = { sums, holdsRows, held, passing: c.local("v128") };
    [this.#pixels, this.#filters, this.#turn] = c.locals("i32", 3);
  }

  write(input: number, filters: number): void {
    const [c, turn] = [this.#c, this.#turn];
    const { conv: { inChannels, filterIn }, layout, spec: { kernel: [kh, kw] } } = this.#plan;
    const unrolled = kh * kw > maxUnrolledTaps ? 1 : Math.min(inChannels, Math.ceil(minTapsPerTurn / (kh * kw)));
    const turns = Math.floor(inChannels / unrolled);
    c.get(input).set(this.#pixels).get(filters).set(this.#filters);
    if (turns === 1 && unrolled === inChannels) this.#channels(unrolled);
    else {
      c.i32(turns).set(turn).loop(() => {
        this.#channels(unrolled);
        c.increment(this.#pixels, unrolled * layout.plane * floatBytes);
        c.increment(this.#filters, unrolled * filterIn * floatBytes);
        c.increment(turn, -1).get(turn).brIf(0);
      });
      if (inChannels % unrolled > 0) this.#channels(inChannels % unrolled);
    }
    c.release("v128", ...this.#tile.held, this.#tile.passing).release("i32", this.#pixels, this.#filters, turn);
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
    const c = this.#c;
    const { conv, layout, spec } = this.#plan;
    const [kh, kw] = spec.kernel;
    const rowStep = tapOffset(spec, layout, 1, 0) * floatBytes;
    const filterStep = (conv.flipped ? -kw : kw) * floatBytes;
    const firstRow = (conv.flipped ? (kh - 1) * kw : 0) * floatBytes;
    c.withLocals("i32", 1, (ky) => {
      c.increment(this.#filters, firstRow);
      c.for(ky, 0, kh, 1, () => {
        for (let kx = 0; kx < kw; kx++) this.#tap(tapOffset(spec, layout, 0, kx), conv.flipped ? kw - 1 - kx : kx);
        c.increment(this.#pixels, rowStep).increment(this.#filters, filterStep);
      });
      c.increment(this.#pixels, -kh * rowStep).increment(this.#filters, -kh * filterStep - firstRow);
    });
  }

  /** Adds the products of one window element. */
  #tap(pixelOffset: number, filterOffset: number): void {
    const { conv: { filterOut }, layout: { outRow }, perRegister } = this.#plan;
    const code = new WasmVectorCode(this.#c, perRegister);
    const loadFilter = (to: number, channel: number) =>
      code.broadcast(to, this.#filters, (channel * filterOut + filterOffset) * floatBytes);
    const loadPixels = (to: number, v: number) => {
      const { row, column } = this.#shape.vectors[v];
      code.load(to, this.#pixels, (row * outRow + column + pixelOffset) * floatBytes);
    };
    addOuterProduct(code, this.#tile, loadFilter, loadPixels);
  }
}
