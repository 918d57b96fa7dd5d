/**
 * The gradient of 3 by 3 convolutions with respect to their filters by Winograd's F(4x4, 3x3); see `convolution.ts` and `gradients.ts`.
 *
 * A first phase sums, for each component, the products of all tiles, of each thread's images by themselves; what uneven tiles give
 * (`evenness.ts`) it adds to filters directly. A second one adds the threads' sums and transforms them to filters.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { type GeneratorContext, phaseLocals, phaseParams } from "../../context.ts";
import { plus, plusScaled, slotAddress } from "../../emit/addresses.ts";
import { blockSizes, evenBlocks } from "../../emit/blocks.ts";
import { Cursor } from "../../emit/cursor.ts";
import { Distances, toldFunction } from "../../emit/distances.ts";
import { setShare } from "../../emit/shares.ts";
import { WasmVectorCode } from "../../emit/vector_code.ts";
import { floatBytes, transpose4, vectorLanes, zeroBytes } from "../../emit/vectors.ts";
import { tileColumn } from "../../matmul/micro_kernel.ts";
import { maxTileRows, type Tiles } from "../../matmul/tile.ts";
import type { GradientTiles, GradientUse } from "./gradient_tiles.ts";
import { componentsToFilter, tilesOf4 } from "./linear_maps.ts";
import { SquareCursor, transformSquare } from "./squares.ts";
import { directFilterTile } from "./direct_tile.ts";
import { unevenProducts } from "./evenness.ts";
import { planesOfSquare, squarePlanes } from "./pixels.ts";
import { copyBand, pushTileMagnitudes, pushTilePixels, type TiledImage, tiledImage, transformGroup } from "./tiled_image.ts";
import { componentSpacing, filterSize } from "./tiling.ts";

const tapCount = filterSize * filterSize;
const { components: componentCount, patch: patchSize, tile: tileSize, patchToComponents } = tilesOf4;

/** The gradient with respect to the filters: what is done with the tiles of the gradient, and the phase that follows. */
export function filterGradientUse(context: GeneratorContext, kernel: ConvKernel, tiles: GradientTiles): GradientUse {
  const { geometry: g } = kernel;
  const { pieces } = tiles;
  const sums = context.sharedScratch(pieces * componentCount * sumStride(g) * floatBytes);
  const direct = {
    sums: context.sharedScratch(pieces * directFloats(g) * floatBytes),
    used: context.sharedScratch(pieces * usedSpacing),
  };
  return {
    before: [],
    write: sumProducts(context, kernel, tiles, sums, direct),
    after: [{ func: transformSums(context, kernel, sums, direct, pieces), pieces: context.threads }],
  };
}

/** Floats from the sums of one component to those of the next. */
function sumStride({ c, o }: ConvGeometry): number {
  return c * o + componentSpacing;
}

/** The slots of the threads' direct sums of uneven tiles, and of the words that say which threads have some. */
interface DirectSums {
  readonly sums: number;
  readonly used: number;
}

/** Bytes from one thread's word to the next. */
const usedSpacing = 64;

/** Floats of a thread's direct sums, which are filters. */
function directFloats({ c, o }: ConvGeometry): number {
  return c * o * tapCount;
}

/** What sums products over the thread's images: [component][output channel][input channel]. */
function sumProducts(
  context: GeneratorContext,
  { geometry: g, operands }: ConvKernel,
  { tiling, gradient, memory }: GradientTiles,
  sums: number,
  direct: DirectSums,
): GradientUse["write"] {
  const { module } = context;
  const tiles = context.tiles(g.n * g.oh * g.ow * tapCount * g.c * g.o, g.c);
  const { top, left } = g.padding;
  const input = { channels: g.c, height: g.h, width: g.w, top, left };
  const patches = tiledImage(module, operands[0], input, tiling, tiles, [patchToComponents, patchSize], memory.bytes);
  memory.take(patches.end - memory.bytes);
  const multiply = multiplyTiles(module, g, tiles, patches.tileStride, gradient.tileStride);
  const componentsAt = memory.take(tiling.together * patches.tileStride * floatBytes);
  const uneven = unevenTiles(module, g, patches, gradient, memory, direct);

  return (c, { components: gradientComponents, tile, unusable }) => {
    const { piece, scratch } = phaseLocals;
    const [patchComponents, begun, patch, used, patchTarget] = c.locals("i32", 5);
    /** Adds an uneven tile directly, and zeroes its components. */
    const addTile = (row: number, column: number) => {
      uneven.add(c, used, row, column);
      zeroBytes(c, patch, componentCount * g.c * floatBytes);
      const zeroGradient = () => zeroBytes(c, tile, componentCount * g.o * floatBytes);
      if (unusable === undefined) zeroGradient();
      else c.get(unusable).if(zeroGradient);
    };
    return {
      begin: () => plus(c.get(scratch), componentsAt).set(patchComponents),
      beginGroup: () => c.get(patchComponents).tee(patch).set(patchTarget),
      beginBand: (band) => copyBand(c, patches, band),
      load: (band) => transformGroup(c, patches, tiling, band, patchTarget),
      check: (row, column) => {
        pushTileMagnitudes(c, patches, row, column);
        pushTileMagnitudes(c, gradient, row, column).call(uneven.func).if(() => addTile(row, column));
        c.increment(patch, patches.tileStride * floatBytes);
      },
      multiply: (tiles) => {
        c.get(gradientComponents).get(patchComponents);
        plusScaled(slotAddress(c, sums), piece, componentCount * sumStride(g) * floatBytes);
        c.get(tiles).get(begun).call(multiply);
        c.i32(1).set(begun);
      },
      end: () => plusScaled(slotAddress(c, direct.used), piece, usedSpacing).get(used).mem("i32.store"),
    };
  };
}

/** The function (two magnitudes) that says whether a tile is uneven, and what adds such tiles to the thread's direct sums. */
function unevenTiles(
  module: WasmModule,
  g: ConvGeometry,
  patches: TiledImage,
  gradient: TiledImage,
  memory: GradientTiles["memory"],
  direct: DirectSums,
) {
  const { piece, scratch } = phaseLocals;
  const [patchPlanes, tilePlanes] = [planesOfSquare(patchSize), planesOfSquare(tileSize)];
  const planesAt = memory.take(g.c * patchPlanes.plane * floatBytes);
  const tilePlanesAt = memory.take(g.o * tilePlanes.plane * floatBytes);
  const func = unevenProducts(module, patches.layout, gradient.layout);
  const copyPatch = squarePlanes(module, patchSize, patches.layout);
  const copyTile = squarePlanes(module, tileSize, gradient.layout);
  const addDirectly = directFilterTile(module, g, patchPlanes, tilePlanes);
  const add = (c: FunctionWriter, used: number, row: number, column: number) => {
    const pushSums = () => plusScaled(slotAddress(c, direct.sums), piece, directFloats(g) * floatBytes);
    const pushPlanes = (at: number) => plus(c.get(scratch), at);
    c.get(used).op("i32.eqz").if(() => {
      c.withLocals("i32", 1, (address) => {
        pushSums().set(address);
        zeroBytes(c, address, directFloats(g) * floatBytes);
      });
      c.i32(1).set(used);
    });
    pushTilePixels(c, patches, row, column);
    pushPlanes(planesAt).call(copyPatch);
    pushTilePixels(c, gradient, row, column);
    pushPlanes(tilePlanesAt).call(copyTile);
    pushPlanes(planesAt);
    pushPlanes(tilePlanesAt);
    pushSums().call(addDirectly);
  };
  return { func, add };
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
function transformSums(
  context: GeneratorContext,
  kernel: ConvKernel,
  sums: number,
  direct: DirectSums,
  parts: number,
): number {
  const products = kernel.geometry.c * kernel.geometry.o;
  const transform = fourFilters(context.module, sumStride(kernel.geometry), parts);
  const epilogue = context.epilogue(kernel);
  return context.module.func({ params: phaseParams }, (c) => {
    const [unit, from, end] = c.locals("i32", 3);
    setShare(c, phaseLocals.piece, context.threads, products / vectorLanes, from, end);
    c.forRange(unit, from, end, () => {
      plusScaled(slotAddress(c, sums), unit, vectorLanes * floatBytes);
      plusScaled(slotAddress(c, epilogue.slot), unit, vectorLanes * tapCount * floatBytes).call(transform);
    });
    addDirectSums(c, kernel.geometry, direct, parts, epilogue.slot, [from, end]);
    if (epilogue.func !== undefined) finishFilters(c, epilogue.slot, epilogue.func, from, end);
  });
}

/** Adds what threads have summed directly to the filters of a range of groups of four. */
function addDirectSums(
  c: FunctionWriter,
  g: ConvGeometry,
  direct: DirectSums,
  parts: number,
  slot: number,
  [from, end]: readonly [number, number],
): void {
  const groupBytes = vectorLanes * tapCount * floatBytes;
  c.withLocals("i32", 4, (part, sums, filters, unit) =>
    c.for(part, 0, parts, 1, () => {
      plusScaled(slotAddress(c, direct.used), part, usedSpacing).mem("i32.load").if(() => {
        plusScaled(slotAddress(c, direct.sums), part, directFloats(g) * floatBytes);
        plusScaled(c, from, groupBytes).set(sums);
        plusScaled(slotAddress(c, slot), from, groupBytes).set(filters);
        c.forRange(unit, from, end, () => {
          for (let offset = 0; offset < groupBytes; offset += vectorLanes * floatBytes) {
            c.get(filters).get(filters).mem("v128.load", offset).get(sums).mem("v128.load", offset).op("f32x4.add");
            c.mem("v128.store", offset);
          }
          c.increment(filters, groupBytes).increment(sums, groupBytes);
        });
      });
    }));
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
  const component = stride * floatBytes;
  const distances = new Distances({ component, row: patchSize * component, part: componentCount * component }, () => false);
  const spec = { name: `filters of sums ${parts}`, params: ["i32", "i32"] } as const;
  return toldFunction(module, spec, distances, (c, { component, row: rowDistance, part: partDistance }) => {
    const [components, filters] = [0, 1];
    const filter = c.locals("v128", tapCount as number);
    const code = new WasmVectorCode(c);
    const from = new SquareCursor(code, components, { row: rowDistance, column: component });
    const load = (to: number, row: number, column: number) => {
      const { address, offset } = from.at(row, column);
      const each = new Cursor(code, address, { offset });
      for (let part = 0; part < parts; part++) {
        if (part > 0) each.move(partDistance);
        c.get(each.address).mem("v128.load", each.offset);
        if (part > 0) c.op("f32x4.add");
      }
      c.set(to);
      each.release();
    };
    transformSquare(code, componentsToFilter, patchSize, load, (row, column, vector) => {
      code.keep(filter[row * filterSize + column], vector);
    });
    from.release();
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
