/**
 * How a matrix product of packed panels is blocked for the caches, and which operands are packed.
 *
 * @module
 */
import { type Blocks, evenBlocks, roundUp } from "../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../emit/vectors.ts";
import { chooseGrid, type Grid } from "./grid.ts";
import { isNear, type Matrix, type Product } from "./product.ts";
import { lanesOf, maxTileRows, spreads, type Tiles } from "./tile.ts";

/**
 * Steps of the inner product at a time: at most so many, or as many as a narrow panel of 32 KiB has, most of which stays in the first-level
 * cache while blocks of rows pass through it.
 */
const maxInnerSize = 512;
const maxPanelFloats = 2 ** 13;

/** Most blocks of rows that are packed together: with the steps about 150 KiB, for the second-level cache. */
const maxRowBlocks = 16;

/** Most columns that are packed together. */
const maxColumnsTogether = 512;

/** Most bytes of packed panels that a thread keeps for all steps of the inner product, with vectors of four floats. */
const maxKeptBytes = 2 ** 23;

/**
 * Most bytes of panels that are multiplied, over all steps of the inner product, by some rows after others, where threads share what is
 * packed: half of the second-level cache of the processor that it was tuned on.
 */
const cachedPanelBytes = 2 ** 20;

/** Sums in registers with which one or two rows hide the latency of a multiply-add. */
const fewRowsSums = 8;

/**
 * Who packs: each piece what it needs; each thread, whose pieces then have the same columns one after another, panels once for all of these;
 * or all threads both operands, once, before the product begins.
 */
export type Packing = "piece" | "thread" | "first";

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
  readonly packing: Packing;
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

/**
 * The same within a product, whose matrices are in no cache near the processor, where threads pack for themselves and where they do for each
 * other; and in whose time an element that was packed so is brought from there: less with machine code, whose memory has large pages.
 */
const packedByThread = 10;
const packedForAll = 16;
const brought = { wasm: 6, machine: 3 } as const;

/** How much longer tiles take with `cachedPanelBytes` of panels than with half of them. */
const fullCache = 0.03;

/** Multiply-adds of a thread in whose time threads meet once more: some microseconds. */
const meeting = 100_000;

/** Multiply-adds in whose time an element of one of several sums is stored, loaded and added, and the fewest steps of each. */
const addedElement = 10;
const leastPartSteps = 1024;

/**
 * How much longer tiles of single vectors take whose left matrix is not packed: see `micro_kernel.ts`. It is packed where that gains so many
 * times what packing takes: where it was twice to four times, products became no faster.
 */
const notPacked = 0.12;
const muchMore = 8;

/** Most bytes of operands that are packed before the product begins. */
const mostPackedBytes = 2 ** 26;

/** A plan and into how many pieces it cuts the product. */
interface Pieces {
  readonly plan: PackedPlan;
  readonly pieces: number;
  /** Whether the plan's product is a batch of parts of the steps, whose results are to be added. */
  readonly addsParts?: boolean;
}

/**
 * A product cut into at most some number of pieces for each of some threads, or a few more, where pieces share what is packed; else into as
 * many as do not pack much more often than one each, or, if it has many steps, into parts of these.
 */
export function planPieces(product: Product, threads: number, perThread: number, tiles: Tiles): Pieces {
  const one = planPacked(product, tiles, { pieces: threads });
  const { batch, m, n, k } = product;
  const oncePacked = 1 / n + 1 / m;
  const meetings = threads * meeting / (batch * m * n * k);
  const parts = stepParts(product, threads, perThread);
  if (parts > 1) {
    const alone = packedByThread / packedElement * packingShare(one) + (one.packLhs || !spreads(tiles) ? 0 : notPacked);
    const cost = packedByThread * oncePacked + meetings + addedElement * parts / k;
    if (cost < alone && cost < packedForAll * oncePacked + meetings) {
      const plan = planPacked(partsOf(product, parts), tiles, { pieces: parts, packing: "all" });
      return { plan, pieces: parts, addsParts: true };
    }
  }
  if (
    threads > 1 && packingShare(one) > packedElement * oncePacked + meetings &&
    batch * (m + n) * k * floatBytes <= mostPackedBytes
  ) {
    const strips = stripsFor(product, threads, tiles);
    const packedFirst = packedForAll * oncePacked + meetings + (strips?.brought ?? 0);
    if (strips && strips.cost < packedFirst) {
      const grid = gridOf(one, strips.count, threads, perThread);
      return { plan: planPacked(product, tiles, { grid, packing: "thread" }), pieces: grid.rows * grid.columns };
    }
    const pieces = threads * perThread;
    return { plan: planPacked(product, tiles, { pieces, packing: "first" }), pieces };
  }
  const most = packingShare(one) + mostExtraPacking;
  for (let count = perThread; count > 1; count--) {
    const plan = planPacked(product, tiles, { pieces: threads * count });
    if (packingShare(plan) <= most) return { plan, pieces: threads * count };
  }
  return { plan: one, pieces: threads };
}

/** Into how many parts the steps may be cut, as many for each thread; 1 if they are too few. */
function stepParts({ batch, k, exchanged }: Product, threads: number, perThread: number): number {
  if (batch > 1 || exchanged || threads === 1) return 1;
  for (let parts = threads * perThread; parts >= threads; parts -= threads) {
    if (k % (4 * parts) === 0 && k / parts >= leastPartSteps) return parts;
  }
  return 1;
}

/** The products of so many parts of the steps as a batch. */
function partsOf(product: Product, parts: number): Product {
  const k = product.k / parts;
  const { lhs, rhs } = product;
  return { ...product, batch: parts, k, lhs: { ...lhs, batch: k * lhs.column }, rhs: { ...rhs, batch: k * rhs.row } };
}

/** Strips of columns of which a thread multiplies one after the other. */
interface Strips {
  readonly count: number;
  /** How long packing takes, and tiles take longer, as a share of the multiply-adds. */
  readonly cost: number;
  /** How long it would take to bring what was packed for all. */
  readonly brought: number;
}

/** The best strips whose panels a cache holds: a thread packs those of each once, and all rows that it multiplies by them. */
function stripsFor(product: Product, threads: number, tiles: Tiles): Strips | undefined {
  const { batch, m, n, k } = product;
  if (batch > 1) return undefined;
  const { panels, panelColumns } = blocksOf(product, tiles);
  const kind = lanesOf(tiles) === vectorLanes ? "wasm" : "machine";
  let best: Strips | undefined;
  for (let count = 1; count <= panels; count++) {
    const columns = Math.ceil(panels / count) * panelColumns;
    const fullness = columns * k * floatBytes / cachedPanelBytes;
    const even = count % threads === 0 || threads % count === 0;
    if (!even || fullness > 1 || columns > maxColumnsTogether) continue;
    const often = count / n + Math.max(1, threads / count) / m;
    const crowded = fullCache * Math.max(0, 2 * fullness - 1);
    const cost = packedByThread * often + crowded;
    if (!best || cost < best.cost) best = { count, cost, brought: brought[kind] * often + crowded };
  }
  return best;
}

/** As many strips, cut into rows: about so many pieces for each thread, and the same number for all. */
function gridOf({ rowBlocks }: PackedPlan, strips: number, threads: number, perThread: number): Grid {
  let rows = Math.ceil(threads * perThread / strips);
  while (strips * rows % threads !== 0) rows++;
  return { batch: 1, rows: Math.min(rows, rowBlocks.count), columns: strips, alongColumns: true };
}

/** How long packing takes, as a share of the multiply-adds. */
function packingShare({ product: { m, n }, grid, packLhs, packRhs }: PackedPlan): number {
  return packedElement * ((packLhs ? grid.columns / n : 0) + (packRhs ? grid.rows / m : 0));
}

/** The blocks of a product: as many rows and columns as tiles have. */
function blocksOf({ m, n }: Product, tiles: Tiles): Pick<PackedPlan, "rowBlocks" | "panelColumns" | "panels"> {
  // One or two rows need more columns for as many independent sums.
  const panelColumns = m > 2 ? tiles.columns : Math.max(tiles.columns, fewRowsSums / m * tiles.registerFloats);
  return { rowBlocks: evenBlocks(m, maxTileRows), panelColumns, panels: Math.ceil(n / panelColumns) };
}

/** Cuts a product by a grid, or into as many pieces; where each packs what it needs that may be all, or what is worth it. */
function planPacked(
  product: Product,
  tiles: Tiles,
  how: { readonly pieces: number; readonly packing?: "first" | "all" } | { readonly grid: Grid; readonly packing: "thread" },
): PackedPlan {
  const { batch, n, k, lhs, rhs } = product;
  const { rowBlocks, panelColumns, panels } = blocksOf(product, tiles);
  const grid = "grid" in how ? how.grid : chooseGrid(how.pieces, batch, rowBlocks.count, panels, tiles);
  const packing = how.packing === "all" ? "piece" : how.packing ?? "piece";
  const mayBeInPlace = how.packing === undefined;
  const panelsHere = Math.ceil(panels / grid.columns);
  const blocksHere = Math.ceil(rowBlocks.count / grid.rows);
  const near = (matrix: Matrix) => isNear(matrix.row, tiles.columns) && isNear(matrix.column, tiles.columns);
  const worthPacking = spreads(tiles) && panelsHere * panelColumns * notPacked > muchMore * packedByThread;
  const lhsInPlace = mayBeInPlace && near(lhs) &&
    (panelsHere < 4 || (lhs.column === 1 && blocksHere <= maxRowBlocks && !worthPacking));
  const rhsInPlace = mayBeInPlace && near(rhs) && rhs.column === 1 && blocksHere <= 2;
  const innerBlocks = Math.max(1, Math.ceil(k / Math.max(maxInnerSize, maxPanelFloats / panelColumns)));
  // The faster the products, the nearer to the processor panels must be.
  const keptBytes = maxKeptBytes * (vectorLanes / lanesOf(tiles)) ** 2;
  const inCache = packing === "first" ? Math.floor(cachedPanelBytes / (k * panelColumns * floatBytes)) : Infinity;
  const panelsTogether = packing === "thread"
    ? panelsHere
    : Math.min(Math.ceil(maxColumnsTogether / panelColumns), panels, Math.max(1, inCache));
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
    blockByBlock: innerBlocks === 1 || rhsInPlace || packing === "thread" ||
      k * panelsTogether * panelColumns * floatBytes <= keptBytes,
    packing,
  };
}
