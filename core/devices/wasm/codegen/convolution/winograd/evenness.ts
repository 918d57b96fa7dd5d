/**
 * Which tiles Winograd's algorithm computes as accurately as a direct sum does.
 *
 * Its components mix all pixels of a patch, so that all outputs of a tile have rounding errors of the size of its largest pixel: an extreme
 * one would spoil outputs that it is no part of, and an infinity or NaN would reach them. So for each pixel the largest magnitude over all
 * channels is found (`pixels.ts`), and for each tap that over all filters. A tile is even where the sizes differ by no more than a factor, and products
 * are far from the ends of the range; the others are computed directly.
 *
 * Magnitudes are compared as integers, in whose order NaN is above infinity.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { plus } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { tilesOf4, type WinogradForm } from "./linear_maps.ts";
import type { PixelLayout } from "./pixels.ts";
import { filterSize } from "./tiling.ts";

/** How many times smaller the largest magnitude of a window may be than that of the patch. */
const mostRatio = 8;

/** Magnitudes of values, and of products, that keep components and their sums from overflow and from the subnormal numbers. */
const largest = 1e36;
const largestProduct = 1e30;
const smallestProduct = 1e-30;

const tapCount = filterSize * filterSize;

/** Sets all lanes of a vector to the largest (or smallest) of them, as integers. */
function spread(c: FunctionWriter, vector: number, op: "i32x4.max_s" | "i32x4.min_s"): void {
  c.get(vector).get(vector).get(vector).shuffle32([2, 3, 0, 1]).op(op).set(vector);
  c.get(vector).get(vector).get(vector).shuffle32([1, 0, 3, 2]).op(op).set(vector);
}

/** Pushes whether a product of magnitudes is out of range. */
function pushOutOfRange(c: FunctionWriter, product: number): void {
  c.get(product).f32(largestProduct).op("f32.le").op("i32.eqz");
  c.get(product).f32(smallestProduct).op("f32.lt").get(product).f32(0).op("f32.gt").op("i32.and").op("i32.or");
}

/**
 * Writes a function (magnitudes of the patch, rows, scale of the filters) that says whether a tile is uneven, of whose outputs `rows` rows
 * of `columns` exist.
 */
export function unevenTile(
  module: WasmModule,
  { tile, patch }: WinogradForm,
  { magnitudePitch: pitch }: PixelLayout,
  columns: number,
): number {
  const name = `uneven tile ${[tile, pitch, columns]}`;
  return module.func({ name, params: ["i32", "i32", "f32"], results: ["i32"] }, (c) => {
    const [plane, rows, scale] = [0, 1, 2];
    const [most, least] = c.locals("v128", 2);
    // Of each row and output the largest under the window's row.
    const lines = c.locals("v128", patch as number);
    lines.forEach((line, row) => {
      for (let column = 0; column < filterSize; column++) {
        c.get(plane).mem("v128.load", (row * pitch + column) * floatBytes);
        if (column > 0) c.op("i32x4.max_s");
      }
      // Of wider vectors than a tile what is beside it.
      if (tile < vectorLanes) c.i32x4(-1, -1, 0, 0).op("v128.and");
      c.set(line).get(line);
      if (row > 0) c.get(most).op("i32x4.max_s");
      c.set(most);
    });
    c.i32x4(0x7fffffff).set(least);
    for (let row = 0; row < tile; row++) {
      c.get(rows).i32(row).op("i32.gt_s").if(() => {
        c.get(lines[row]).get(lines[row + 1]).op("i32x4.max_s").get(lines[row + 2]).op("i32x4.max_s");
        const missing = (lane: number) => lane < columns ? 0 : 0x7fffffff;
        if (columns < vectorLanes) c.i32x4(missing(0), missing(1), missing(2), missing(3)).op("v128.or");
        c.get(least).op("i32x4.min_s").set(least);
      });
    }
    spread(c, most, "i32x4.max_s");
    spread(c, least, "i32x4.min_s");
    pushUneven(c, most, least, scale);
    // The windows of small tiles have pixels in common: one that counts alone is the largest of all of them.
    if (tile < filterSize) {
      pushFewCount(c, plane, pitch, patch, most);
      c.op("i32.or");
    }
  });
}

/**
 * Pushes whether a tile is uneven of whose pixels the largest magnitude is in all lanes of `most`, and the smallest that a window has in all
 * lanes of `least`.
 */
function pushUneven(c: FunctionWriter, most: number, least: number, scale: number): void {
  c.withLocals("f32", 2, (largestPixel, product) => {
    c.get(most).lane("f32x4.extract_lane", 0).tee(largestPixel).get(scale).op("f32.mul").set(product);
    c.get(largestPixel).get(least).lane("f32x4.extract_lane", 0).f32(mostRatio).op("f32.mul").op("f32.le").op("i32.eqz");
    c.get(largestPixel).f32(largest).op("f32.le").op("i32.eqz").op("i32.or");
    pushOutOfRange(c, product);
    c.op("i32.or");
  });
}

/**
 * Writes a function (magnitudes, row, column, scale of the filters) that says whether a tile of a gradient is uneven: where it has more than
 * some pixel of its patch sees of the whole gradient. The magnitudes are those of the tile with `patch - tile` around it; row and column are those of
 * the patch in an image of so many rows and columns, of which it may have only some.
 */
export function unevenSpread(
  module: WasmModule,
  { magnitudePitch: pitch }: PixelLayout,
  height: number,
  width: number,
): number {
  const { tile, patch } = tilesOf4;
  const name = `uneven tile of a gradient ${[pitch, height, width]}`;
  const around = patch - tile;
  return module.func({ name, params: ["i32", "i32", "i32", "f32"], results: ["i32"] }, (c) => {
    const [plane, row, column, scale] = [0, 1, 2, 3];
    const [most, least] = c.locals("v128", 2);
    /** For each vector of the patch's columns: all bits but the sign in lanes that are no pixels; of each row the largest in windows. */
    const starts = Array.from({ length: Math.ceil(patch / vectorLanes) }, (_, i) => i * vectorLanes);
    const parts = starts.map((start) => {
      const missing = c.local("v128");
      c.get(column).op("i32x4.splat").i32x4(start, start + 1, start + 2, start + 3).op("i32x4.add");
      c.i32(width).op("i32x4.splat").op("i32x4.ge_u").i32x4(0x7fffffff).op("v128.and");
      const none = (lane: number) => start + lane < patch ? 0 : 0x7fffffff;
      c.i32x4(none(0), none(1), none(2), none(3)).op("v128.or").set(missing);
      return { start, missing, lines: c.locals("v128", patch + around) };
    });
    for (const { start, lines } of parts) {
      lines.forEach((line, y) => {
        for (let x = 0; x < filterSize; x++) {
          c.get(plane).mem("v128.load", (y * pitch + start + x) * floatBytes);
          if (x > 0) c.op("i32x4.max_s");
        }
        c.set(line);
      });
    }
    for (let y = 0; y < tile; y++) {
      c.get(plane).mem("v128.load", ((around + y) * pitch + around) * floatBytes);
      if (y > 0) c.get(most).op("i32x4.max_s");
      c.set(most);
    }
    c.i32x4(0x7fffffff).set(least);
    for (let y = 0; y < patch; y++) {
      plus(c.get(row), y).i32(height).op("i32.lt_u").if(() => {
        for (const { lines, missing } of parts) {
          c.get(lines[y]).get(lines[y + 1]).op("i32x4.max_s").get(lines[y + 2]).op("i32x4.max_s");
          c.get(missing).op("v128.or").get(least).op("i32x4.min_s").set(least);
        }
      });
    }
    spread(c, most, "i32x4.max_s");
    spread(c, least, "i32x4.min_s");
    pushUneven(c, most, least, scale);
  });
}

/** Pushes whether the magnitudes of a square are far from their mean: whether they are few that count. */
function pushFewCount(c: FunctionWriter, plane: number, pitch: number, size: 2 | 4 | 6, most: number): void {
  c.withLocals("v128", 1, (sum) => {
    c.f32x4(0).set(sum);
    for (let row = 0; row < size; row++) {
      c.get(plane).mem("v128.load", row * pitch * floatBytes).get(sum).op("f32x4.add").set(sum);
      if (size > vectorLanes) {
        c.get(plane).mem("v128.load64_zero", (row * pitch + vectorLanes) * floatBytes).get(sum).op("f32x4.add").set(sum);
      }
    }
    c.get(most).lane("f32x4.extract_lane", 0).f32(size * size / mostRatio).op("f32.mul");
    for (let lane = 0; lane < vectorLanes; lane++) {
      c.get(sum).lane("f32x4.extract_lane", lane);
      if (lane > 0) c.op("f32.add");
    }
    c.op("f32.le").op("i32.eqz");
    // All of them are 0.
    c.get(most).lane("f32x4.extract_lane", 0).f32(0).op("f32.ne").op("i32.and");
  });
}

/**
 * Writes a function (magnitudes of the patch, those of the gradient's tile) that says whether the products of a tile are uneven: where few
 * pixels count, of either side, or the largest product that a tap has is too small. Taps that have none get nothing.
 */
export function unevenProducts(module: WasmModule, patch: PixelLayout, tile: PixelLayout): number {
  return module.func({ params: ["i32", "i32"], results: ["i32"] }, (c) => {
    const [pixels, gradients] = [0, 1];
    const [most, largestGradient, least, products] = c.locals("v128", 4);
    const product = c.local("f32");
    const tiles = c.locals("v128", tilesOf4.tile as number);
    tiles.forEach((line, row) => {
      c.get(gradients).mem("v128.load", row * tile.magnitudePitch * floatBytes).tee(line);
      if (row > 0) c.get(largestGradient).op("i32x4.max_s");
      c.set(largestGradient);
    });
    c.i32x4(0).set(most).i32x4(-1).set(least);
    for (let ky = 0; ky < filterSize; ky++) {
      for (let kx = 0; kx < filterSize; kx++) {
        c.i32x4(0).set(products);
        tiles.forEach((line, row) => {
          c.withLocals("v128", 1, (loaded) => {
            c.get(pixels).mem("v128.load", ((row + ky) * patch.magnitudePitch + kx) * floatBytes).tee(loaded);
            c.get(most).op("i32x4.max_s").set(most);
            c.get(loaded).get(line).op("f32x4.mul").op("f32x4.abs").get(products).op("i32x4.max_s").set(products);
          });
        });
        spread(c, products, "i32x4.max_s");
        // One less, as an unsigned number: where there is no product that is the largest number.
        c.get(products).i32x4(1).op("i32x4.sub").get(least).op("i32x4.min_u").set(least);
      }
    }
    c.get(least).i32x4(1).op("i32x4.add").set(least);
    spread(c, most, "i32x4.max_s");
    spread(c, largestGradient, "i32x4.max_s");
    c.get(most).get(largestGradient).op("f32x4.mul").lane("f32x4.extract_lane", 0).set(product);
    c.get(product).get(least).lane("f32x4.extract_lane", 0).f32(mostRatio).op("f32.mul").op("f32.le").op("i32.eqz");
    for (const each of [most, largestGradient]) {
      c.get(each).lane("f32x4.extract_lane", 0).f32(largest).op("f32.le").op("i32.eqz").op("i32.or");
    }
    pushOutOfRange(c, product);
    c.op("i32.or");
    pushFewCount(c, pixels, patch.magnitudePitch, tilesOf4.patch, most);
    pushFewCount(c, gradients, tile.magnitudePitch, tilesOf4.tile, largestGradient);
    c.op("i32.or").op("i32.or");
  });
}

/** Floats that a thread's magnitudes of filters take: for each tap four, of every fourth filter. */
export const filterMagnitudeFloats = roundUp(vectorLanes * tapCount, 16);

/** Writes a function (filters, count in fours, magnitudes): the largest magnitude of each tap over some filters, one after the other. */
export function filterMagnitudes(module: WasmModule): number {
  return module.func({ name: "magnitudes of filters", params: ["i32", "i32", "i32"] }, (c) => {
    const [filters, count, magnitudes] = [0, 1, 2];
    const most = c.locals("v128", tapCount as number);
    for (const each of most) c.i32x4(0).set(each);
    c.get(count).if(() =>
      c.loop(() => {
        most.forEach((each, v) =>
          c.get(filters).mem("v128.load", v * vectorLanes * floatBytes).op("f32x4.abs").get(each).op("i32x4.max_s").set(each)
        );
        c.increment(filters, vectorLanes * tapCount * floatBytes).increment(count, -1).get(count).brIf(0);
      })
    );
    most.forEach((each, v) => c.get(magnitudes).get(each).mem("v128.store", v * vectorLanes * floatBytes));
  });
}

/** Writes a function (magnitudes of all threads): the largest magnitude of the filters, or infinity if they are uneven. */
export function filterScale(module: WasmModule, threads: number): number {
  return module.func({ name: `scale of filters ${threads}`, params: ["i32"], results: ["f32"] }, (c) => {
    const magnitudes = 0;
    const taps = c.locals("f32", tapCount as number);
    const [most, least] = c.locals("f32", 2);
    for (const tap of taps) c.f32(0).set(tap);
    c.repeat(threads, () => {
      taps.forEach((tap, k) => {
        for (let i = 0; i < vectorLanes; i++) {
          c.get(magnitudes).mem("f32.load", (i * tapCount + k) * floatBytes).get(tap).op("f32.max").set(tap);
        }
      });
      c.increment(magnitudes, filterMagnitudeFloats * floatBytes);
    });
    c.get(taps[0]).set(most).get(taps[0]).set(least);
    for (const tap of taps.slice(1)) {
      c.get(tap).get(most).op("f32.max").set(most);
      c.get(tap).get(least).op("f32.min").set(least);
    }
    c.get(most).f32(Infinity);
    c.get(most).get(least).f32(mostRatio).op("f32.mul").op("f32.le");
    c.get(most).f32(largest).op("f32.le").op("i32.and").op("select");
  });
}
