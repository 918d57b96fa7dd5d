/**
 * Images as Winograd's transforms read them: a copy with all channels of a pixel side by side and zeros around, so that channels in lanes are
 * plain vectors; and, for each pixel, the largest magnitude that it has in any channel (see `evenness.ts`).
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { plus } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { floatBytes, storeLanes, transpose4, vectorLanes, zeroBytes } from "../../emit/vectors.ts";
import type { WindowSpec } from "../window.ts";

/** What is copied of the planes of an image: see `WindowSpec`. */
export type PixelSource = Pick<WindowSpec, "channels" | "height" | "width" | "top" | "left">;

/** The copy; distances in floats. */
export interface PixelLayout {
  /** Rows and columns of pixels, and from row to row. */
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly pitch: number;
  /** From row to row of the magnitudes. */
  readonly magnitudePitch: number;
}

/** Floats between the rows of a copy that keep them out of the same cache sets. */
const rowSpacing = 16;

/** Lays out so many pixels. */
export function layOutPixels(rows: number, columns: number, channels: number): PixelLayout {
  const pitch = columns * channels + rowSpacing;
  // What is written of a row in whole vectors may end behind it.
  return { rows, columns, channels, pitch, magnitudePitch: roundUp(columns, vectorLanes) + vectorLanes };
}

/** Bytes of the copy, and of the magnitudes. */
export function pixelBytes(
  { rows, pitch, magnitudePitch }: PixelLayout,
): { readonly pixels: number; readonly magnitudes: number } {
  return { pixels: roundUp(rows * pitch * floatBytes, 64), magnitudes: roundUp(rows * magnitudePitch * floatBytes, 64) };
}

/**
 * Writes a function (image, copy, magnitudes, first row, rows) that copies rows of the padded planes from `first row` on. Magnitudes are
 * compared as integers, in whose order NaN is above infinity.
 */
export function copyPixels(module: WasmModule, { channels, height, width, top, left }: PixelSource, layout: PixelLayout): number {
  const begin = Math.max(0, -left);
  const count = Math.max(0, Math.min(width, layout.columns - left) - begin);
  const before = Math.min(layout.columns, left + begin);
  const after = layout.columns - before - count;
  const copyQuad = quadCopy(channels, height * width);
  const name = `pixels ${[channels, height, width, top, left, layout.columns]}`;
  return module.func({ name, params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [image, copy, magnitudes, first, rows] = [0, 1, 2, 3, 4];
    const [plane, source, target, at] = c.locals("i32", 4);
    plus(c.get(first), -top).set(first);
    c.loop(() => {
      zeroBytes(c, magnitudes, layout.magnitudePitch * floatBytes);
      // A row above the first is a large number.
      c.get(first).i32(height).op("i32.lt_u").if(() => {
        zeroBytes(c, copy, before * channels * floatBytes);
        plus(c.get(copy), (before + count) * channels * floatBytes).set(target);
        zeroBytes(c, target, after * channels * floatBytes);
        if (count === 0) return;
        plus(c.get(image).get(first).i32(width * floatBytes).op("i32.mul").op("i32.add"), begin * floatBytes).set(plane);
        c.repeat(channels / vectorLanes, () => {
          c.get(plane).set(source);
          // Pixels before, and the channels that are done, which are as many as planes.
          plus(c.get(copy), before * channels * floatBytes).set(target);
          plus(c.get(magnitudes), before * floatBytes).set(at);
          const quads = Math.floor(count / vectorLanes);
          const move = (pixels: number) => {
            c.increment(source, pixels * floatBytes).increment(target, pixels * channels * floatBytes);
            c.increment(at, pixels * floatBytes);
          };
          if (quads > 0) {
            c.repeat(quads, () => {
              copyQuad(c, source, target, at, vectorLanes);
              move(vectorLanes);
            });
          }
          const rest = count % vectorLanes;
          // The last pixels overlap those before.
          if (quads > 0 && rest > 0) move(rest - vectorLanes);
          if (rest > 0) copyQuad(c, source, target, at, quads > 0 ? vectorLanes : rest);
          c.increment(plane, vectorLanes * height * width * floatBytes).increment(copy, vectorLanes * floatBytes);
        });
        c.increment(copy, -channels * floatBytes);
      }, () => zeroBytes(c, copy, layout.columns * channels * floatBytes));
      c.increment(copy, layout.pitch * floatBytes).increment(magnitudes, layout.magnitudePitch * floatBytes);
      c.increment(first, 1).increment(rows, -1).get(rows).brIf(0);
    });
  });
}

/** What writes the copy of up to four pixels of four channels, whose planes are so many floats apart. */
function quadCopy(channels: number, plane: number) {
  return (c: FunctionWriter, source: number, target: number, at: number, pixels: number): void => {
    c.withLocals("v128", 4, (...lines) => {
      lines.forEach((line, lane) => c.get(source).mem("v128.load", lane * plane * floatBytes).set(line));
      c.get(at);
      lines.forEach((line, lane) => {
        c.get(line).op("f32x4.abs");
        if (lane > 0) c.op("i32x4.max_s");
      });
      if (pixels < vectorLanes) {
        const exists = (lane: number) => lane < pixels ? -1 : 0;
        c.i32x4(exists(0), exists(1), exists(2), exists(3)).op("v128.and");
      }
      c.get(at).mem("v128.load").op("i32x4.max_s").mem("v128.store");
      transpose4(c, lines);
      lines.slice(0, pixels).forEach((pixel, i) => c.get(target).get(pixel).mem("v128.store", i * channels * floatBytes));
    });
  };
}

/** Writes a function (pixels, planes) that copies a square of pixels back to planes, for sums that run over them. */
export function squarePlanes(
  module: WasmModule,
  size: number,
  { channels, pitch }: PixelLayout,
  layout = planesOfSquare(size),
): number {
  const starts = Array.from({ length: Math.ceil(size / vectorLanes) }, (_, i) => Math.min(i * vectorLanes, size - vectorLanes));
  const name = `planes of pixels ${[size, channels, pitch, layout.pitch, layout.plane]}`;
  return module.func({ name, params: ["i32", "i32"] }, (c) => {
    const [pixels, planes] = [0, 1];
    c.repeat(channels / vectorLanes, () => {
      c.repeat(size, () => {
        for (const start of starts) {
          c.withLocals("v128", 4, (...lines) => {
            lines.forEach((line, i) => c.get(pixels).mem("v128.load", (start + i) * channels * floatBytes).set(line));
            transpose4(c, lines);
            lines.forEach((line, lane) => c.get(planes).get(line).mem("v128.store", (lane * layout.plane + start) * floatBytes));
          });
        }
        c.increment(pixels, pitch * floatBytes).increment(planes, layout.pitch * floatBytes);
      });
      c.increment(pixels, (vectorLanes - size * pitch) * floatBytes);
      c.increment(planes, (vectorLanes * layout.plane - size * layout.pitch) * floatBytes);
    });
  });
}

/**
 * Writes a function (planes, pixels) that gives planes of a square to pixels: the first `overlap` rows and columns are added to what is there,
 * the rest is stored.
 */
export function spreadPlanes(
  module: WasmModule,
  size: number,
  overlap: number,
  { channels, pitch }: PixelLayout,
  layout: SquarePlanes,
): number {
  return module.func({ params: ["i32", "i32"] }, (c) => {
    const [planes, pixels] = [0, 1];
    const row = c.local("i32");
    c.repeat(channels / vectorLanes, () => {
      c.for(row, 0, size, 1, () => {
        for (let start = 0; start < size; start += vectorLanes) {
          c.withLocals("v128", 4, (...lines) => {
            lines.forEach((line, lane) => c.get(planes).mem("v128.load", (lane * layout.plane + start) * floatBytes).set(line));
            transpose4(c, lines);
            lines.slice(0, size - start).forEach((pixel, i) => {
              const offset = (start + i) * channels * floatBytes;
              const add = () => c.get(pixel).get(pixels).mem("v128.load", offset).op("f32x4.add").set(pixel);
              if (start + i < overlap) add();
              else c.get(row).i32(overlap).op("i32.lt_s").if(add);
              c.get(pixels).get(pixel).mem("v128.store", offset);
            });
          });
        }
        c.increment(planes, layout.pitch * floatBytes).increment(pixels, pitch * floatBytes);
      });
      c.increment(planes, (vectorLanes * layout.plane - size * layout.pitch) * floatBytes);
      c.increment(pixels, (vectorLanes - size * pitch) * floatBytes);
    });
  });
}

/** Writes a function (pixels, planes) that copies the image within an area of pixels back to its planes. */
export function imagePlanes(
  module: WasmModule,
  { channels, height, width, top, left }: PixelSource,
  { pitch }: PixelLayout,
): number {
  const name = `planes of an image ${[channels, height, width, top, left, pitch]}`;
  const plane = height * width;
  return module.func({ name, params: ["i32", "i32"] }, (c) => {
    const [pixels, planes] = [0, 1];
    const [source, target] = c.locals("i32", 2);
    plus(c.get(pixels), (top * pitch + left * channels) * floatBytes).set(pixels);
    const quad = (count: number) =>
      c.withLocals("v128", 4, (...lines) => {
        lines.forEach((line, i) => c.get(source).mem("v128.load", Math.min(i, count - 1) * channels * floatBytes).set(line));
        transpose4(c, lines);
        lines.forEach((line, lane) => storeLanes(c, target, line, count, lane * plane * floatBytes));
      });
    const move = (count: number) => {
      c.increment(source, count * channels * floatBytes).increment(target, count * floatBytes);
    };
    const [quads, rest] = [Math.floor(width / vectorLanes), width % vectorLanes];
    c.repeat(height, () => {
      c.get(planes).set(target);
      c.repeat(channels / vectorLanes, () => {
        c.get(pixels).set(source);
        if (quads > 0) {
          c.repeat(quads, () => {
            quad(vectorLanes);
            move(vectorLanes);
          });
        }
        // The last pixels overlap those before.
        if (quads > 0 && rest > 0) move(rest - vectorLanes);
        if (rest > 0) quad(quads > 0 ? vectorLanes : rest);
        c.increment(target, (vectorLanes * plane - (quads > 0 ? width - (rest > 0 ? vectorLanes : 0) : 0)) * floatBytes);
        c.increment(pixels, vectorLanes * floatBytes);
      });
      c.increment(pixels, (pitch - channels) * floatBytes).increment(planes, width * floatBytes);
    });
  });
}

/** The planes of a square: distances in floats. */
export interface SquarePlanes {
  readonly pitch: number;
  readonly plane: number;
}

/** How `squarePlanes` lays them out. */
export function planesOfSquare(size: number): SquarePlanes {
  const pitch = roundUp(size, vectorLanes);
  return { pitch, plane: size * pitch };
}
