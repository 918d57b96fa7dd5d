/**
 * Images that are transformed tile by tile, by bands of rows of tiles.
 *
 * @module
 */
import type { Access } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { phaseLocals } from "../../context.ts";
import { operandAddress, plus, plusScaled } from "../../emit/addresses.ts";
import { floatBytes } from "../../emit/vectors.ts";
import type { Tiles } from "../../matmul/tile.ts";
import type { LinearMap, WinogradForm } from "./linear_maps.ts";
import { copyPixels, layOutPixels, pixelBytes, type PixelLayout, type PixelSource } from "./pixels.ts";
import { imageTransform } from "./squares.ts";
import { type Band, eachTileRow, tileSpacing, type Tiling, writerFor } from "./tiling.ts";

/** An image as its transform reads it. */
export interface TiledImage {
  readonly form: WinogradForm;
  readonly access: Access;
  readonly source: PixelSource;
  readonly layout: PixelLayout;
  /** Pixels of a square beside those of its tile, and pixels around the first and last tiles whose magnitudes matter. */
  readonly beside: number;
  readonly around: number;
  /** The functions that transform squares, and that copy a band. */
  readonly transform: number;
  readonly copy: number;
  /** Where in private memory the copy of a band and its magnitudes begin, and where they end. */
  readonly pixelsAt: number;
  readonly magnitudesAt: number;
  readonly end: number;
  /** Floats from the components of one tile to those of the next. */
  readonly tileStride: number;
}

/**
 * Writes the functions for an image whose squares, of `size` pixels a side, are transformed by a map; its private memory begins `at` bytes. With
 * `around` the copy, and what it knows of magnitudes, goes on so many pixels around all tiles.
 */
export function tiledImage(
  module: WasmModule,
  access: Access,
  source: PixelSource,
  tiling: Tiling,
  tiles: Tiles,
  [map, size]: readonly [LinearMap, number],
  at: number,
  around = 0,
): TiledImage {
  const { form, bandTiles, across } = tiling;
  const { channels } = source;
  const beside = size - form.tile;
  const more = beside + 2 * around;
  const layout = layOutPixels(bandTiles * form.tile + more, across * form.tile + more, channels);
  const bytes = pixelBytes(layout);
  const tileStride = form.components * channels + tileSpacing;
  return {
    form,
    access,
    source,
    layout,
    beside,
    around,
    transform: imageTransform(writerFor(module, tiles, channels), form, map, size, layout, tileStride),
    copy: copyPixels(module, { ...source, top: source.top + around, left: source.left + around }, layout),
    pixelsAt: at,
    magnitudesAt: at + bytes.pixels,
    end: at + bytes.pixels + bytes.magnitudes,
    tileStride,
  };
}

/** Copies the pixels of a band. */
export function copyBand(
  c: FunctionWriter,
  { access, form, source, copy, beside, around, pixelsAt, magnitudesAt }: TiledImage,
  band: Band,
): void {
  const { scratch } = phaseLocals;
  plusScaled(operandAddress(c, access), band.image, source.channels * source.height * source.width * floatBytes);
  plus(c.get(scratch), pixelsAt);
  plus(c.get(scratch), magnitudesAt);
  c.get(band.tileRow).i32(form.tile).op("i32.mul");
  plus(c.get(band.tileRows).i32(form.tile).op("i32.mul"), beside + 2 * around).call(copy);
}

/** Pushes the address of a tile's first pixel in the band. */
export function pushTilePixels(c: FunctionWriter, image: TiledImage, row: number, column: number): FunctionWriter {
  const { form, layout, around, pixelsAt } = image;
  plus(c.get(phaseLocals.scratch), pixelsAt + around * (layout.pitch + layout.channels) * floatBytes);
  plusScaled(c, row, form.tile * layout.pitch * floatBytes);
  return plusScaled(c, column, form.tile * layout.channels * floatBytes);
}

/** Pushes the address of the first magnitude of a tile, or of what is `around` it. */
export function pushTileMagnitudes(
  c: FunctionWriter,
  image: TiledImage,
  row: number,
  column: number,
  around = 0,
): FunctionWriter {
  const { form, layout, magnitudesAt } = image;
  plus(c.get(phaseLocals.scratch), magnitudesAt + (image.around - around) * (layout.magnitudePitch + 1) * floatBytes);
  plusScaled(c, row, form.tile * layout.magnitudePitch * floatBytes);
  return plusScaled(c, column, form.tile * floatBytes);
}

/** Transforms the squares of a group in the band, to the address in local `target`, which moves on. */
export function transformGroup(c: FunctionWriter, image: TiledImage, tiling: Tiling, band: Band, target: number): void {
  eachTileRow(c, tiling, band, (row, column, count) => {
    pushTilePixels(c, image, row, column).get(target).get(count).call(image.transform);
    plusScaled(c.get(target), count, image.tileStride * floatBytes).set(target);
  });
}
