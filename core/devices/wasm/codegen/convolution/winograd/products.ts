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
import { maxTileRows, type Tiles } from "../../matmul/tile.ts";
import { componentCount, componentSpacing } from "./tiling.ts";

/** Sizes of the products, and the floats from one tile to the next. */
export interface ProductSizes {
  readonly inChannels: number;
  readonly outChannels: number;
  /** A panel of filters has their columns. */
  readonly tiles: Tiles;
  readonly patchStride: number;
  readonly productStride: number;
}

/**
 * Writes a function (patches, filters, products, tiles) for all components. Tiles go in blocks of six and five, which may run
 * over the group's end: there are zeros, since what happens to lie in memory may be subnormal numbers, with which some processors compute
 * a hundred times slower.
 */
export function multiplyComponents(module: WasmModule, sizes: ProductSizes): number {
  const { inChannels, outChannels, tiles: { columns: width }, patchStride } = sizes;
  const panels = Math.ceil(outChannels / width);
  const fullPanels = Math.floor(outChannels / width);
  const full = fullPanels > 0 ? panelSweep(module, sizes, width) : -1;
  const rest = outChannels % width > 0 ? panelSweep(module, sizes, outChannels % width) : -1;
  return module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [patches, filters, products, tiles] = [0, 1, 2, 3];
    const [component, panel, sixes, fives] = c.locals("i32", 4);
    setBlockCounts(c, tiles, sixes, fives);
    zeroTiles(c, patchStride, { patches, tiles, sixes, fives });
    const sweep = (func: number) => {
      c.get(patches).get(filters).get(products).get(sixes).get(fives).call(func);
      c.increment(filters, inChannels * width * floatBytes).increment(products, width * floatBytes);
    };
    c.for(component, 0, componentCount, 1, () => {
      if (full >= 0) c.for(panel, 0, fullPanels, 1, () => sweep(full));
      if (rest >= 0) sweep(rest);
      c.increment(filters, componentSpacing * floatBytes);
      c.increment(patches, inChannels * floatBytes).increment(products, (outChannels - panels * width) * floatBytes);
    });
  });
}

/** Cuts `tiles` into as few blocks as sixes would need, of which as many as possible are fives. */
function setBlockCounts(c: FunctionWriter, tiles: number, sixes: number, fives: number): void {
  plus(c.get(tiles), maxTileRows - 1).i32(maxTileRows).op("i32.div_u").set(sixes);
  c.get(sixes).i32(maxTileRows).op("i32.mul").get(tiles).op("i32.sub").set(fives);
  setMin(c, fives, fives, () => c.get(sixes));
  c.get(sixes).get(fives).op("i32.sub").set(sixes);
}

/** Zeroes the tiles behind the group that its last blocks run over. */
function zeroTiles(
  c: FunctionWriter,
  patchStride: number,
  { patches, tiles, sixes, fives }: Readonly<Record<"patches" | "tiles" | "sixes" | "fives", number>>,
): void {
  c.withLocals("i32", 2, (at, end) => {
    plusScaled(c.get(patches), tiles, patchStride * floatBytes).set(at);
    plusScaled(c.get(patches), sixes, maxTileRows * patchStride * floatBytes);
    plusScaled(c, fives, (maxTileRows - 1) * patchStride * floatBytes).set(end);
    c.for(at, () => c.get(at), () => c.get(end), vectorLanes * floatBytes, () => c.get(at).f32x4(0).mem("v128.store"));
  });
}

/** Writes a function (patches, panel, products, sixes, fives): blocks of six tiles, then of five, by one panel of filters. */
function panelSweep(
  module: WasmModule,
  { inChannels, tiles, patchStride, productStride }: ProductSizes,
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
  const [six, five] = [blockColumn(maxTileRows), blockColumn(maxTileRows - 1)];
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [patches, panel, products, sixes, fives] = [0, 1, 2, 3, 4];
    const multiply = (func: number, count: number) =>
      c.get(count).if(() => c.get(patches).get(panel).get(products).i32(inChannels).i32(0).get(count).call(func));
    multiply(six, sixes);
    plusScaled(c.get(patches), sixes, maxTileRows * patchStride * floatBytes).set(patches);
    plusScaled(c.get(products), sixes, maxTileRows * productStride * floatBytes).set(products);
    multiply(five, fives);
  });
}
