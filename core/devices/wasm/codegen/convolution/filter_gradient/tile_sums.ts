/**
 * The sums of one tile of the filters' gradient: some output channels by some elements of the filters, over a group of images.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { addOuterProduct, type SumTile, sumTile } from "../../emit/outer_product.ts";
import { WasmVectorCode } from "../../emit/vector_code.ts";
import { floatBytes, pushLaneSums, storeLanes, vectorLanes } from "../../emit/vectors.ts";
import { type FilterGradientPlan, imageStrides } from "./plan.ts";

/** Rows of at most this many vectors have no loop; longer ones have a loop of `vectorsPerTurn` vectors. */
const maxUnrolledVectors = 8;
const vectorsPerTurn = 4;

/** The parameters of the functions that sum: addresses of x, g and the sums; how many images and rows; whether to accumulate. */
export const sumParams = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;

/**
 * Writes a function of `sumParams` for `rows` output channels and columns that read the input at some offsets. Addresses are
 * those of the tile's first column and first output channel. With `accumulate` the sums are added to what is there.
 */
export function tileSums(module: WasmModule, plan: FilterGradientPlan, rows: number, offsets: readonly number[]): number {
  return module.func({ params: sumParams }, (c) => new TileSums(c, plan, rows, offsets).write());
}

class TileSums {
  readonly #c: FunctionWriter;
  readonly #code: WasmVectorCode;
  readonly #plan: FilterGradientPlan;
  /** Where each column reads the input, in floats. */
  readonly #offsets: readonly number[];
  /** Lanes of the last vector of a row that count, 0 for all. */
  readonly #ragged: number;
  /** Rows are the output channels, whose factors are gradients; columns are elements of the filters. */
  readonly #tile: SumTile;
  /** A local: the lanes of the last vector that count. */
  readonly #mask: number;
  /** Locals: addresses in the rows of the input and of the gradient, and rows left. */
  readonly #inputRow: number;
  readonly #gradientRow: number;
  readonly #rowsLeft: number;

  constructor(c: FunctionWriter, plan: FilterGradientPlan, rows: number, offsets: readonly number[]) {
    this.#c = c;
    this.#plan = plan;
    this.#offsets = offsets;
    this.#ragged = plan.kernel.geometry.ow % vectorLanes;
    this.#code = new WasmVectorCode(c);
    this.#tile = sumTile(this.#code, rows, offsets.length, rows <= offsets.length);
    [this.#inputRow, this.#gradientRow, this.#rowsLeft] = c.locals("i32", 3);
    this.#mask = this.#ragged === 0 ? -1 : c.local("v128");
  }

  write(): void {
    const c = this.#c;
    const { inputLayout, kernel: { geometry: g } } = this.#plan;
    const [x, gradient, images, height] = [0, 1, 3, 4];
    const strides = imageStrides(this.#plan);
    if (this.#ragged > 0) c.i32x4(-1, this.#ragged > 1 ? -1 : 0, this.#ragged > 2 ? -1 : 0, 0).set(this.#mask);
    c.loop(() => {
      c.get(x).set(this.#inputRow).get(gradient).set(this.#gradientRow).get(height).set(this.#rowsLeft);
      c.loop(() => {
        this.#row();
        c.increment(this.#inputRow, inputLayout.outRow * floatBytes).increment(this.#gradientRow, g.ow * floatBytes);
        c.increment(this.#rowsLeft, -1).get(this.#rowsLeft).brIf(0);
      });
      c.increment(x, strides.input * floatBytes).increment(gradient, strides.gradient * floatBytes);
      c.increment(images, -1).get(images).brIf(0);
    });
    this.#store();
  }

  /** Adds the products of one row of pixels. */
  #row(): void {
    const { vectors } = this.#plan;
    if (vectors <= maxUnrolledVectors) return this.#steps(vectors, true);
    // What follows the turns holds the end of the row.
    const turns = Math.floor((vectors - 1) / vectorsPerTurn);
    const advance = (floats: number) => {
      this.#c.increment(this.#inputRow, floats * floatBytes).increment(this.#gradientRow, floats * floatBytes);
    };
    this.#c.withLocals("i32", 1, (turn) => {
      this.#c.i32(turns).set(turn).loop(() => {
        this.#steps(vectorsPerTurn, false);
        advance(vectorsPerTurn * vectorLanes);
        this.#c.increment(turn, -1).get(turn).brIf(0);
      });
      this.#steps(vectors - turns * vectorsPerTurn, true);
      advance(-turns * vectorsPerTurn * vectorLanes);
    });
  }

  #steps(count: number, atEnd: boolean): void {
    for (let v = 0; v < count; v++) this.#step(v * vectorLanes, atEnd && this.#ragged > 0 && v === count - 1);
  }

  /** Adds the products of four pixels, `pixel` being the first. */
  #step(pixel: number, masked: boolean): void {
    const { oh, ow } = this.#plan.kernel.geometry;
    addOuterProduct(
      this.#code,
      this.#tile,
      (to, row) => this.#load(to, this.#gradientRow, row * oh * ow + pixel, masked),
      (to, column) => this.#load(to, this.#inputRow, this.#offsets[column] + pixel, masked),
    );
  }

  #load(to: number, address: number, offset: number, masked: boolean): void {
    this.#code.load(to, address, offset * floatBytes);
    if (masked) this.#c.get(to).get(this.#mask).op("v128.and").set(to);
  }

  /** Adds up the lanes of the sums and stores them. */
  #store(): void {
    const [c, sum] = [this.#c, this.#tile.passing];
    const [result, accumulate] = [2, 5];
    const { c: channels, groups, kh, kw } = this.#plan.kernel.geometry;
    const filterSize = (channels / groups) * kh * kw;
    const columns = this.#offsets.length;
    this.#tile.sums.forEach((line, row) => {
      for (let column = 0; column < columns; column += vectorLanes) {
        const offset = (row * filterSize + column) * floatBytes;
        pushLaneSums(c, line.slice(column, column + vectorLanes));
        c.set(sum).get(accumulate).if(() => c.get(sum).get(result).mem("v128.load", offset).op("f32x4.add").set(sum));
        storeLanes(c, result, sum, Math.min(vectorLanes, columns - column), offset);
      }
    });
  }
}
