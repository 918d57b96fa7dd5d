/**
 * Winograd's transforms of whole squares, some channels at a time, one per lane: an axis after the other.
 *
 * The layout of transformed squares is [component][channel].
 *
 * @module
 */
import type { VectorCode, VectorWriter } from "../../emit/vector_code.ts";
import { floatBytes } from "../../emit/vectors.ts";
import type { Convolution } from "../problem.ts";
import type { LinearMap, WinogradForm } from "./linear_maps.ts";
import type { PixelLayout } from "./pixels.ts";

/** Applies a map to the columns of a square of `size` vectors a side, and runs `body` for each row of what they become. */
function eachRowOfColumns(
  code: VectorCode,
  map: LinearMap,
  size: number,
  load: (to: number, row: number, column: number) => void,
  body: (row: number, line: readonly number[]) => void,
): void {
  const line = code.vectors(size);
  const half: number[][] = [];
  for (let column = 0; column < size; column++) {
    line.forEach((to, row) => load(to, row, column));
    map(code, line, (row, vector) => {
      const [place] = code.places(1);
      code.keep(place, vector);
      (half[row] ??= []).push(place);
    });
  }
  half.forEach((places, row) => {
    places.forEach((place, column) => code.recall(line[column], place));
    body(row, line);
  });
  code.releaseVectors(...line);
  for (const places of half) code.releasePlaces(...places);
}

/** Applies a map to the columns and then to the rows of a square of `size` vectors a side. */
export function transformSquare(
  code: VectorCode,
  map: LinearMap,
  size: number,
  load: (to: number, row: number, column: number) => void,
  emit: (row: number, column: number, vector: number) => void,
): void {
  eachRowOfColumns(code, map, size, load, (row, line) => map(code, line, (column, vector) => emit(row, column, vector)));
}

/**
 * Writes a function (square in the image, components, count): the transforms of all channels of squares of `size` pixels a side, which lie
 * beside each other, a tile apart; their components are `tileStride` floats apart.
 */
export function imageTransform(
  writer: VectorWriter,
  { patch, tile }: WinogradForm,
  map: LinearMap,
  size: number,
  { channels, pitch }: PixelLayout,
  tileStride: number,
): number {
  const name = `image squares ${[tile, size, channels, pitch, tileStride]}`;
  return writer.func({ name, params: ["address", "address", "count"] }, (code, [image, components, count]) => {
    const [left] = code.integers(1);
    code.repeat(count, () => {
      code.setConstant(left, channels / code.lanes);
      code.repeat(left, () => {
        transformSquare(
          code,
          map,
          size,
          (to, row, column) => code.load(to, image, (row * pitch + column * channels) * floatBytes),
          (row, column, vector) => code.store(vector, components, (row * patch + column) * channels * floatBytes),
        );
        code.add(image, code.lanes * floatBytes);
        code.add(components, code.lanes * floatBytes);
      });
      code.add(image, (tile - 1) * channels * floatBytes);
      code.add(components, (tileStride - channels) * floatBytes);
    });
  });
}

/** Writes a function (components, output, rows): the outputs of one tile, of which `rows` rows of `columns` pixels are stored. */
export function outputTransform(
  writer: VectorWriter,
  { tile, patch, componentsToTile }: WinogradForm,
  { outChannels, outHeight, outWidth }: Convolution,
  columns: number,
): number {
  const plane = outHeight * outWidth * floatBytes;
  const name = `output tiles ${[tile, outChannels, outHeight, outWidth, columns]}`;
  return writer.func({ name, params: ["address", "address", "count"] }, (code, [components, output, rows]) => {
    const [left] = code.integers(1);
    code.setConstant(left, outChannels / code.lanes);
    code.repeat(left, () => {
      const load = (to: number, row: number, column: number) =>
        code.load(to, components, (row * patch + column) * outChannels * floatBytes);
      eachRowOfColumns(code, componentsToTile, patch, load, (row, line) =>
        code.ifMore(rows, row, () => {
          const pixels: number[] = [];
          componentsToTile(code, line, () => {}, pixels);
          code.storeAcross(pixels, output, row * outWidth * floatBytes, plane, columns);
          code.releaseVectors(...pixels);
        }));
      code.add(components, code.lanes * floatBytes);
      code.add(output, code.lanes * plane);
    });
  });
}
