/**
 * The gradient of 3 by 3 convolutions with respect to their filters by Winograd's F(4x4, 3x3); see `convolution.ts`.
 *
 * A first phase sums, for each component, the products of all tiles, of each thread's images by themselves. A second one adds the
 * threads' sums and transforms them to filters.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { plus, plusScaled, slotAddress } from "../../emit/addresses.ts";
import { blockSizes, evenBlocks, roundUp } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, transpose4, vectorLanes, zeroBytes } from "../../emit/vectors.ts";
import { tileColumn } from "../../matmul/micro_kernel.ts";
import { maxTileRows, type Tiles } from "../../matmul/tile.ts";
import { componentsToFilter, patchToComponents, tileToComponents } from "./linear_maps.ts";
import { transformSquare } from "./squares.ts";
import { setBand, type TiledImage, tiledImage, transformGroup } from "./tiled_image.ts";
import {
  componentCount,
  componentSpacing,
  eachGroup,
  filterSize,
  gradientTiling,
  patchSize,
  tileSize,
  type Tiling,
} from "./tiling.ts";

const tapCount = filterSize * filterSize;

/** conv2dFilterGrad of 3 by 3 windows. */
export function winogradFilterGradient(context: GeneratorContext, kernel: ConvKernel): readonly Phase[] {
  const { geometry: g } = kernel;
  const tiling = gradientTiling(g, context.threads);
  const parts = Math.min(context.threads, tiling.units);
  const sums = context.sharedScratch(parts * componentCount * sumStride(g) * floatBytes);
  return [
    { func: sumProducts(context, kernel, tiling, sums, parts), serial: false },
    { func: transformSums(context, kernel, sums, parts), serial: false },
  ];
}

/** Floats from the sums of one component to those of the next. */
function sumStride({ c, o }: ConvGeometry): number {
  return c * o + componentSpacing;
}

/** The images that are multiplied: the input in patches of 6 by 6, the gradient in tiles of 4 by 4. */
function tiledOperands(module: WasmModule, { geometry: g, operands }: ConvKernel, tiling: Tiling): [TiledImage, TiledImage] {
  const common = { spread: [1, 1], step: [1, 1], dilation: [1, 1] } as const;
  const { top, left } = g.padding;
  const input = { ...common, channels: g.c, height: g.h, width: g.w, top, left, kernel: [filterSize, filterSize] as const };
  const gradient = { ...common, channels: g.o, height: g.oh, width: g.ow, top: 0, left: 0, kernel: [1, 1] as const };
  const patches = tiledImage(module, operands[0], input, tiling, [patchToComponents, patchSize], 0);
  return [patches, tiledImage(module, operands[1], gradient, tiling, [tileToComponents, tileSize], patches.stagedBytes)];
}

/** Writes the phase that sums products over the thread's images: [component][output channel][input channel]. */
function sumProducts(context: GeneratorContext, kernel: ConvKernel, tiling: Tiling, sums: number, parts: number): number {
  const { module } = context;
  const { geometry: g } = kernel;
  const [patches, gradient] = tiledOperands(module, kernel, tiling);
  const tiles = context.tiles(g.n * g.oh * g.ow * tapCount * g.c * g.o, g.c);
  const multiply = multiplyTiles(module, g, tiles, patches.tileStride, gradient.tileStride);
  const staged = patches.stagedBytes + gradient.stagedBytes;
  const patchBytes = roundUp(tiling.together * patches.tileStride * floatBytes, 64);
  context.privateScratch(staged + patchBytes + tiling.together * gradient.tileStride * floatBytes);

  return module.func({ params: phaseParams }, (c) => {
    const { thread, scratch } = phaseLocals;
    const [unit, end, patchBase, gradientBase, patchComponents, gradientComponents, begun] = c.locals("i32", 7);
    const [patch, tile] = c.locals("i32", 2);
    plus(c.get(scratch), staged).set(patchComponents);
    plus(c.get(patchComponents), patchBytes).set(gradientComponents);
    if (tiling.bands === 1) zeroBytes(c, scratch, staged);
    c.block(() => {
      // More threads than bands: the last ones have nothing to do.
      c.get(thread).i32(parts).op("i32.ge_u").brIf(0);
      setShare(c, thread, parts, tiling.units, unit, end);
      eachGroup(c, tiling, [unit, end], {
        beginGroup: () => c.get(patchComponents).set(patch).get(gradientComponents).set(tile),
        beginBand: (band) => {
          setBand(c, patches, band, patchBase);
          setBand(c, gradient, band, gradientBase);
        },
        load: (band) => {
          transformGroup(c, patches, tiling, band, patchBase, patch);
          transformGroup(c, gradient, tiling, band, gradientBase, tile);
        },
        multiply: (tiles) => {
          c.get(gradientComponents).get(patchComponents);
          plusScaled(slotAddress(c, sums), thread, componentCount * sumStride(g) * floatBytes);
          c.get(tiles).get(begun).call(multiply);
          c.i32(1).set(begun);
        },
        store: () => {},
        endBand: () => {},
      });
    });
  });
}

/** Writes a function (gradients, patches, sums, tiles, accumulate): the products of a group of tiles, component by component. */
function multiplyTiles(
  module: WasmModule,
  { c: inChannels, o: outChannels }: ConvGeometry,
  { columns: width, writer }: Tiles,
  patchStride: number,
  gradientStride: number,
): number {
  const rowBlocks = evenBlocks(outChannels, maxTileRows);
  const blockColumn = (rows: number, columns: number) => {
    const layout = { lhsRow: 1, lhsStep: gradientStride, rhsStep: patchStride, resultRow: inChannels };
    return tileColumn(writer, { rows, columns, ...layout, wholeSteps: false, accumulates: true }, "below");
  };
  const panels = [
    { columns: width, count: Math.floor(inChannels / width) },
    { columns: inChannels % width, count: 1 },
  ].filter(({ columns, count }) => columns > 0 && count > 0).map(({ columns, count }) => ({
    columns,
    count,
    blocks: blockSizes(rowBlocks).map((rows) => ({ rows, func: blockColumn(rows, columns) })),
  }));
  const counts = [rowBlocks.extra, rowBlocks.count - rowBlocks.extra].filter((count) => count > 0);
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [gradients, patches, sums, tiles, accumulate] = [0, 1, 2, 3, 4];
    const [component, panel, left, result] = c.locals("i32", 4);
    const onePanel = ({ columns, blocks }: typeof panels[number]) => {
      c.get(gradients).set(left).get(sums).set(result);
      blocks.forEach(({ rows, func }, size) => {
        c.get(left).get(patches).get(result).get(tiles).get(accumulate).i32(counts[size]).call(func);
        c.increment(left, counts[size] * rows * floatBytes).increment(result, counts[size] * rows * inChannels * floatBytes);
      });
      c.increment(patches, columns * floatBytes).increment(sums, columns * floatBytes);
    };
    c.for(component, 0, componentCount, 1, () => {
      for (const each of panels) c.for(panel, 0, each.count, 1, () => onePanel(each));
      c.increment(gradients, outChannels * floatBytes).increment(
        sums,
        ((outChannels - 1) * inChannels + componentSpacing) * floatBytes,
      );
    });
  });
}

/** Writes the phase that adds the threads' sums and transforms them to filters. */
function transformSums(context: GeneratorContext, kernel: ConvKernel, sums: number, parts: number): number {
  const products = kernel.geometry.c * kernel.geometry.o;
  const transform = fourFilters(context.module, sumStride(kernel.geometry), parts);
  const epilogue = context.epilogue(kernel);
  return context.module.func({ params: phaseParams }, (c) => {
    const [unit, from, end] = c.locals("i32", 3);
    setShare(c, phaseLocals.thread, context.threads, products / vectorLanes, from, end);
    c.forRange(unit, from, end, () => {
      plusScaled(slotAddress(c, sums), unit, vectorLanes * floatBytes);
      plusScaled(slotAddress(c, epilogue.slot), unit, vectorLanes * tapCount * floatBytes).call(transform);
    });
    if (epilogue.func !== undefined) finishFilters(c, epilogue.slot, epilogue.func, from, end);
  });
}

/** Calls the epilogue for the filters of a range of groups of four. */
function finishFilters(c: FunctionWriter, slot: number, func: number, from: number, end: number): void {
  const pushRow = (unit: number) => c.get(unit).i32(vectorLanes * filterSize).op("i32.mul");
  slotAddress(c.get(phaseLocals.table), slot);
  pushRow(from);
  pushRow(end).i32(0).i32(filterSize).call(func);
}

/** Writes a function (sums, filters) for four neighbouring pairs of channels, one per lane. */
function fourFilters(module: WasmModule, stride: number, parts: number): number {
  return module.func({ params: ["i32", "i32"] }, (c) => {
    const [components, filters] = [0, 1];
    const filter = c.locals("v128", tapCount as number);
    const loadRow = (row: number) =>
      c.locals("v128", patchSize as number).map((local, column) => {
        const offset = (part: number) => ((part * componentCount + row * patchSize + column) * stride) * floatBytes;
        c.get(components).mem("v128.load", offset(0));
        for (let part = 1; part < parts; part++) c.get(components).mem("v128.load", offset(part)).op("f32x4.add");
        c.set(local);
        return local;
      });
    transformSquare(c, componentsToFilter, patchSize, loadRow, (row, column, push) => {
      push();
      c.set(filter[row * filterSize + column]);
    });
    storeFilters(c, filters, filter);
  });
}

/** Stores four filters, one per lane, one after the other. */
function storeFilters(c: FunctionWriter, filters: number, taps: readonly number[]): void {
  let tap = 0;
  for (; tap + vectorLanes <= tapCount; tap += vectorLanes) {
    const four = taps.slice(tap, tap + vectorLanes);
    transpose4(c, four);
    four.forEach((line, lane) => c.get(filters).get(line).mem("v128.store", (lane * tapCount + tap) * floatBytes));
  }
  for (; tap < tapCount; tap++) {
    for (let lane = 0; lane < vectorLanes; lane++) {
      c.get(filters).get(taps[tap]).memLane("v128.store32_lane", lane, (lane * tapCount + tap) * floatBytes);
    }
  }
}
