/**
 * The sums of one tile of the filters' gradient: some output channels by some elements of the filters, over a group of images.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { addOuterProduct, type SumTile, sumTile } from "../../emit/outer_product.ts";
import { blockSizes } from "../../emit/blocks.ts";
import { type VectorCode, WasmVectorCode } from "../../emit/vector_code.ts";
import { floatBytes, pushLaneSums, storeLanes, vectorLanes } from "../../emit/vectors.ts";
import { type FilterGradientPlan, imageStrides } from "./plan.ts";

/** Rows of at most this many vectors have no loop; longer ones have a loop of `vectorsPerTurn` vectors. */
const maxUnrolledVectors = 8;
const vectorsPerTurn = 4;

/**
 * The parameters of the functions that sum: addresses of x, g and the sums; how many images and rows; whether to accumulate. If machine code
 * does, also the address of private memory of `sumVectorBytes`.
 */
export function sumParamsOf({ machine }: FilterGradientPlan): "i32"[] {
  return Array(machine ? 7 : 6).fill("i32");
}

/** Bytes of the vectors of a tile that machine code leaves. */
export function sumVectorBytes({ machine, lanes, tiling: { rows, columns } }: FilterGradientPlan): number {
  return machine ? blockSizes(rows)[0] * blockSizes(columns)[0] * lanes * floatBytes : 0;
}

/**
 * Writes a function of `sumParamsOf` for `rows` output channels and columns that read the input at some offsets. Addresses are
 * those of the tile's first column and first output channel. With `accumulate` the sums are added to what is there.
 */
export function tileSums(module: WasmModule, plan: FilterGradientPlan, rows: number, offsets: readonly number[]): number {
  const [x, gradient, result, images, height, accumulate, vectors] = [0, 1, 2, 3, 4, 5, 6];
  const params = sumParamsOf(plan);
  const columns = offsets.length;
  if (!plan.machine) {
    return module.func({ params }, (c) => {
      const mask = maskEnd(c, plan);
      const { sums } = new TileSums(new WasmVectorCode(c), plan, rows, offsets, mask).write([x, gradient, images, height]);
      storeSums(c, plan, [rows, columns], [result, accumulate], (row, column, count) => {
        pushLaneSums(c, sums[row].slice(column, column + count));
      });
    });
  }
  const sum = plan.machine.writer.func(
    { params: ["address", "address", "address", "count", "count"] },
    (code, [x, g, to, images, height]) => {
      const { sums } = new TileSums(code, plan, rows, offsets).write([x, g, images, height]);
      sums.flat().forEach((each, i) => code.store(each, to, i * code.lanes * floatBytes));
    },
  );
  return module.func({ params }, (c) => {
    c.get(x).get(gradient).get(vectors).get(images).get(height).call(sum);
    const four = c.locals("v128", vectorLanes);
    storeSums(c, plan, [rows, columns], [result, accumulate], (row, column, count) => {
      for (let i = 0; i < count; i++) {
        const first = (row * columns + column + i) * plan.lanes;
        for (let lane = 0; lane < plan.lanes; lane += vectorLanes) {
          c.get(vectors).mem("v128.load", (first + lane) * floatBytes);
          if (lane > 0) c.op("f32x4.add");
        }
        c.set(four[i]);
      }
      pushLaneSums(c, four.slice(0, count));
    });
  });
}

/** What sets the lanes of a vector to 0 that are behind the end of a row, if there are some. */
function maskEnd(c: FunctionWriter, { kernel: { geometry } }: FilterGradientPlan): ((vector: number) => void) | undefined {
  const ragged = geometry.ow % vectorLanes;
  if (ragged === 0) return undefined;
  const mask = c.local("v128");
  c.i32x4(-1, ragged > 1 ? -1 : 0, ragged > 2 ? -1 : 0, 0).set(mask);
  return (vector) => void c.get(vector).get(mask).op("v128.and").set(vector);
}

/** Stores the sums of a tile; `push` pushes a vector of up to four of a row. */
function storeSums(
  c: FunctionWriter,
  plan: FilterGradientPlan,
  [rows, columns]: readonly [number, number],
  [result, accumulate]: readonly [number, number],
  push: (row: number, column: number, count: number) => void,
): void {
  const { c: channels, groups, kh, kw } = plan.kernel.geometry;
  const filterSize = (channels / groups) * kh * kw;
  const sum = c.local("v128");
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += vectorLanes) {
      const count = Math.min(vectorLanes, columns - column);
      const offset = (row * filterSize + column) * floatBytes;
      push(row, column, count);
      c.set(sum).get(accumulate).if(() => c.get(sum).get(result).mem("v128.load", offset).op("f32x4.add").set(sum));
      storeLanes(c, result, sum, count, offset);
    }
  }
}

class TileSums {
  readonly #code: VectorCode;
  readonly #plan: FilterGradientPlan;
  /** Where each column reads the input, in floats. */
  readonly #offsets: readonly number[];
  /** What is done with a vector that is loaded at the end of a row which is not whole, if the load does not do it. */
  readonly #mask: ((vector: number) => void) | undefined;
  /** Rows are the output channels, whose factors are gradients; columns are elements of the filters. */
  readonly #tile: SumTile;
  /** Addresses in the rows of the input and of the gradient, and rows left. */
  readonly #inputRow: number;
  readonly #gradientRow: number;
  readonly #rowsLeft: number;

  constructor(
    code: VectorCode,
    plan: FilterGradientPlan,
    rows: number,
    offsets: readonly number[],
    mask?: (vector: number) => void,
  ) {
    this.#code = code;
    this.#plan = plan;
    this.#offsets = offsets;
    this.#mask = mask;
    this.#tile = sumTile(code, rows, offsets.length, rows <= offsets.length);
    [this.#inputRow, this.#gradientRow, this.#rowsLeft] = code.integers(3);
  }

  /** Sums over images, given where x and g are, how many images there are, and how many rows of each. */
  write([x, gradient, images, height]: readonly [number, number, number, number]): SumTile {
    const code = this.#code;
    const { inputLayout, kernel: { geometry: g } } = this.#plan;
    const strides = imageStrides(this.#plan);
    for (const sum of this.#tile.sums.flat()) code.clear(sum);
    code.repeat(images, () => {
      code.set(this.#inputRow, x);
      code.set(this.#gradientRow, gradient);
      code.set(this.#rowsLeft, height);
      code.repeat(this.#rowsLeft, () => {
        this.#row();
        code.add(this.#inputRow, inputLayout.outRow * floatBytes);
        code.add(this.#gradientRow, g.ow * floatBytes);
      });
      code.add(x, strides.input * floatBytes);
      code.add(gradient, strides.gradient * floatBytes);
    });
    return this.#tile;
  }

  /** Adds the products of one row of pixels. */
  #row(): void {
    const [code, { lanes, vectors }] = [this.#code, this.#plan];
    if (vectors <= maxUnrolledVectors) return this.#steps(vectors, true);
    // What follows the turns holds the end of the row.
    const turns = Math.floor((vectors - 1) / vectorsPerTurn);
    const advance = (floats: number) => {
      code.add(this.#inputRow, floats * floatBytes);
      code.add(this.#gradientRow, floats * floatBytes);
    };
    const [turn] = code.integers(1);
    code.setConstant(turn, turns);
    code.repeat(turn, () => {
      this.#steps(vectorsPerTurn, false);
      advance(vectorsPerTurn * lanes);
    });
    this.#steps(vectors - turns * vectorsPerTurn, true);
    advance(-turns * vectorsPerTurn * lanes);
    code.releaseIntegers(turn);
  }

  #steps(count: number, atEnd: boolean): void {
    const { lanes, kernel: { geometry: { ow } } } = this.#plan;
    for (let v = 0; v < count; v++) this.#step(v * lanes, atEnd && v === count - 1 ? ow % lanes : 0);
  }

  /** Adds the products of a vector of pixels, `pixel` being the first; of `ragged` of them only unless that is 0. */
  #step(pixel: number, ragged: number): void {
    const { oh, ow } = this.#plan.kernel.geometry;
    addOuterProduct(
      this.#code,
      this.#tile,
      (to, row) => this.#load(to, this.#gradientRow, row * oh * ow + pixel, ragged),
      (to, column) => this.#load(to, this.#inputRow, this.#offsets[column] + pixel, ragged),
    );
  }

  #load(to: number, address: number, offset: number, ragged: number): void {
    this.#code.load(to, address, offset * floatBytes, ragged || this.#code.lanes);
    if (ragged > 0) this.#mask?.(to);
  }
}
