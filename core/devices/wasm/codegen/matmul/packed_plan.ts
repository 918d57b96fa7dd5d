/**
 * How a matrix product of packed panels is blocked for the caches, and which operands are packed.
 *
 * @module
 */
import { type Blocks, evenBlocks, roundUp } from "../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../emit/vectors.ts";
import { chooseGrid, type Grid } from "./grid.ts";
import { isNear, type Matrix, type Product } from "./product.ts";
import { lanesOf, maxTileRows, type Tiles } from "./tile.ts";

/** Most steps of the inner product at a time: a panel and a block of rows then fit the first-level cache together. */
const maxInnerSize = 512;

/** Most blocks of rows that are packed together: with the steps about 150 KiB, for the second-level cache. */
const maxRowBlocks = 16;

/** Most columns that are packed together. */
const maxColumnsTogether = 512;

/** Most bytes of packed panels that a thread keeps for all steps of the inner product, with vectors of four floats. */
const maxKeptBytes = 2 ** 23;

/**
 * Most bytes of panels that were packed first and are multiplied, over all steps of the inner product, by some rows after others: half of the
 * second-level cache of the processor that it was tuned on.
 */
const cachedPanelBytes = 2 ** 20;

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
  /** Blocks of rows and panels that make a block of the product. */
  readonly rowsTogether: number;
  readonly panelsTogether: number;
  /** Whether a block of the product is finished, while it is in the cache, before the next begins. */
  readonly blockByBlock: boolean;
  /** Whether both operands are packed once, by all threads, before the product begins; else each piece packs what it needs. */
  readonly packsFirst: boolean;
}

/** Panels that are full. */
export function fullPanels({ panels, rest }: PackedPlan): number {
  return rest === 0 ? panels : panels - 1;
}

/** Bytes of a packed panel. */
export function panelBytes({ innerSize, panelColumns }: PackedPlan): number {
  return innerSize * panelColumns * floatBytes;
}

/** Multiply-adds in whose time an element is packed (Intel, family 6, model 167; rows of 2 to 4 KiB), and what pieces may add to that. */
const packedElement = 5;
const mostExtraPacking = 0.025;

/** Multiply-adds of a thread in whose time threads meet once more: some microseconds. */
const meeting = 100_000;

/** Most bytes of operands that are packed before the product begins. */
const mostPackedBytes = 2 ** 26;

/**
 * A product cut into at most some number of pieces for each of some threads: all of them, after a phase that packs both operands, where that is
 * worth it; else as many as do not pack much more often than one each.
 */
export function planPieces(
  product: Product,
  threads: number,
  perThread: number,
  tiles: Tiles,
): { plan: PackedPlan; pieces: number } {
  const one = planPacked(product, threads, tiles);
  const { batch, m, n, k } = product;
  const first = packedElement * (1 / n + 1 / m) + threads * meeting / (batch * m * n * k);
  if (threads > 1 && packingShare(one) > first && batch * (m + n) * k * floatBytes <= mostPackedBytes) {
    return { plan: planPacked(product, threads * perThread, tiles, true), pieces: threads * perThread };
  }
  const most = packingShare(one) + mostExtraPacking;
  for (let count = perThread; count > 1; count--) {
    const plan = planPacked(product, threads * count, tiles);
    if (packingShare(plan) <= most) return { plan, pieces: threads * count };
  }
  return { plan: one, pieces: threads };
}

/** How long packing takes, as a share of the multiply-adds. */
function packingShare({ product: { m, n }, grid, packLhs, packRhs }: PackedPlan): number {
  return packedElement * ((packLhs ? grid.columns / n : 0) + (packRhs ? grid.rows / m : 0));
}

/** Cuts a product for some threads, or into as many pieces. */
function planPacked(product: Product, threads: number, tiles: Tiles, packsFirst = false): PackedPlan {
  const { batch, m, n, k, lhs, rhs } = product;
  // One or two rows need more columns for as many independent sums.
  const panelColumns = m > 2 ? tiles.columns : Math.max(tiles.columns, fewRowsSums / m * tiles.registerFloats);
  const panels = Math.ceil(n / panelColumns);
  const rowBlocks = evenBlocks(m, maxTileRows);
  const grid = chooseGrid(threads, batch, rowBlocks.count, panels, tiles);
  const panelsHere = Math.ceil(panels / grid.columns);
  const blocksHere = Math.ceil(rowBlocks.count / grid.rows);
  const near = (matrix: Matrix) => isNear(matrix.row, tiles.columns) && isNear(matrix.column, tiles.columns);
  const lhsInPlace = !packsFirst && near(lhs) &&
    (panelsHere < 4 || (lhs.column === 1 && blocksHere <= maxRowBlocks));
  const rhsInPlace = !packsFirst && near(rhs) && rhs.column === 1 && blocksHere <= 2;
  const innerBlocks = Math.max(1, Math.ceil(k / maxInnerSize));
  // The faster the products, the nearer to the processor panels must be.
  const keptBytes = maxKeptBytes * (vectorLanes / lanesOf(tiles)) ** 2;
  const inCache = packsFirst ? Math.floor(cachedPanelBytes / (k * panelColumns * floatBytes)) : Infinity;
  const panelsTogether = Math.min(Math.ceil(maxColumnsTogether / panelColumns), panels, Math.max(1, inCache));
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
    panelsTogether,
    blockByBlock: innerBlocks === 1 || rhsInPlace || k * panelsTogether * panelColumns * floatBytes <= keptBytes,
    packsFirst,
  };
}
