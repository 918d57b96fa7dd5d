/**
 * Convolutions with windows of 3 by 3 by Winograd's F(4x4, 3x3): a quarter of the multiplications of the direct sum; or by F(2x2, 3x3):
 * more of them, but fewer transformed filters, where a single small image would wait for these to come from memory.
 *
 * Outputs are cut into tiles of 4 by 4, inputs into overlapping patches of 6 by 6 (or 2 by 2, and 4 by 4). With the matrices of `linear_maps.ts`, patch
 * d, filter w and tile y of one channel satisfy
 *
 *   y = A^T [ (G w G^T) * (B^T d B) ] A        and the transpose of that in w        dw = G^T [ (A dy A^T) * (B^T d B) ] G
 *
 * so that sums over channels, or over tiles, are 36 (or 16) independent matrix products, one per component. Transforms work on four
 * channels at a time, one per lane, and keep [tile][component][channel]. Rounding errors are two to four times those of a direct
 * sum. Tiles where they could be larger are computed as direct sums: see `evenness.ts`.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { type Convolution, multiplyAdds } from "../problem.ts";
import { piecesFor } from "../../work.ts";
import { type FilterPanels, filterPanels, transformFilters } from "./filters.ts";
import { bestTiling, fewerProducts } from "./choice.ts";
import { directTile } from "./direct_tile.ts";
import { filterScale, unevenTile } from "./evenness.ts";
import type { WinogradForm } from "./linear_maps.ts";
import { multiplyComponents, tilesInBlocks } from "./products.ts";
import { outputTransform } from "./squares.ts";
import { planesOfSquare, squarePlanes } from "./pixels.ts";
import { copyBand, pushTileMagnitudes, pushTilePixels, type TiledImage, tiledImage, transformGroup } from "./tiled_image.ts";
import { type Band, type ConvolutionTiling, eachGroup, eachTile, tileSpacing, writerFor } from "./tiling.ts";

/** Bytes of a word that says whether a tile is uneven. */
const wordBytes = 4;

/** conv2d and conv2dInputGrad of 3 by 3 windows. */
export function winogradConvolution(
  context: GeneratorContext,
  kernel: ConvKernel,
  form: WinogradForm,
  conv: Convolution,
): readonly Phase[] {
  const tiling = bestTiling(form, conv, context.threads, context.tiles(multiplyAdds(conv), conv.outChannels));
  const { parts } = tiling;
  const panels = filterPanels(context, form, conv, context.tiles(multiplyAdds(conv), conv.outChannels / parts), parts);
  const unitPieces = Math.min(tiling.units, piecesFor(context.threads, { multiplyAdds: multiplyAdds(conv) / fewerProducts }));
  const pieces = parts > 1 ? parts : unitPieces;
  return [
    { func: transformFilters(context, conv, panels), pieces: context.threads },
    { func: convolveTiles(context, kernel, conv, tiling, panels, pieces), pieces },
  ];
}

/** What the phase that computes the outputs is made of. */
interface TileConvolution {
  readonly conv: Convolution;
  readonly pieces: number;
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
  /** For tiles that are uneven: where in private memory the words that name them lie, and the planes of one. */
  readonly unevenAt: number;
  readonly planesAt: number;
  /**
   * Functions: the scale of the filters, what makes planes, whether a tile is uneven, and its outputs; of whole tiles, and of those at the right
   * edge.
   */
  readonly scale: number;
  readonly planes: number;
  readonly uneven: readonly [whole: number, edge: number];
  readonly direct: readonly [whole: number, edge: number];
}

/** Writes the phase that computes the outputs of the piece's images. */
function convolveTiles(
  context: GeneratorContext,
  kernel: ConvKernel,
  conv: Convolution,
  tiling: ConvolutionTiling,
  panels: FilterPanels,
  pieces: number,
): number {
  const { module } = context;
  const { inChannels, outWidth } = conv;
  const { form } = tiling;
  const { tiles } = panels;
  const outChannels = conv.outChannels / tiling.parts;
  const part = { ...conv, outChannels };
  const productStride = form.components * outChannels + tileSpacing;
  const image = tiledImage(module, conv.source, conv.window, tiling, tiles, [form.patchToComponents, form.patch], 0);
  const patchStride = image.tileStride;
  const { components } = form;
  const sizes = { components, inChannels, outChannels, tiles, patchStride, productStride, together: tiling.together };
  const multiply = multiplyComponents(module, sizes);
  const edgeColumns = outWidth % form.tile;
  const writer = writerFor(module, tiles, outChannels);
  const wholeTile = outputTransform(writer, form, part, form.tile);
  const edgeTile = edgeColumns === 0 ? wholeTile : outputTransform(writer, form, part, edgeColumns);
  const epilogue = context.epilogue(kernel);
  const rows = tilesInBlocks(sizes);
  const patchBytes = roundUp(rows * patchStride * floatBytes, 64);
  const unevenAt = image.end + patchBytes + roundUp(rows * productStride * floatBytes, 64);
  const planesAt = unevenAt + roundUp(tiling.together * wordBytes, 64);
  const squares = planesOfSquare(form.patch);
  context.privateScratch(planesAt + inChannels * squares.plane * floatBytes);
  const [uneven, direct] = [
    (columns: number) => unevenTile(module, form, image.layout, columns),
    (columns: number) => directTile(module, form, part, squares, columns),
  ].map((write) => {
    const whole = write(form.tile);
    return [whole, edgeColumns === 0 ? whole : write(edgeColumns)] as const;
  });
  const scale = filterScale(module, context.threads);
  const planes = squarePlanes(module, form.patch, image.layout);
  const parts = { conv, pieces, tiling, channels: outChannels, image, panels, epilogue, multiply, wholeTile, edgeTile };
  return module.func(
    { params: phaseParams },
    (c) =>
      new TileConvolutionWriter(c, { ...parts, patchBytes, productStride, unevenAt, planesAt, scale, planes, uneven, direct })
        .write(),
  );
}

class TileConvolutionWriter {
  readonly #c: FunctionWriter;
  readonly #parts: TileConvolution;
  /** Outputs of a tile along one axis. */
  readonly #tile: number;
  /** Locals: the bands of the piece. */
  readonly #unit: number;
  readonly #end: number;
  /** Locals: addresses of the components of a group. */
  readonly #patches: number;
  readonly #products: number;
  /** Locals: the tile that is transformed, and the one transformed back, its first row of outputs, how many rows follow, and a channel. */
  readonly #tilePatches: number;
  readonly #tileProducts: number;
  readonly #row: number;
  readonly #rowsLeft: number;
  readonly #channel: number;
  /** Locals: the scale of the filters, and where the words of a group's tiles lie that are loaded, and stored. */
  readonly #scale: number;
  readonly #loadUneven: number;
  readonly #storeUneven: number;

  constructor(c: FunctionWriter, parts: TileConvolution) {
    this.#c = c;
    this.#parts = parts;
    this.#tile = parts.tiling.form.tile;
    [this.#unit, this.#end, this.#patches, this.#products] = c.locals("i32", 4);
    [this.#tilePatches, this.#tileProducts, this.#row, this.#rowsLeft, this.#channel] = c.locals("i32", 5);
    [this.#loadUneven, this.#storeUneven] = c.locals("i32", 2);
    this.#scale = c.local("f32");
  }

  write(): void {
    const c = this.#c;
    const { image, tiling, pieces, patchBytes, multiply, panels, unevenAt } = this.#parts;
    plus(c.get(phaseLocals.scratch), image.end).set(this.#patches);
    plus(c.get(this.#patches), patchBytes).set(this.#products);
    setShare(c, phaseLocals.piece, tiling.parts > 1 ? 1 : pieces, tiling.units, this.#unit, this.#end);
    plus(slotAddress(c, panels.slot), panels.magnitudes * floatBytes).call(this.#parts.scale).set(this.#scale);
    eachGroup(c, tiling, [this.#unit, this.#end], {
      beginGroup: () => {
        c.get(this.#patches).set(this.#tilePatches).get(this.#products).set(this.#tileProducts);
        plus(c.get(phaseLocals.scratch), unevenAt).tee(this.#loadUneven).set(this.#storeUneven);
      },
      beginBand: (band) => copyBand(c, image, band),
      load: (band) => {
        transformGroup(c, image, tiling, band, this.#tilePatches);
        this.#findUneven(band);
      },
      multiply: (tiles) => {
        c.get(this.#patches);
        slotAddress(c, panels.slot);
        this.#plusPart(panels.partStride * floatBytes).get(this.#products).get(tiles).call(multiply);
      },
      store: (band) => this.#transformBack(band),
      endBand: (band) => this.#finish(band),
    });
  }

  /** Adds the distance to the piece's part of the output channels, given that from one part to the next. */
  #plusPart(distance: number): FunctionWriter {
    return this.#parts.tiling.parts > 1 ? plusScaled(this.#c, phaseLocals.piece, distance) : this.#c;
  }

  /** Pushes the row of the domain that holds row `#row` of the part's first output channel. */
  #pushDomainRow(band: Band): FunctionWriter {
    const { channels, conv: { outChannels, outHeight } } = this.#parts;
    this.#c.get(band.image).i32(outChannels * outHeight).op("i32.mul").get(this.#row).op("i32.add");
    return this.#plusPart(channels * outHeight);
  }

  /** Sets the first row of outputs of a tile, and how many follow. */
  #setRows(band: Band, row: number): void {
    const c = this.#c;
    c.get(row).get(band.tileRow).op("i32.add").i32(this.#tile).op("i32.mul").set(this.#row);
    c.i32(this.#parts.conv.outHeight).get(this.#row).op("i32.sub").set(this.#rowsLeft);
  }

  /** Writes down which of a group's tiles are uneven. */
  #findUneven(band: Band): void {
    const c = this.#c;
    const { image, tiling, uneven } = this.#parts;
    eachTile(c, tiling, band, (row, column) => {
      this.#setRows(band, row);
      this.#byColumn(column, uneven, (func) => {
        c.get(this.#loadUneven);
        pushTileMagnitudes(c, image, row, column).get(this.#rowsLeft).get(this.#scale).call(func).mem("i32.store");
      });
      c.increment(this.#loadUneven, wordBytes);
    });
  }

  /** Computes the outputs of a group's tiles. */
  #transformBack(band: Band): void {
    const c = this.#c;
    const { image, tiling, wholeTile, edgeTile, productStride, planes, direct } = this.#parts;
    eachTile(c, tiling, band, (row, column) => {
      this.#setRows(band, row);
      const call = (pushSource: () => void, funcs: readonly [number, number]) =>
        this.#byColumn(column, funcs, (func) => {
          pushSource();
          this.#pushOutput(band, column).get(this.#rowsLeft).call(func);
        });
      c.get(this.#storeUneven).mem("i32.load").if(() => {
        // Other images of the group have been copied since.
        if (tiling.imagesTogether > 1) copyBand(c, image, band);
        pushTilePixels(c, image, row, column);
        this.#pushPlanes().call(planes);
        call(() => this.#pushDirectOperands(), direct);
      }, () => call(() => c.get(this.#tileProducts), [wholeTile, edgeTile]));
      c.increment(this.#tileProducts, productStride * floatBytes).increment(this.#storeUneven, wordBytes);
    });
  }

  /** Pushes the address of the planes of an uneven tile. */
  #pushPlanes(): FunctionWriter {
    return plus(this.#c.get(phaseLocals.scratch), this.#parts.planesAt);
  }

  /** Pushes the addresses of these, and of the part's filters. */
  #pushDirectOperands(): void {
    const { conv: { filters, filterOut }, channels } = this.#parts;
    operandAddress(this.#pushPlanes(), filters);
    this.#plusPart(channels * filterOut * floatBytes);
  }

  /** Pushes the address of a tile's first output. */
  #pushOutput(band: Band, column: number): FunctionWriter {
    const c = this.#c;
    const { epilogue, conv: { outWidth } } = this.#parts;
    slotAddress(c, epilogue.slot);
    this.#pushDomainRow(band).i32(outWidth * floatBytes).op("i32.mul").op("i32.add");
    return plusScaled(c, column, this.#tile * floatBytes);
  }

  /** Writes the body for whole tiles, and for those at the right edge. */
  #byColumn(column: number, [whole, edge]: readonly [number, number], body: (func: number) => void): void {
    if (edge === whole) return body(whole);
    this.#c.get(column).i32(this.#parts.tiling.across - 1).op("i32.lt_s").if(() => body(whole), () => body(edge));
  }

  /** Calls the epilogue for the outputs of a band: at once if that is all of the image, else channel by channel. */
  #finish(band: Band): void {
    const c = this.#c;
    const { epilogue, tiling, channels, conv: { outHeight, outWidth } } = this.#parts;
    const { slot, func } = epilogue;
    if (func === undefined) return;
    c.get(band.tileRow).i32(this.#tile).op("i32.mul").set(this.#row);
    c.i32(outHeight).get(this.#row).op("i32.sub").set(this.#rowsLeft);
    setMin(c, this.#rowsLeft, this.#rowsLeft, () => c.get(band.tileRows).i32(this.#tile).op("i32.mul"));
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
