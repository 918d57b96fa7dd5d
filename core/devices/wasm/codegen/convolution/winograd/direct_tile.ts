/**
 * Single tiles as direct sums: those that Winograd's algorithm would not compute accurately. A tile at a time, four pixels of a row in a
 * vector.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { floatBytes, pushLaneSums, storeLanes, vectorLanes } from "../../emit/vectors.ts";
import type { Convolution } from "../problem.ts";
import { tilesOf4, type WinogradForm } from "./linear_maps.ts";
import type { SquarePlanes } from "./pixels.ts";
import { filterSize } from "./tiling.ts";

const tapCount = filterSize * filterSize;

/** Writes a function (planes of the patch, filters, output, rows): the outputs of a tile, of which `rows` rows of `columns` pixels are stored. */
export function directTile(
  module: WasmModule,
  form: WinogradForm,
  conv: Convolution,
  layout: SquarePlanes,
  columns: number,
): number {
  const { inChannels, outChannels, outHeight, outWidth, filterIn, filterOut, flipped } = conv;
  const name = `direct tile ${[
    form.tile,
    inChannels,
    outChannels,
    outHeight,
    outWidth,
    filterIn,
    filterOut,
    flipped,
    columns,
    layout.pitch,
  ]}`;
  return module.func({ name, params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [image, filters, output, rows] = [0, 1, 2, 3];
    const [pixels, taps] = c.locals("i32", 2);
    const sums = c.locals("v128", form.tile as number);
    c.repeat(outChannels, () => {
      for (const sum of sums) c.f32x4(0).set(sum);
      c.get(image).set(pixels).get(filters).set(taps);
      c.repeat(inChannels, () => {
        eachProduct(c, form, pixels, layout, (row, ky, kx, loaded) => {
          const tap = ky * filterSize + kx;
          const offset = (flipped ? tapCount - 1 - tap : tap) * floatBytes;
          c.get(loaded).get(taps).mem("v128.load32_splat", offset).get(sums[row]).op("f32x4.relaxed_madd").set(sums[row]);
        });
        c.increment(pixels, layout.plane * floatBytes).increment(taps, filterIn * floatBytes);
      });
      sums.forEach((sum, row) =>
        c.get(rows).i32(row).op("i32.gt_s").if(() => storeLanes(c, output, sum, columns, row * outWidth * floatBytes))
      );
      c.increment(filters, filterOut * floatBytes).increment(output, outHeight * outWidth * floatBytes);
    });
  });
}

/** Runs `body` for each row of a tile and each tap, with the four pixels of the patch that they meet at. */
function eachProduct(
  c: FunctionWriter,
  { tile, patch }: WinogradForm,
  pixels: number,
  layout: SquarePlanes,
  body: (row: number, ky: number, kx: number, loaded: number) => void,
): void {
  c.withLocals("v128", 1, (loaded) => {
    for (let y = 0; y < patch; y++) {
      for (let kx = 0; kx < filterSize; kx++) {
        c.get(pixels).mem("v128.load", (y * layout.pitch + kx) * floatBytes).set(loaded);
        for (let ky = Math.max(0, y - tile + 1); ky <= Math.min(y, filterSize - 1); ky++) body(y - ky, ky, kx, loaded);
      }
    }
  });
}

/** Writes a function (planes of the patch, those of the gradient's tile, sums): adds what a tile gives to all filters, one after the other. */
export function directFilterTile(
  module: WasmModule,
  { c: inChannels, o: outChannels }: ConvGeometry,
  layout: SquarePlanes,
  gradientLayout: SquarePlanes,
): number {
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [image, gradient, filters] = [0, 1, 2];
    const pixels = c.local("i32");
    const tile = c.locals("v128", tilesOf4.tile as number);
    const taps = c.locals("v128", tapCount as number);
    c.repeat(outChannels, () => {
      tile.forEach((line, row) => c.get(gradient).mem("v128.load", row * gradientLayout.pitch * floatBytes).set(line));
      c.get(image).set(pixels);
      c.repeat(inChannels, () => {
        for (const tap of taps) c.f32x4(0).set(tap);
        eachProduct(c, tilesOf4, pixels, layout, (row, ky, kx, loaded) => {
          const tap = taps[ky * filterSize + kx];
          c.get(loaded).get(tile[row]).get(tap).op("f32x4.relaxed_madd").set(tap);
        });
        addTaps(c, filters, taps);
        c.increment(pixels, layout.plane * floatBytes).increment(filters, tapCount * floatBytes);
      });
      c.increment(gradient, gradientLayout.plane * floatBytes);
    });
  });
}

/** Adds the sums over the lanes of each tap to a filter. */
function addTaps(c: FunctionWriter, filter: number, taps: readonly number[]): void {
  c.withLocals("v128", 1, (sums) => {
    for (let first = 0; first < tapCount; first += vectorLanes) {
      const four = taps.slice(first, first + vectorLanes);
      const offset = first * floatBytes;
      pushLaneSums(c, four);
      if (four.length === vectorLanes) {
        c.get(filter).mem("v128.load", offset).op("f32x4.add").set(sums);
      } else c.get(filter).mem("v128.load32_zero", offset).op("f32x4.add").set(sums);
      storeLanes(c, filter, sums, four.length, offset);
    }
  });
}
