/**
 * Winograd's transforms of whole squares, four channels at a time, one per lane: an axis after the other.
 *
 * The layout of transformed squares is [component][channel].
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { floatBytes, storeLanes, transpose4, vectorLanes } from "../../emit/vectors.ts";
import type { Convolution } from "../problem.ts";
import type { WindowLayout } from "../window.ts";
import type { LinearMap, WinogradForm } from "./linear_maps.ts";

/**
 * Applies a map to the rows and then to the columns of a square of `size` vectors a side. Rows are loaded one by one, into
 * locals.
 */
export function transformSquare(
  c: FunctionWriter,
  map: LinearMap,
  size: number,
  loadRow: (row: number) => readonly number[],
  emit: (row: number, column: number, push: () => void) => void,
): void {
  const half: number[][] = [];
  for (let row = 0; row < size; row++) {
    const loaded = loadRow(row);
    const line: number[] = [];
    map(c, loaded, (_, push) => {
      const local = c.local("v128");
      push();
      c.set(local);
      line.push(local);
    });
    c.release("v128", ...loaded);
    half.push(line);
  }
  half[0].forEach((_, column) => map(c, half.map((line) => line[column]), (row, push) => emit(row, column, push)));
  for (const line of half) c.release("v128", ...line);
}

/**
 * Loads the first `count` (4 or 6) columns of a row of four channels, whose planes begin `plane` floats apart: a channel per
 * lane.
 */
function loadChannels(c: FunctionWriter, address: number, plane: number, offset: number, count: number): number[] {
  const byteOffset = (lane: number) => (lane * plane + offset) * floatBytes;
  const columns = c.locals("v128", vectorLanes);
  columns.forEach((column, lane) => c.get(address).mem("v128.load", byteOffset(lane)).set(column));
  transpose4(c, columns);
  if (count === vectorLanes) return columns;
  const [lower, upper, fifth, sixth] = c.locals("v128", 4);
  for (const [pair, lane] of [[lower, 0], [upper, 2]]) {
    for (const one of [lane, lane + 1]) c.get(address).mem("v128.load64_zero", byteOffset(one) + vectorLanes * floatBytes);
    c.shuffle32([0, 4, 1, 5]).set(pair);
  }
  c.get(lower).get(upper).shuffle32([0, 1, 4, 5]).set(fifth);
  c.get(lower).get(upper).shuffle32([2, 3, 6, 7]).set(sixth);
  c.release("v128", lower, upper);
  return [...columns, fifth, sixth];
}

/** Loads the components of one row of the transformed square, of four channels. */
function loadComponents(c: FunctionWriter, { patch }: WinogradForm, address: number, row: number, channels: number): number[] {
  return c.locals("v128", patch as number).map((local, column) => {
    c.get(address).mem("v128.load", (row * patch + column) * channels * floatBytes).set(local);
    return local;
  });
}

/** Writes a function (square in the image, components): the transform of all channels of one square of `size` pixels a side. */
export function imageTransform(
  module: WasmModule,
  { patch }: WinogradForm,
  map: LinearMap,
  size: number,
  channels: number,
  layout: WindowLayout,
): number {
  return module.func({ params: ["i32", "i32"] }, (c) => {
    const [image, components] = [0, 1];
    const loadRow = (row: number) => loadChannels(c, image, layout.plane, row * layout.pitch, size);
    c.repeat(channels / vectorLanes, () => {
      transformSquare(c, map, size, loadRow, (row, column, push) => {
        c.get(components);
        push();
        c.mem("v128.store", (row * patch + column) * channels * floatBytes);
      });
      c.increment(image, vectorLanes * layout.plane * floatBytes).increment(components, vectorLanes * floatBytes);
    });
  });
}

/** Writes a function (components, output, rows): the outputs of one tile, of which `rows` rows of `columns` pixels are stored. */
export function outputTransform(
  module: WasmModule,
  form: WinogradForm,
  { outChannels, outHeight, outWidth }: Convolution,
  columns: number,
): number {
  const plane = outHeight * outWidth;
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [components, output, rows] = [0, 1, 2];
    const tile = Array.from({ length: form.tile }, () => c.locals("v128", form.tile));
    const loadRow = (row: number) => loadComponents(c, form, components, row, outChannels);
    c.repeat(outChannels / vectorLanes, () => {
      transformSquare(c, form.componentsToTile, form.patch, loadRow, (row, column, push) => {
        push();
        c.set(tile[row][column]);
      });
      tile.forEach((line, row) =>
        c.get(rows).i32(row).op("i32.gt_s").if(() => {
          storeChannels(c, line, output, columns, (lane) => (lane * plane + row * outWidth) * floatBytes);
        })
      );
      c.increment(components, vectorLanes * floatBytes).increment(output, vectorLanes * plane * floatBytes);
    });
  });
}

/** Stores the first `columns` of a row of 2 or 4 pixels, each a vector of four channels, at the offset of each channel. */
function storeChannels(
  c: FunctionWriter,
  pixels: readonly number[],
  output: number,
  columns: number,
  offset: (lane: number) => number,
): void {
  if (pixels.length === vectorLanes) {
    transpose4(c, pixels);
    pixels.forEach((line, lane) => storeLanes(c, output, line, columns, offset(lane)));
    return;
  }
  const [left, right] = pixels;
  c.withLocals("v128", 1, (pair) => {
    for (let lane = 0; lane < vectorLanes; lane++) {
      // A channel's pixels, and those of the next.
      if (lane % 2 === 0) c.get(left).get(right).shuffle32([lane, lane + 4, lane + 1, lane + 5]).set(pair);
      c.get(output).get(pair);
      if (columns === 1) c.memLane("v128.store32_lane", lane % 2 * 2, offset(lane));
      else c.memLane("v128.store64_lane", lane % 2, offset(lane));
    }
  });
}
