/**
 * Ways to cut a product into tiles, and which one suits a product.
 *
 * @module
 */
import type { Target } from "../kernel_code.ts";
import type { Product, ProductOperand } from "./product.ts";
import { sliceBytes } from "./slices.ts";

/** A way to cut a product. */
export interface Tiling {
  /** The tile of a workgroup. */
  readonly rows: number;
  readonly columns: number;
  /** Steps of the summed axis that are multiplied at once. */
  readonly depth: number;
  /** The part of the tile that an invocation computes: multiples of 4. */
  readonly ownRows: number;
  readonly ownColumns: number;
}

/** From the largest to the smallest. */
export const tilings: readonly Tiling[] = [
  { rows: 128, columns: 128, depth: 8, ownRows: 8, ownColumns: 8 },
  { rows: 64, columns: 128, depth: 16, ownRows: 8, ownColumns: 8 },
  { rows: 64, columns: 64, depth: 16, ownRows: 4, ownColumns: 4 },
  { rows: 32, columns: 128, depth: 16, ownRows: 4, ownColumns: 4 },
  { rows: 32, columns: 32, depth: 16, ownRows: 4, ownColumns: 4 },
  { rows: 16, columns: 64, depth: 16, ownRows: 4, ownColumns: 4 },
];

/** All depths divide it. */
export const deepestSlice = 16;

/** The invocations of a workgroup, as a plane over its tile. */
export function lanesOf({ rows, columns, ownRows, ownColumns }: Tiling): readonly [down: number, across: number] {
  return [rows / ownRows, columns / ownColumns];
}

/** How many invocations a workgroup has. */
export function invocationsOf(tiling: Tiling): number {
  const [down, across] = lanesOf(tiling);
  return down * across;
}

/** As many workgroups keep a GPU busy. */
const busyWorkgroups = 128;

/** As many invocations do for a product that is gathered. */
const busyInvocations = 32768;

/** What of an operand the choice depends on. */
type OperandExtents = Pick<ProductOperand, "lines" | "neighbours" | "vectors">;

/** What of a product the choice depends on. */
export interface Extents extends Pick<Product, "batch" | "k"> {
  readonly left: OperandExtents;
  readonly right: OperandExtents;
}

/** Whether each element of the right operand is fetched by itself along the summed axis: invocations mostly wait for that. */
function isGathered({ right }: Extents): boolean {
  return right.neighbours === "steps" && !right.vectors;
}

/** Into how many parts the summed axis is cut, if it is long enough, so that all of a GPU has work. */
export function usefulSplits(product: Extents, tiling: Tiling): number {
  const tiles = tilesOf(product, tiling);
  return isGathered(product) ? Math.round(2 * busyWorkgroups / tiles) : Math.ceil(busyWorkgroups / tiles);
}

/** The tiles of a product. */
function tilesOf({ batch, left, right }: Extents, { rows, columns }: Tiling): number {
  return batch * Math.ceil(left.lines / rows) * Math.ceil(right.lines / columns);
}

/** The tiling with the least work, counting what overhangs, what loads cost beside the products, and idle parts of the GPU. */
export function chooseTiling(
  product: Extents,
  target: Pick<Target, "maxInvocationsPerWorkgroup" | "maxWorkgroupBytes">,
): Tiling {
  const fitting = tilings.filter((tiling) => {
    const { rows, columns, depth } = tiling;
    const bytes = sliceBytes(product.left, { width: rows, depth }) + sliceBytes(product.right, { width: columns, depth });
    return invocationsOf(tiling) <= target.maxInvocationsPerWorkgroup && bytes <= target.maxWorkgroupBytes;
  });
  return fitting.reduce((best, tiling) => costOf(product, tiling) < costOf(product, best) ? tiling : best);
}

function costOf(product: Extents, tiling: Tiling): number {
  const { rows, columns, ownRows, ownColumns } = tiling;
  const tiles = tilesOf(product, tiling);
  const workgroups = tiles * Math.max(1, Math.floor(product.k / 256));
  const loads = 1 + 2 * (1 / ownRows + 1 / ownColumns) + 4 * (1 / rows + 1 / columns);
  const idle = isGathered(product) ? busyInvocations / (workgroups * invocationsOf(tiling)) : busyWorkgroups / workgroups;
  return tiles * rows * columns * loads * Math.max(1, idle);
}
