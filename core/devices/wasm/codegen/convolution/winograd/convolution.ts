/**
 * Convolutions with windows of 3 by 3 by Winograd's F(4x4, 3x3): a quarter of the multiplications of the direct sum.
 *
 * Outputs are cut into tiles of 4 by 4, inputs into overlapping patches of 6 by 6. With the matrices of `linear_maps.ts`, patch
 * d, filter w and tile y of one channel satisfy
 *
 *   y = A^T [ (G w G^T) * (B^T d B) ] A        and the transpose of that in w        dw = G^T [ (A dy A^T) * (B^T d B) ] G
 *
 * so that sums over channels, or over tiles, are 36 independent matrix products, one per component. Transforms work on four
 * channels at a time, one per lane, and keep [tile][component][channel]. Rounding errors are two to four times those of a direct
 * sum; an infinity or NaN reaches the whole tile.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { plus, plusScaled, setMin, slotAddress } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, zeroBytes } from "../../emit/vectors.ts";
import { maxTileRows } from "../../matmul/tile.ts";
import { type Convolution, multiplyAdds } from "../problem.ts";
import { type FilterPanels, filterPanels, transformFilters } from "./filters.ts";
import { bestTiling } from "./choice.ts";
import { patchToComponents } from "./linear_maps.ts";
import { multiplyComponents } from "./products.ts";
import { outputTransform } from "./squares.ts";
import { setBand, type TiledImage, tiledImage, transformGroup } from "./tiled_image.ts";
import {
  type Band,
  componentCount,
  type ConvolutionTiling,
  eachGroup,
  eachTile,
  patchSize,
  tileSize,
  tileSpacing,
} from "./tiling.ts";

/** conv2d and conv2dInputGrad of 3 by 3 windows. */
export function winogradConvolution(context: GeneratorContext, kernel: ConvKernel, conv: Convolution): readonly Phase[] {
  const tiling = bestTiling(conv, context.threads, context.tiles(multiplyAdds(conv), conv.outChannels));
  const { parts } = tiling;
  const panels = filterPanels(context, conv, context.tiles(multiplyAdds(conv), conv.outChannels / parts), parts);
  return [
    { func: transformFilters(context, conv, panels), serial: false },
    { func: convolveTiles(context, kernel, conv, tiling, panels), serial: false },
  ];
}

/** What the phase that computes the outputs is made of. */
interface TileConvolution {
  readonly conv: Convolution;
  readonly threads: number;
  readonly tiling: ConvolutionTiling;
  /** Output channels of a part. */
  readonly channels: number;
  readonly image: TiledImage;
  readonly panels: FilterPanels;
  readonly epilogue: Epilogue;
  /** Functions: the products of a group, the outputs of a whole tile, and of one at the right edge. */
  readonly multiply: number;
  readonly wholeTile: number;
  readonly edgeTile: number;
  /** Bytes of a group's patches, and floats from one tile's products to the next. */
  readonly patchBytes: number;
  readonly productStride: number;
}

/** Writes the phase that computes the outputs of the thread's images. */
function convolveTiles(
  context: GeneratorContext,
  kernel: ConvKernel,
  conv: Convolution,
  tiling: ConvolutionTiling,
  panels: FilterPanels,
): number {
  const { module, threads } = context;
  const { inChannels, outWidth } = conv;
  const outChannels = conv.outChannels / tiling.parts;
  const part = { ...conv, outChannels };
  const productStride = componentCount * outChannels + tileSpacing;
  const blockTiles = Math.min(tiling.together, maxTileRows);
  const image = tiledImage(module, conv.source, conv.window, tiling, [patchToComponents, patchSize], 0);
  const patchStride = image.tileStride;
  const sizes = { inChannels, outChannels, tiles: panels.tiles, patchStride, productStride, blockTiles };
  const multiply = multiplyComponents(module, sizes);
  const edgeColumns = outWidth % tileSize;
  const wholeTile = outputTransform(module, part, tileSize);
  const edgeTile = edgeColumns === 0 ? wholeTile : outputTransform(module, part, edgeColumns);
  const epilogue = context.epilogue(kernel);
  const rows = roundUp(tiling.together, blockTiles);
  const patchBytes = roundUp(rows * patchStride * floatBytes, 64);
  context.privateScratch(image.stagedBytes + patchBytes + rows * productStride * floatBytes);
  const parts = { conv, threads, tiling, channels: outChannels, image, panels, epilogue, multiply, wholeTile, edgeTile };
  return module.func(
    { params: phaseParams },
    (c) => new TileConvolutionWriter(c, { ...parts, patchBytes, productStride }).write(),
  );
}

class TileConvolutionWriter {
  readonly #c: FunctionWriter;
  readonly #parts: TileConvolution;
  /** Locals: the bands of the thread. */
  readonly #unit: number;
  readonly #end: number;
  /** Locals: addresses of the band of the image, and of the components of a group. */
  readonly #base: number;
  readonly #patches: number;
  readonly #products: number;
  /** Locals: the tile that is transformed, and the one transformed back, its first row of outputs, how many rows follow, and a channel. */
  readonly #tilePatches: number;
  readonly #tileProducts: number;
  readonly #row: number;
  readonly #rowsLeft: number;
  readonly #channel: number;

  constructor(c: FunctionWriter, parts: TileConvolution) {
    this.#c = c;
    this.#parts = parts;
    [this.#unit, this.#end, this.#base, this.#patches, this.#products] = c.locals("i32", 5);
    [this.#tilePatches, this.#tileProducts, this.#row, this.#rowsLeft, this.#channel] = c.locals("i32", 5);
  }

  write(): void {
    const c = this.#c;
    const { image, tiling, threads, patchBytes, multiply, panels } = this.#parts;
    plus(c.get(phaseLocals.scratch), image.stagedBytes).set(this.#patches);
    plus(c.get(this.#patches), patchBytes).set(this.#products);
    if (image.layout.staged && tiling.bands === 1) zeroBytes(c, phaseLocals.scratch, image.stagedBytes);
    setShare(c, phaseLocals.thread, tiling.parts > 1 ? 1 : threads, tiling.units, this.#unit, this.#end);
    eachGroup(c, tiling, [this.#unit, this.#end], {
      beginGroup: () => c.get(this.#patches).set(this.#tilePatches).get(this.#products).set(this.#tileProducts),
      beginBand: (band) => setBand(c, image, band, this.#base),
      load: (band) => transformGroup(c, image, tiling, band, this.#base, this.#tilePatches),
      multiply: (tiles) => {
        c.get(this.#patches);
        slotAddress(c, panels.slot);
        this.#plusPart(panels.partStride * floatBytes).get(this.#products).get(tiles).call(multiply);
      },
      store: (band) => this.#transformBack(band),
      endBand: (band) => this.#finish(band),
    });
  }

  /** Adds the distance to the thread's part of the output channels, given that from one part to the next. */
  #plusPart(distance: number): FunctionWriter {
    return this.#parts.tiling.parts > 1 ? plusScaled(this.#c, phaseLocals.thread, distance) : this.#c;
  }

  /** Pushes the row of the domain that holds row `#row` of the part's first output channel. */
  #pushDomainRow(band: Band): FunctionWriter {
    const { channels, conv: { outChannels, outHeight } } = this.#parts;
    this.#c.get(band.image).i32(outChannels * outHeight).op("i32.mul").get(this.#row).op("i32.add");
    return this.#plusPart(channels * outHeight);
  }

  /** Computes the outputs of a group's tiles. */
  #transformBack(band: Band): void {
    const c = this.#c;
    const { tiling, conv: { outHeight, outWidth }, epilogue, productStride } = this.#parts;
    eachTile(c, tiling, band, (row, column) => {
      c.get(row).get(band.tileRow).op("i32.add").i32(tileSize).op("i32.mul").set(this.#row);
      c.i32(outHeight).get(this.#row).op("i32.sub").set(this.#rowsLeft);
      c.get(this.#tileProducts);
      slotAddress(c, epilogue.slot);
      this.#pushDomainRow(band).i32(outWidth * floatBytes).op("i32.mul").op("i32.add");
      plusScaled(c, column, tileSize * floatBytes);
      c.get(this.#rowsLeft);
      this.#callTile(column);
      c.increment(this.#tileProducts, productStride * floatBytes);
    });
  }

  /** Calls the function for a whole tile, or for one at the right edge, with the arguments on the stack. */
  #callTile(column: number): void {
    const c = this.#c;
    const { wholeTile, edgeTile, tiling } = this.#parts;
    if (edgeTile === wholeTile) return void c.call(wholeTile);
    c.withLocals("i32", 2, (source, target) => {
      c.set(this.#rowsLeft).set(target).set(source);
      const push = () => c.get(source).get(target).get(this.#rowsLeft);
      c.get(column).i32(tiling.across - 1).op("i32.lt_s").if(() => push().call(wholeTile), () => push().call(edgeTile));
    });
  }

  /** Calls the epilogue for the outputs of a band: at once if that is all of the image, else channel by channel. */
  #finish(band: Band): void {
    const c = this.#c;
    const { epilogue, tiling, channels, conv: { outHeight, outWidth } } = this.#parts;
    const { slot, func } = epilogue;
    if (func === undefined) return;
    c.get(band.tileRow).i32(tileSize).op("i32.mul").set(this.#row);
    c.i32(outHeight).get(this.#row).op("i32.sub").set(this.#rowsLeft);
    setMin(c, this.#rowsLeft, this.#rowsLeft, () => c.i32(tiling.bandTiles * tileSize));
    const finishRows = (pushRows: () => void) => {
      slotAddress(c.get(phaseLocals.table), slot);
      this.#pushDomainRow(band);
      this.#pushDomainRow(band);
      pushRows();
      c.op("i32.add").i32(0).i32(outWidth).call(func);
    };
    if (tiling.bands === 1) return finishRows(() => c.i32(channels * outHeight));
    c.for(this.#channel, 0, channels, 1, () => {
      finishRows(() => c.get(this.#rowsLeft));
      c.increment(this.#row, outHeight);
    });
  }
}
