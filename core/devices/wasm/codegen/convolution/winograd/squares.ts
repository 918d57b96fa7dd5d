/**
 * Winograd's transforms of whole squares, some channels at a time, one per lane: an axis after the other.
 *
 * The layout of transformed squares is [component][channel].
 *
 * @module
 */
import { Cursor, moveInPlace } from "../../emit/cursor.ts";
import { type Distance, Distances } from "../../emit/distances.ts";
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

/** Moves to the vectors of a square in the order in which they are loaded: column by column. */
export class SquareCursor {
  readonly #code: VectorCode;
  readonly #row: Distance;
  readonly #column: Distance;
  readonly #top: Cursor;
  #line: Cursor;

  /** @param distances From row to row, and from column to column. */
  constructor(code: VectorCode, start: number, distances: Readonly<Record<"row" | "column", Distance>>) {
    this.#code = code;
    this.#row = distances.row;
    this.#column = distances.column;
    this.#top = new Cursor(code, start);
    this.#line = this.#top;
  }

  at(row: number, column: number): Cursor {
    if (row > 0) {
      this.#line.move(this.#row);
      return this.#line;
    }
    if (column > 0) {
      this.#line.release();
      this.#top.move(this.#column);
    }
    return this.#line = new Cursor(this.#code, this.#top.address, { offset: this.#top.offset });
  }

  release(): void {
    this.#line.release();
    this.#top.release();
  }
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
  { tile }: WinogradForm,
  map: LinearMap,
  size: number,
  { channels, pitch }: PixelLayout,
  tileStride: number,
): number {
  const pixel = channels * floatBytes;
  const distances = new Distances({
    pixel,
    row: pitch * floatBytes,
    // From behind the channels of a pixel, or of a component, to the first of the next tile.
    nextImage: (tile - 1) * pixel,
    nextComponents: tileStride * floatBytes - pixel,
  }, () => false);
  const spec = {
    name: `image squares ${[tile, size]}`,
    params: ["address", "address", "count"],
    distances: distances.told,
  } as const;
  return writer.func(spec, (code, [image, components, count], told) => {
    const { pixel, row: rowDistance, nextImage, nextComponents } = distances.with(told);
    const [left] = code.integers(1);
    code.repeat(count, () => {
      code.setDistance(left, pixel);
      code.setQuotient(left, left, code.lanes * floatBytes);
      code.repeat(left, () => {
        const [from, to] = [new SquareCursor(code, image, { row: rowDistance, column: pixel }), new Cursor(code, components)];
        transformSquare(
          code,
          map,
          size,
          (vector, row, column) => {
            const { address, offset } = from.at(row, column);
            code.load(vector, address, offset);
          },
          (row, column, vector) => {
            if (row + column > 0) to.move(pixel);
            code.store(vector, to.address, to.offset);
          },
        );
        from.release();
        to.release();
        code.add(image, code.lanes * floatBytes);
        code.add(components, code.lanes * floatBytes);
      });
      moveInPlace(code, image, nextImage);
      moveInPlace(code, components, nextComponents);
    });
  });
}

/**
 * Writes a function (components, pixels): what a tile of a gradient gives to the pixels of its patch, in all channels. Tiles come row by row:
 * the first `overlap` rows and columns are added to what others have given, the rest is stored.
 */
export function spreadTransform(
  writer: VectorWriter,
  { patch, tile }: WinogradForm,
  map: LinearMap,
  { channels, pitch }: PixelLayout,
): number {
  const name = `spread squares ${[tile, channels, pitch]}`;
  const overlap = patch - tile;
  return writer.func({ name, params: ["address", "address"] }, (code, [components, pixels]) => {
    const [left] = code.integers(1);
    code.setConstant(left, channels / code.lanes);
    code.repeat(left, () => {
      transformSquare(
        code,
        map,
        patch,
        (to, row, column) => code.load(to, components, (row * patch + column) * channels * floatBytes),
        (row, column, vector) => {
          const offset = (row * pitch + column * channels) * floatBytes;
          if (row >= overlap && column >= overlap) return code.store(vector, pixels, offset);
          const [sum] = code.vectors(1);
          code.load(sum, pixels, offset);
          code.setSum(sum, sum, vector);
          code.store(sum, pixels, offset);
          code.releaseVectors(sum);
        },
      );
      code.add(components, code.lanes * floatBytes);
      code.add(pixels, code.lanes * floatBytes);
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
  const component = outChannels * floatBytes;
  const distances = new Distances({
    component,
    row: patch * component,
    line: outWidth * floatBytes,
    plane: outHeight * outWidth * floatBytes,
  }, () => false);
  const spec = {
    name: `output tiles ${[tile, columns]}`,
    params: ["address", "address", "count"],
    distances: distances.told,
  } as const;
  return writer.func(spec, (code, [components, output, rows], told) => {
    const { component, row: rowDistance, line: lineDistance, plane } = distances.with(told);
    const [left] = code.integers(1);
    code.setDistance(left, component);
    code.setQuotient(left, left, code.lanes * floatBytes);
    code.repeat(left, () => {
      const from = new SquareCursor(code, components, { row: rowDistance, column: component });
      const load = (to: number, row: number, column: number) => {
        const { address, offset } = from.at(row, column);
        code.load(to, address, offset);
      };
      const to = new Cursor(code, output);
      eachRowOfColumns(code, componentsToTile, patch, load, (row, line) =>
        code.ifMore(rows, row, () => {
          // Where there is no row there is none behind it.
          if (row > 0) to.move(lineDistance);
          const pixels: number[] = [];
          componentsToTile(code, line, () => {}, pixels);
          code.storeAcross(pixels, to.address, to.offset, plane, columns);
          code.releaseVectors(...pixels);
        }));
      from.release();
      to.release();
      code.add(components, code.lanes * floatBytes);
      moveInPlace(code, output, plane, code.lanes);
    });
  });
}
