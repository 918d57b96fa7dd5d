/**
 * The matrix products of Winograd's convolution: patches by filters, for each component, over a group of tiles.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { plus, plusScaled, setMin } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { bytesAhead, linesAheadOf, tileColumn } from "../../matmul/micro_kernel.ts";
import type { Tiles } from "../../matmul/tile.ts";
import { componentSpacing } from "./tiling.ts";

/** Sizes of the products, and the floats from one tile to the next. */
export interface ProductSizes {
  /** How many products there are. */
  readonly components: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** A panel of filters has their columns. */
  readonly tiles: Tiles;
  readonly patchStride: number;
  readonly productStride: number;
  /** Most tiles of a group. */
  readonly together: number;
}

/** Tiles of a block, of which there may be two sizes. */
function blockSizes({ together, tiles: { blockRows } }: Pick<ProductSizes, "together" | "tiles">): readonly number[] {
  return together <= blockRows[0] ? [together] : blockRows;
}

/** Tiles that all blocks of a group may run over. */
export function tilesInBlocks(sizes: Pick<ProductSizes, "together" | "tiles">): number {
  const blocks = blockSizes(sizes);
  return roundUp(sizes.together, blocks[0]) + Math.max(...blocks) - blocks[0];
}

/**
 * Writes a function (patches, filters, products, tiles) for all components. Tiles go in blocks of two sizes, which may run over the group's
 * end: there are zeros, since what happens to lie in memory may be subnormal numbers, with which some processors compute a hundred times slower.
 */
export function multiplyComponents(module: WasmModule, sizes: ProductSizes): number {
  const { components, inChannels, outChannels, tiles: { columns: width } } = sizes;
  const blocks = blockSizes(sizes);
  const panels = Math.ceil(outChannels / width);
  const fullPanels = Math.floor(outChannels / width);
  const full = fullPanels > 0 ? panelSweep(module, sizes, blocks, width) : -1;
  const rest = outChannels % width > 0 ? panelSweep(module, sizes, blocks, outChannels % width) : -1;
  return module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [patches, filters, products, tiles] = [0, 1, 2, 3];
    const [component, panel, first, second] = c.locals("i32", 4);
    setBlockCounts(c, blocks, tiles, first, second);
    zeroTiles(c, sizes, blocks, { patches, tiles, first, second });
    const sweep = (func: number) => {
      c.get(patches).get(filters).get(products).get(first).get(second).call(func);
      c.increment(filters, inChannels * width * floatBytes).increment(products, width * floatBytes);
    };
    c.for(component, 0, components, 1, () => {
      if (full >= 0) c.for(panel, 0, fullPanels, 1, () => sweep(full));
      if (rest >= 0) sweep(rest);
      c.increment(filters, componentSpacing * floatBytes);
      c.increment(patches, inChannels * floatBytes).increment(products, (outChannels - panels * width) * floatBytes);
    });
  });
}

/** Sets how many blocks of either size there are for the tiles in local `tiles`. */
function setBlockCounts(
  c: FunctionWriter,
  [usual, other = usual]: readonly number[],
  tiles: number,
  first: number,
  second: number,
): void {
  plus(c.get(tiles), usual - 1).i32(usual).op("i32.div_u").set(first);
  c.get(first).i32(usual).op("i32.mul").get(tiles).op("i32.sub").set(second);
  if (other <= usual) {
    // As few as of the larger size alone, of which as many as possible are of the smaller.
    setMin(c, second, second, () => c.get(first));
    if (other === usual) c.i32(0).set(second);
    c.get(first).get(second).op("i32.sub").set(first);
    return;
  }
  // The last two are one larger block, if that has room for their tiles.
  c.get(second).i32(2 * usual - other).op("i32.ge_u").get(first).i32(1).op("i32.gt_u").op("i32.and").set(second);
  c.get(first).get(second).get(second).op("i32.add").op("i32.sub").set(first);
}

/** Zeroes the tiles behind the group that its last blocks run over. */
function zeroTiles(
  c: FunctionWriter,
  { patchStride }: ProductSizes,
  [usual, other = usual]: readonly number[],
  { patches, tiles, first, second }: Readonly<Record<"patches" | "tiles" | "first" | "second", number>>,
): void {
  c.withLocals("i32", 2, (at, end) => {
    plusScaled(c.get(patches), tiles, patchStride * floatBytes).set(at);
    plusScaled(c.get(patches), first, usual * patchStride * floatBytes);
    plusScaled(c, second, other * patchStride * floatBytes).set(end);
    c.for(at, () => c.get(at), () => c.get(end), vectorLanes * floatBytes, () => c.get(at).f32x4(0).mem("v128.store"));
  });
}

/** Writes a function (patches, panel, products, first, second): so many blocks of either size, by one panel of filters. */
function panelSweep(
  module: WasmModule,
  { inChannels, tiles, patchStride, productStride, together }: ProductSizes,
  blocks: readonly number[],
  columns: number,
): number {
  const linesAhead = linesAheadOf(tiles, columns, Math.ceil(together / Math.max(...blocks)));
  const funcs = blocks.map((rows) => {
    const spec = {
      rows,
      columns,
      lhsRow: patchStride,
      lhsStep: 1,
      rhsStep: tiles.columns,
      resultRow: productStride,
      wholeSteps: true,
      accumulates: false,
      linesAhead,
    };
    return tileColumn(tiles.writer, spec, "below");
  });
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [patches, panel, products, ...counts] = [0, 1, 2, 3, 4];
    const ahead = c.local("i32");
    plus(c.get(panel), inChannels * tiles.columns * floatBytes).set(ahead);
    funcs.forEach((func, i) => {
      const count = counts[i];
      c.get(count).if(() => {
        c.get(patches).get(panel).get(products).i32(inChannels).i32(0).get(count);
        if (linesAhead > 0) c.get(ahead);
        c.call(func);
      });
      if (i === funcs.length - 1) return;
      plusScaled(c.get(ahead), count, bytesAhead(linesAhead, inChannels, 1)).set(ahead);
      plusScaled(c.get(patches), count, blocks[i] * patchStride * floatBytes).set(patches);
      plusScaled(c.get(products), count, blocks[i] * productStride * floatBytes).set(products);
    });
  });
}
