/**
 * What convolutions share as products of matrices through workgroup memory: patches are addressed in the images themselves and never
 * written out, groups are the batch of the product.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../ir/windows.ts";
import type { Target } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { epilogueLanes } from "../shader/epilogue.ts";
import type { Shader } from "../shader/shader.ts";
import type { Location, Product, Step } from "../tiled_product/product.ts";
import { deepestSlice } from "../tiled_product/tiling.ts";
import { channelsPerGroup } from "./gather.ts";

/** The direct kernels are written out along the rows of filters, and for every phase of a stride: up to these they stay short. */
const longestRow = 64;
const mostPhases = 16;

/**
 * Whether a convolution fills tiles, or its direct kernel would be too long: with few channels or pixels the direct kernels do as
 * well.
 */
export function usesTiles(g: ConvGeometry, { software }: Target): boolean {
  const { c, o } = channelsPerGroup(g);
  return g.kw > longestRow || !software && c > 4 && o >= 8 && g.n * g.oh * g.ow >= 64;
}

/** Whether that holds for an input gradient, whose direct kernel has a phase for each step of the stride. */
export function gradientUsesTiles(g: ConvGeometry, target: Target): boolean {
  const most = Math.max(...g.stride);
  return most > mostPhases || g.kw > longestRow || most === 1 && usesTiles(g, target);
}

/**
 * Whether the steps along channels and taps go through the channels of a slice, then the taps, then on to the next channels. All steps of
 * a slice have one tap then: which pixels it meets, and whether they are inside, is found once for all of them.
 */
export function goesTapByTap(channels: number, { kh, kw }: Taps): boolean {
  return kh * kw > 1 && channels % deepestSlice === 0;
}

/** Rows and columns of taps. */
type Taps = Pick<ConvGeometry, "kh" | "kw">;

/** What a step along channels and taps is. */
interface ChannelAndTap {
  readonly channel: Coordinate;
  /** The number of the tap, and its row and column. */
  readonly tap: Coordinate;
  readonly ky: Coordinate;
  readonly kx: Coordinate;
}

/** The channel and the tap of a step. */
export function channelAndTap(shader: Shader, channels: number, g: Taps, step: Step): ChannelAndTap {
  const { kh, kw } = g;
  if (!goesTapByTap(channels, g)) {
    const [channel, tap] = decompose(shader, step.number, [channels, kh * kw]);
    const [ky, kx] = decompose(shader, tap, [kh, kw]);
    return { channel, tap, ky, kx };
  }
  const slice = shader.define(`${step.start} / ${step.depth}u`, "s");
  const [block, tap] = decompose(shader, slice, [channels / step.depth, kh * kw]);
  const [ky, kx] = decompose(shader, tap, [kh, kw]);
  return { channel: shader.define(`${block} * ${step.depth}u + ${step.offset}`, "c"), tap, ky, kx };
}

/** How products [channel, (image, y, x)] of each group are stored as images. */
export function storedAsImages(kernel: ConvKernel, channels: number): Pick<Product, "lanes" | "point"> {
  const [n, , h, w] = kernel.shape;
  return {
    lanes: (shader) => epilogueLanes(shader, kernel, w),
    point: (shader, group, i, j) => {
      const [b, y, x] = decompose(shader, j, [n, h, w]);
      return [b, shader.define(address(0, [channels, 1], [group, i]), "c"), y, x];
    },
  };
}

/** Where pixel (y, x) of a plane is, if both are inside; wrapped negative coordinates are large. */
export function pixel(
  shader: Shader,
  plane: string,
  [y, x]: readonly [string, string],
  [h, w]: readonly [number, number],
  certain: boolean,
): Location {
  const row = shader.define(y, "y");
  const column = shader.define(x, "x");
  const at = `${plane} + ${row} * ${w}u + ${column}`;
  return certain ? { address: at } : { address: at, inside: `${row} < ${h}u && ${column} < ${w}u` };
}
