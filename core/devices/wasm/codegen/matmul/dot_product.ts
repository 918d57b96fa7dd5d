/**
 * Matrix products of few rows as sums of elementwise products of vectors: nothing is packed for so little use.
 *
 * @module
 */
import type { MatmulKernel } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { type Epilogue, type GeneratorContext, phaseParams } from "../context.ts";
import { operandAddress, plusScaled, slotAddress } from "../emit/addresses.ts";
import { type Blocks, blockSizes, blockStart, evenBlocks } from "../emit/blocks.ts";
import { unrolled } from "../emit/loops.ts";
import { floatBytes, pushLaneSums, storeLanes, vectorLanes } from "../emit/vectors.ts";
import { chooseGrid, finishBlock, type Part, setPart } from "./grid.ts";
import { isNear, type Product } from "./product.ts";
import { narrowTile } from "./tile.ts";

/** Whether the operands are contiguous along the inner axis and used too little to be worth packing. */
export function prefersDot({ m, n, k, lhs, rhs }: Product): boolean {
  return k >= 8 && Math.min(m, n) <= 8 && lhs.column === 1 && rhs.row === 1 && isNear(lhs.row, narrowTile) &&
    isNear(rhs.column, narrowTile);
}

/** Writes a function (lhs, rhs, result): a tile of rows by columns, one vector of partial sums each. */
function dotTile(module: WasmModule, { k, n, lhs: left, rhs: right }: Product, rows: number, columns: number): number {
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [lhs, rhs, result] = [0, 1, 2];
    const sums = Array.from({ length: rows }, () => c.locals("v128", columns));
    const lefts = c.locals("v128", rows);
    const vector = c.local("v128");
    const counter = c.local("i32");
    const step = (instruction: "v128.load" | "v128.load32_zero", at: number) => {
      lefts.forEach((to, row) => c.get(lhs).mem(instruction, (row * left.row + at) * floatBytes).set(to));
      for (let column = 0; column < columns; column++) {
        c.get(rhs).mem(instruction, (column * right.column + at) * floatBytes).set(vector);
        lefts.forEach((from, row) => {
          const sum = sums[row][column];
          c.get(from).get(vector).get(sum).op("f32x4.relaxed_madd").set(sum);
        });
      }
    };
    const advance = (steps: number) => c.increment(lhs, steps * floatBytes).increment(rhs, steps * floatBytes);
    unrolled(c, counter, Math.floor(k / vectorLanes), 2, (vectors) => {
      for (let v = 0; v < vectors; v++) step("v128.load", v * vectorLanes);
      advance(vectors * vectorLanes);
    });
    for (let at = 0; at < k % vectorLanes; at++) step("v128.load32_zero", at);
    sums.forEach((line, row) => {
      for (let column = 0; column < columns; column += vectorLanes) {
        pushLaneSums(c, line.slice(column, column + vectorLanes));
        c.set(vector);
        storeLanes(c, result, vector, Math.min(vectorLanes, columns - column), (row * n + column) * floatBytes);
      }
    });
  });
}

/** Rows and columns of a tile: as many sums as registers allow, along the longer side. */
function dotTileShape(m: number, n: number): { rows: number; columns: number } {
  if (m === 1) return { rows: 1, columns: Math.min(n, 8) };
  if (n === 1) return { rows: Math.min(m, 8), columns: 1 };
  if (m === 2 || m === 4) return { rows: 2, columns: Math.min(n, 6) };
  if (n === 2 || n === 4) return { rows: Math.min(m, 6), columns: 2 };
  return { rows: 3, columns: Math.min(n, 3) };
}

/** A function for the tiles of one size. */
interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly func: number;
}

/** Writes the phase. */
export function dotProduct(context: GeneratorContext, kernel: MatmulKernel, product: Product, threads: number): number {
  const { module } = context;
  const { batch, m, n } = product;
  const shape = dotTileShape(m, n);
  const rowBlocks = evenBlocks(m, shape.rows);
  const columnBlocks = evenBlocks(n, shape.columns);
  const grid = chooseGrid(threads, batch, rowBlocks.count, columnBlocks.count);
  const epilogue = context.epilogue(kernel);
  const tiles = blockSizes(rowBlocks).flatMap((rows) =>
    blockSizes(columnBlocks).map((columns) => ({ rows, columns, func: dotTile(module, product, rows, columns) }))
  );
  return module.func({ params: phaseParams }, (c) => {
    const part = setPart(c, grid, batch, rowBlocks.count, columnBlocks.count);
    new DotProductWriter(c, { product, rowBlocks, columnBlocks, tiles, epilogue }, part).write();
  });
}

/** What the phase is made of. */
interface DotProduct {
  readonly product: Product;
  readonly rowBlocks: Blocks;
  readonly columnBlocks: Blocks;
  readonly tiles: readonly Tile[];
  readonly epilogue: Epilogue;
}

class DotProductWriter {
  readonly #c: FunctionWriter;
  readonly #dot: DotProduct;
  readonly #part: Part;
  /** Locals: the number in the batch, the blocks of rows and columns, and their first row and column. */
  readonly #batch: number;
  readonly #rowBlock: number;
  readonly #columnBlock: number;
  readonly #row: number;
  readonly #column: number;

  constructor(c: FunctionWriter, dot: DotProduct, part: Part) {
    this.#c = c;
    this.#dot = dot;
    this.#part = part;
    [this.#batch, this.#rowBlock, this.#columnBlock, this.#row, this.#column] = c.locals("i32", 5);
  }

  write(): void {
    const c = this.#c;
    const { batch, rows, columns } = this.#part;
    const { product, rowBlocks, columnBlocks, tiles, epilogue } = this.#dot;
    const ends = (blocks: Blocks, [from, to]: readonly [number, number]) =>
      [() => void blockStart(c, blocks, from), () => void blockStart(c, blocks, to)] as const;
    c.forRange(this.#batch, ...batch, () => {
      c.forRange(this.#columnBlock, ...columns, () => {
        blockStart(c, columnBlocks, this.#columnBlock).set(this.#column);
        c.forRange(this.#rowBlock, ...rows, () => {
          blockStart(c, rowBlocks, this.#rowBlock).set(this.#row);
          this.#pushAddresses();
          this.#callTile(tiles);
        });
      });
      finishBlock(c, epilogue, product, this.#batch, { rows: ends(rowBlocks, rows), columns: ends(columnBlocks, columns) });
    });
  }

  /** Pushes where a tile reads the operands and writes its result. */
  #pushAddresses(): void {
    const c = this.#c;
    const { product: { m, n, lhs, rhs }, epilogue } = this.#dot;
    operandAddress(c, lhs.access);
    plusScaled(c, this.#batch, lhs.batch * floatBytes);
    plusScaled(c, this.#row, lhs.row * floatBytes);
    operandAddress(c, rhs.access);
    plusScaled(c, this.#batch, rhs.batch * floatBytes);
    plusScaled(c, this.#column, rhs.column * floatBytes);
    slotAddress(c, epilogue.slot);
    plusScaled(c, this.#batch, m * n * floatBytes);
    plusScaled(c, this.#row, n * floatBytes);
    plusScaled(c, this.#column, floatBytes);
  }

  /** Calls, with the addresses on the stack, the function for the sizes of the blocks at hand. */
  #callTile(among: readonly Tile[]): void {
    const c = this.#c;
    const { rowBlocks, columnBlocks } = this.#dot;
    if (among.length === 1) return void c.call(among[0].func);
    const byRow = among[0].rows !== among[among.length - 1].rows;
    const [blocks, index] = byRow ? [rowBlocks, this.#rowBlock] : [columnBlocks, this.#columnBlock];
    const larger = among.filter((tile) => byRow ? tile.rows > blocks.size : tile.columns > blocks.size);
    const smaller = among.filter((tile) => !larger.includes(tile));
    c.withLocals("i32", 3, (lhs, rhs, result) => {
      c.set(result).set(rhs).set(lhs);
      const callAmong = (tiles: readonly Tile[]) => {
        c.get(lhs).get(rhs).get(result);
        this.#callTile(tiles);
      };
      c.get(index).i32(blocks.extra).op("i32.lt_s").if(() => callAmong(larger), () => callAmong(smaller));
    });
  }
}
