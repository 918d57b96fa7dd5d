/**
 * The matrix products of Winograd's convolution: patches by filters, for each component, over a group of tiles.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { plus, plusScaled, setMin } from "../../emit/addresses.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { tileColumn } from "../../matmul/micro_kernel.ts";
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
  /** Most tiles of a block. */
  readonly blockTiles: number;
}

/**
 * Writes a function (patches, filters, products, tiles) for all components. Tiles go in blocks of some size, six, and one less, which may
 * run over the group's end: there are zeros, since what happens to lie in memory may be subnormal numbers, with which some processors compute
 * a hundred times slower.
 */
export function multiplyComponents(module: WasmModule, sizes: ProductSizes): number {
  const { components, inChannels, outChannels, tiles: { columns: width }, blockTiles } = sizes;
  const panels = Math.ceil(outChannels / width);
  const fullPanels = Math.floor(outChannels / width);
  const full = fullPanels > 0 ? panelSweep(module, sizes, width) : -1;
  const rest = outChannels % width > 0 ? panelSweep(module, sizes, outChannels % width) : -1;
  return module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [patches, filters, products, tiles] = [0, 1, 2, 3];
    const [component, panel, large, small] = c.locals("i32", 4);
    setBlockCounts(c, blockTiles, tiles, large, small);
    zeroTiles(c, sizes, { patches, tiles, large, small });
    const sweep = (func: number) => {
      c.get(patches).get(filters).get(products).get(large).get(small).call(func);
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

/** Cuts `tiles` into as few blocks as those of the most tiles would be, of which as many as possible have one less. */
function setBlockCounts(c: FunctionWriter, most: number, tiles: number, large: number, small: number): void {
  plus(c.get(tiles), most - 1).i32(most).op("i32.div_u").set(large);
  c.get(large).i32(most).op("i32.mul").get(tiles).op("i32.sub").set(small);
  setMin(c, small, small, () => c.get(large));
  c.get(large).get(small).op("i32.sub").set(large);
}

/** Zeroes the tiles behind the group that its last blocks run over. */
function zeroTiles(
  c: FunctionWriter,
  { patchStride, blockTiles }: ProductSizes,
  { patches, tiles, large, small }: Readonly<Record<"patches" | "tiles" | "large" | "small", number>>,
): void {
  c.withLocals("i32", 2, (at, end) => {
    plusScaled(c.get(patches), tiles, patchStride * floatBytes).set(at);
    plusScaled(c.get(patches), large, blockTiles * patchStride * floatBytes);
    plusScaled(c, small, (blockTiles - 1) * patchStride * floatBytes).set(end);
    c.for(at, () => c.get(at), () => c.get(end), vectorLanes * floatBytes, () => c.get(at).f32x4(0).mem("v128.store"));
  });
}

/** Writes a function (patches, panel, products, large, small): blocks of the most tiles, then of one less, by one panel of filters. */
function panelSweep(
  module: WasmModule,
  { inChannels, tiles, patchStride, productStride, blockTiles }: ProductSizes,
  columns: number,
): number {
  const blockColumn = (rows: number) => {
    const spec = {
      rows,
      columns,
      lhsRow: patchStride,
      lhsStep: 1,
      rhsStep: tiles.columns,
      resultRow: productStride,
      wholeSteps: true,
      accumulates: false,
    };
    return tileColumn(tiles.writer, spec, "below");
  };
  const large = blockColumn(blockTiles);
  const small = blockTiles > 1 ? blockColumn(blockTiles - 1) : -1;
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [patches, panel, products, largeCount, smallCount] = [0, 1, 2, 3, 4];
    const multiply = (func: number, count: number) =>
      c.get(count).if(() => c.get(patches).get(panel).get(products).i32(inChannels).i32(0).get(count).call(func));
    multiply(large, largeCount);
    if (small < 0) return;
    plusScaled(c.get(patches), largeCount, blockTiles * patchStride * floatBytes).set(patches);
    plusScaled(c.get(products), largeCount, blockTiles * productStride * floatBytes).set(products);
    multiply(small, smallCount);
  });
}
