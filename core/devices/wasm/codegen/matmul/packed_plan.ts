/**
 * How a matrix product of packed panels is blocked for the caches, and which operands are packed.
 *
 * @module
 */
import { type Blocks, evenBlocks, roundUp } from "../emit/blocks.ts";
import { chooseGrid, type Grid } from "./grid.ts";
import { isNear, type Matrix, type Product } from "./product.ts";
import { maxTileRows, type Tiles } from "./tile.ts";

/** Most steps of the inner product at a time: a panel and a block of 6 rows then fit the first-level cache together. */
const maxInnerSize = 400;

/** Most blocks of rows that are packed together: with the steps about 150 KiB, for the second-level cache. */
const maxRowBlocks = 16;

/** Most columns that are packed together. */
const maxColumnsTogether = 512;

/** Sums in registers with which one or two rows hide the latency of a multiply-add. */
const fewRowsSums = 8;

/** How a product is cut. */
export interface PackedPlan {
  readonly product: Product;
  readonly tiles: Tiles;
  readonly grid: Grid;
  readonly rowBlocks: Blocks;
  readonly panelColumns: number;
  readonly panels: number;
  /** Columns of the last panel if it is not full, else 0. */
  readonly rest: number;
  readonly innerBlocks: number;
  readonly innerSize: number;
  readonly packLhs: boolean;
  readonly packRhs: boolean;
  /** Blocks of rows and panels that make a block of the product, which is finished before the next begins if the inner product
   * is computed at once. */
  readonly rowsTogether: number;
  readonly panelsTogether: number;
}

/** Cuts a product for some threads. */
export function planPacked(product: Product, threads: number, tiles: Tiles): PackedPlan {
  const { batch, m, n, k, lhs, rhs } = product;
  const rowBlocks = evenBlocks(m, maxTileRows);
  // One or two rows need more columns for as many independent sums.
  const panelColumns = m > 2 ? tiles.columns : Math.max(tiles.columns, fewRowsSums / m * tiles.registerFloats);
  const panels = Math.ceil(n / panelColumns);
  const grid = chooseGrid(threads, batch, rowBlocks.count, panels);
  const panelsHere = Math.ceil(panels / grid.columns);
  const blocksHere = Math.ceil(rowBlocks.count / grid.rows);
  const innerBlocks = Math.max(1, Math.ceil(k / maxInnerSize));
  const near = (matrix: Matrix) => isNear(matrix.row, tiles.columns) && isNear(matrix.column, tiles.columns);
  const lhsInPlace = near(lhs) && (panelsHere < 4 || (lhs.column === 1 && blocksHere <= maxRowBlocks));
  const rhsInPlace = near(rhs) && rhs.column === 1 && blocksHere <= 2;
  return {
    product,
    tiles,
    grid,
    rowBlocks,
    panelColumns,
    panels,
    rest: n % panelColumns,
    innerBlocks,
    innerSize: roundUp(Math.ceil(k / innerBlocks), 4),
    packLhs: !lhsInPlace,
    packRhs: !rhsInPlace,
    rowsTogether: lhsInPlace ? rowBlocks.count : Math.min(maxRowBlocks, rowBlocks.count),
    panelsTogether: Math.min(Math.ceil(maxColumnsTogether / panelColumns), panels),
  };
}
