/**
 * How images are cut for Winograd's convolution: into tiles of 4 by 4 or 2 by 2 outputs, bands of rows of tiles, and groups of tiles
 * that are transformed and multiplied together.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { plus, setMin, setQuotientAndRemainder } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { floatBytes } from "../../emit/vectors.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { type VectorWriter, wasmVectorWriter } from "../../emit/vector_code.ts";
import { lanesOf, maxTileRows, narrowTile, type Tiles } from "../../matmul/tile.ts";
import type { Convolution } from "../problem.ts";
import { tilesOf4, type WinogradForm } from "./linear_maps.ts";

/** Elements of a filter along one axis. */
export const filterSize = 3;

/** Floats between the components of one tile and those of the next that keep them out of the same cache sets. */
export const tileSpacing = 16;

/** The same between all that is of one component and what is of the next: as many streams in one set would throw each other out. */
export const componentSpacing = 16;

/** Bytes of transformed patches and tiles that are worked on at a time, for the second-level cache. */
const groupBytes = 512 * 1024;

/** Bytes of an image, or band of one, that are staged at a time. */
const maxBandBytes = 400 * 1024;

/** The tiles of all images. */
export interface Tiling {
  readonly form: WinogradForm;
  readonly across: number;
  readonly down: number;
  /** Most rows of tiles of a band: they differ by one at most. */
  readonly bandTiles: number;
  readonly bands: number;
  /** Most tiles that are transformed and multiplied together. */
  readonly together: number;
  /** Images whose tiles are together, of all that there are: several if they are small. */
  readonly imagesTogether: number;
  readonly images: number;
  /** The pieces of work: bands, or groups of images. */
  readonly units: number;
}

/** The tiles of a convolution, and the parts of its output channels: each thread computes a part of all units, or all of some units. */
export interface ConvolutionTiling extends Tiling {
  readonly parts: number;
}

/** Cuts images of outputs, given the bytes of an image and the channels on either side. */
function cutTiles(
  form: WinogradForm,
  images: number,
  height: number,
  width: number,
  threads: number,
  imageBytes: number,
  channels: readonly [number, number],
): Tiling {
  const tileBytes = (form.components * (channels[0] + channels[1]) + 2 * tileSpacing) * floatBytes;
  const filterBytes = form.components * channels[0] * channels[1] * floatBytes;
  const across = Math.ceil(width / form.tile);
  const down = Math.ceil(height / form.tile);
  const wanted = Math.max(Math.ceil(imageBytes / maxBandBytes), images % threads === 0 ? 1 : Math.ceil((4 * threads) / images));
  const bands = Math.min(down, wanted);
  const bandTiles = Math.ceil(down / bands);
  const tiles = bandTiles * across;
  // All transformed filters, or their sums, are read for each group.
  const most = Math.max(maxTileRows, Math.floor(Math.max(groupBytes, filterBytes / 4) / tileBytes));
  const cut = { form, across, down, bandTiles, bands, images };
  if (bands === 1 && 2 * tiles <= most && images >= 2 * threads) {
    const groups = roundUp(Math.ceil(images * tiles / most), threads);
    const imagesTogether = Math.ceil(images / groups);
    return { ...cut, together: imagesTogether * tiles, imagesTogether, units: Math.ceil(images / imagesTogether) };
  }
  return { ...cut, together: Math.ceil(tiles / Math.ceil(tiles / most)), imagesTogether: 1, units: images * bands };
}

/** The ways to cut images for a convolution. */
export function convolutionTilings(
  form: WinogradForm,
  { images, inChannels, outChannels, outHeight, outWidth }: Convolution,
  threads: number,
): ConvolutionTiling[] {
  const imageBytes = inChannels * outHeight * outWidth * floatBytes;
  const cut = (threads: number, channels: number) =>
    cutTiles(form, images, outHeight, outWidth, threads, imageBytes, [inChannels, channels]);
  const whole = { ...cut(threads, outChannels), parts: 1 };
  if (threads === 1 || outChannels % (threads * narrowTile) !== 0) return [whole];
  return [whole, { ...cut(1, outChannels / threads), parts: threads }];
}

/** How they are cut for the gradient with respect to the filters. */
export function gradientTiling(g: ConvGeometry, threads: number): Tiling {
  return cutTiles(tilesOf4, g.n, g.oh, g.ow, threads, (g.c + g.o) * g.oh * g.ow * floatBytes, [g.c, g.o]);
}

/** Locals of the loop over bands. */
export interface Band {
  readonly image: number;
  /** First row of tiles, and how many there are. */
  readonly tileRow: number;
  readonly tileRows: number;
  /** The group at hand: its first tile in the band, and the one behind its last. */
  readonly tile: number;
  readonly tileEnd: number;
}

/** What is done with a group of tiles. */
export interface GroupSteps {
  /** Before the group: its tiles follow. */
  readonly beginGroup: () => void;
  /** Before the tiles of a band are loaded: of each group of it, or once for all of them. */
  readonly beginBand: (band: Band) => void;
  /** The group's tiles of the band at hand, one behind the other. */
  readonly load: (band: Band) => void;
  /** All of the group; a local has the number of tiles. */
  readonly multiply: (tiles: number) => void;
  /** The group's tiles of the band at hand again, in the same order. */
  readonly store: (band: Band) => void;
  readonly endBand: (band: Band) => void;
}

/** Loops over the units from local `unit` to local `end`, and over the groups of tiles in each. */
export function eachGroup(c: FunctionWriter, tiling: Tiling, [unit, end]: readonly [number, number], steps: GroupSteps): void {
  const [image, tileRow, tileRows, tile, tileEnd, count] = c.locals("i32", 6);
  const band: Band = { image, tileRow, tileRows, tile, tileEnd };
  if (tiling.imagesTogether > 1) return eachGroupOfImages(c, tiling, [unit, end], band, count, steps);
  c.forRange(unit, unit, end, () => {
    c.get(unit).i32(tiling.bands).op("i32.div_u").set(image);
    c.get(unit).i32(tiling.bands).op("i32.rem_u").set(tileRow);
    const pushFirst = (after: number) =>
      plus(c.get(tileRow), after).i32(tiling.down).op("i32.mul").i32(tiling.bands).op("i32.div_u");
    pushFirst(1).set(tileRows);
    pushFirst(0).tee(tileRow).set(count);
    c.get(tileRows).get(count).op("i32.sub").set(tileRows);
    steps.beginBand(band);
    c.get(tileRows).i32(tiling.across).op("i32.mul").set(count);
    c.withLocals("i32", 1, (tiles) =>
      c.for(tile, 0, () => c.get(count), tiling.together, () => {
        setMin(c, tileEnd, count, () => plus(c.get(tile), tiling.together));
        c.get(tileEnd).get(tile).op("i32.sub").set(tiles);
        steps.beginGroup();
        steps.load(band);
        steps.multiply(tiles);
        steps.store(band);
      }));
    steps.endBand(band);
  });
}

/** The same where a unit is some images, whose tiles are one group. */
function eachGroupOfImages(
  c: FunctionWriter,
  { across, down, imagesTogether, images }: Tiling,
  [unit, end]: readonly [number, number],
  band: Band,
  count: number,
  steps: GroupSteps,
): void {
  const tiles = across * down;
  c.i32(0).set(band.tileRow).i32(down).set(band.tileRows).i32(0).set(band.tile).i32(tiles).set(band.tileEnd);
  c.withLocals("i32", 2, (from, to) => {
    c.forRange(unit, unit, end, () => {
      c.get(unit).i32(imagesTogether).op("i32.mul").set(from);
      plus(c.get(from), imagesTogether).set(to);
      setMin(c, to, to, () => c.i32(images));
      steps.beginGroup();
      c.forRange(band.image, from, to, () => {
        steps.beginBand(band);
        steps.load(band);
      });
      c.get(to).get(from).op("i32.sub").i32(tiles).op("i32.mul").set(count);
      steps.multiply(count);
      c.forRange(band.image, from, to, () => {
        steps.store(band);
        steps.endBand(band);
      });
    });
  });
}

/** Runs `body` for each tile of a group, with its row and column in the band. */
export function eachTile(c: FunctionWriter, tiling: Tiling, band: Band, body: (row: number, column: number) => void): void {
  c.withLocals("i32", 3, (tile, row, column) =>
    c.forRange(tile, band.tile, band.tileEnd, () => {
      setQuotientAndRemainder(c, tile, tiling.across, row, column);
      body(row, column);
    }));
}

/** Runs `body` for the tiles of a group that lie beside each other, with the row and column of the first and how many they are. */
export function eachTileRow(
  c: FunctionWriter,
  tiling: Tiling,
  band: Band,
  body: (row: number, column: number, count: number) => void,
): void {
  c.withLocals("i32", 4, (tile, row, column, count) => {
    c.get(band.tile).set(tile);
    c.loop(() => {
      setQuotientAndRemainder(c, tile, tiling.across, row, column);
      c.i32(tiling.across).get(column).op("i32.sub").set(count);
      setMin(c, count, count, () => c.get(band.tileEnd).get(tile).op("i32.sub"));
      body(row, column, count);
      c.get(tile).get(count).op("i32.add").tee(tile).get(band.tileEnd).op("i32.lt_s").brIf(0);
    });
  });
}

/** What writes transforms of so many channels: as the products, if channels are whole vectors of theirs. */
export function writerFor(module: WasmModule, tiles: Tiles, channels: number): VectorWriter {
  return channels % lanesOf(tiles) === 0 ? tiles.writer : wasmVectorWriter(module);
}
