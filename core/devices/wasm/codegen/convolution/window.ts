/**
 * What a window sees of an image, and the layout of the image where the window reads it.
 *
 * A window that needs padding, zeros between pixels or strided columns reads a copy (see `staging.ts`); where none of this is
 * needed the image is read in place, through the same description.
 *
 * @module
 */
import type { WindowGeometry } from "../../../../ir/windows.ts";
import { roundUp } from "../emit/blocks.ts";
import { floatBytes } from "../emit/vectors.ts";

/** What a window sees of an image. */
export interface WindowSpec {
  /** Planes per image (per group). */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Zeros above and to the left; negative: rows and columns cut off. */
  readonly top: number;
  readonly left: number;
  /** From one pixel of the image to the next in the padded plane, by axis: more than 1 puts zeros between. */
  readonly spread: readonly [number, number];
  /** From one output to the next, by axis. */
  readonly step: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly kernel: readonly [number, number];
  /** Rows and columns of output that are computed at a time (the columns may include a few beyond the last). */
  readonly outRows: number;
  readonly outColumns: number;
}

/** What the windows of a convolution or of pooling see of some channels of its input. */
export function inputWindow(g: WindowGeometry, channels: number): Omit<WindowSpec, "outRows"> {
  return {
    channels,
    height: g.h,
    width: g.w,
    top: g.padding.top,
    left: g.padding.left,
    spread: [1, 1],
    step: g.stride,
    dilation: g.dilation,
    kernel: [g.kh, g.kw],
    outColumns: g.ow,
  };
}

/** The layout of the planes as they are read: distances in floats. */
export interface WindowLayout {
  /** Whether a copy is made; else the image itself is read. */
  readonly staged: boolean;
  /** Rows of the padded plane that are held, and columns of it. */
  readonly rows: number;
  readonly columns: number;
  /** From column phase to column phase, row to row, plane to plane. */
  readonly phase: number;
  readonly pitch: number;
  readonly plane: number;
  /** From one row of outputs to the next. */
  readonly outRow: number;
}

/** The layout for a window. `copy` asks for a copy even where reading in place would do. */
export function layOutWindow(spec: WindowSpec, copy = false): WindowLayout {
  const reach = (axis: 0 | 1, outputs: number) =>
    (outputs - 1) * spec.step[axis] + (spec.kernel[axis] - 1) * spec.dilation[axis] + 1;
  const rows = reach(0, spec.outRows);
  const columns = reach(1, spec.outColumns);
  const stepX = spec.step[1];
  const inPlace = !copy && stepX === 1 && spec.spread.every((s) => s === 1) && spec.top === 0 && spec.left === 0 &&
    rows <= spec.height && columns <= spec.width;
  if (inPlace) {
    const { width, height } = spec;
    return { staged: false, rows, columns, phase: 0, pitch: width, plane: width * height, outRow: width * spec.step[0] };
  }
  const phase = Math.ceil(columns / stepX);
  const pitch = phase * stepX;
  return { staged: true, rows, columns, phase, pitch, plane: rows * pitch, outRow: pitch * spec.step[0] };
}

/** The offset of the window's element (ky, kx) from its first, in floats. */
export function tapOffset(spec: WindowSpec, layout: WindowLayout, ky: number, kx: number): number {
  const column = kx * spec.dilation[1];
  const step = spec.step[1];
  return ky * spec.dilation[0] * layout.pitch + (column % step) * layout.phase + Math.floor(column / step);
}

/** Bytes of a staged image. */
export function stagedBytes(spec: WindowSpec, layout: WindowLayout): number {
  return roundUp(spec.channels * layout.plane * floatBytes, 64);
}
