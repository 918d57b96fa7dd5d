/**
 * How threads divide a matrix product among them: a grid over batch, rows and columns.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type BlockEpilogue, phaseLocals } from "../context.ts";
import { plusScaled, slotAddress } from "../emit/addresses.ts";
import { setShare } from "../emit/shares.ts";
import { vectorLanes } from "../emit/vectors.ts";
import type { Product } from "./product.ts";
import { maxTileRows, narrowTile } from "./tile.ts";

/** How many parts the threads cut each axis into. */
export interface Grid {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  /** Whether neighbouring pieces have columns in common, and not rows. */
  readonly alongColumns?: boolean;
}

/** Elements that are packed in the time of a multiply-add of a vector: of panels, and of blocks of rows. */
const packed = { panel: 3 / 4, rows: 2 / 3 };

/**
 * The split of `threads` over batch, row blocks and column panels with the least work for the busiest thread. Each thread packs its panels
 * and rows; the longer its vectors, the more that counts.
 */
export function chooseGrid(
  threads: number,
  batch: number,
  rowBlocks: number,
  columnBlocks: number,
  tile: { readonly columns: number; readonly registerFloats: number } = { columns: narrowTile, registerFloats: vectorLanes },
): Grid {
  // In the time of a block of rows by a panel.
  const panel = packed.panel * tile.registerFloats / maxTileRows;
  const block = packed.rows * tile.registerFloats / tile.columns;
  let best: Grid = { batch: 1, rows: 1, columns: 1 };
  let least = Infinity;
  for (let b = 1; b <= threads; b++) {
    if (threads % b !== 0) continue;
    for (let r = 1; r <= threads / b; r++) {
      if ((threads / b) % r !== 0) continue;
      const columns = threads / b / r;
      const rowsHere = Math.ceil(rowBlocks / r);
      const columnsHere = Math.ceil(columnBlocks / columns);
      const cost = Math.ceil(batch / b) * (rowsHere * columnsHere + columnsHere * panel + rowsHere * block);
      if (cost < least) [least, best] = [cost, { batch: b, rows: r, columns }];
    }
  }
  return best;
}

/** Locals of a phase that hold the thread's part of the product: from, to for each axis (batch, blocks of rows, of columns). */
export interface Part {
  readonly batch: readonly [number, number];
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
}

/** Writes the code that finds the thread's part. */
export function setPart(c: FunctionWriter, grid: Grid, batch: number, rowBlocks: number, columnBlocks: number): Part {
  const pair = () => c.locals("i32", 2);
  const part: Part = { batch: pair(), rows: pair(), columns: pair() };
  const along = (parts: number, divisor: number, total: number, [from, to]: readonly [number, number]) => {
    if (parts === 1) return setShare(c, undefined, 1, total, from, to);
    const index = c.local("i32");
    c.get(phaseLocals.piece).i32(divisor).op("i32.div_u").i32(parts).op("i32.rem_u").set(index);
    setShare(c, index, parts, total, from, to);
    c.release("i32", index);
  };
  along(grid.columns, grid.alongColumns ? grid.rows : 1, columnBlocks, part.columns);
  along(grid.rows, grid.alongColumns ? 1 : grid.columns, rowBlocks, part.rows);
  along(grid.batch, grid.columns * grid.rows, batch, part.batch);
  return part;
}

/** A block of rows and columns of the product; what is to be pushed. */
export interface ProductBlock {
  /** Where element 0 of the product would be around the block, if the generator keeps the block in memory of its own. */
  readonly address?: () => void;
  readonly rows: readonly [from: () => void, to: () => void];
  readonly columns: readonly [from: () => void, to: () => void];
}

/** Calls the epilogue, if there is one, for a block of product number `batch` (a local). */
export function finishBlock(
  c: FunctionWriter,
  epilogue: BlockEpilogue,
  product: Product,
  batch: number,
  block: ProductBlock,
): void {
  if (epilogue.func === undefined) return;
  c.get(phaseLocals.table);
  if (epilogue.slot === undefined) block.address?.();
  else slotAddress(c, epilogue.slot);
  const domainRows = product.exchanged ? block.columns : block.rows;
  for (const push of domainRows) {
    push();
    plusScaled(c, batch, product.exchanged ? product.n : product.m);
  }
  if (product.exchanged) c.i32(0).i32(1);
  else for (const push of block.columns) push();
  c.call(epilogue.func);
}
