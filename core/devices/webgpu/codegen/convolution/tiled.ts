/**
 * What convolutions share as products of matrices through workgroup memory: patches are addressed in the images themselves and never
 * written out, groups are the batch of the product.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../ir/windows.ts";
import type { Target } from "../kernel_code.ts";
import { address, decompose } from "../shader/coordinates.ts";
import { epilogueLanes } from "../shader/epilogue.ts";
import type { Shader } from "../shader/shader.ts";
import type { Location, Product } from "../tiled_product/product.ts";
import { channelsPerGroup } from "./gather.ts";

/** Whether a convolution fills tiles: with few channels or pixels the direct kernels do as well. */
export function usesTiles(g: ConvGeometry, { software }: Target): boolean {
  const { c, o } = channelsPerGroup(g);
  return !software && c > 4 && o >= 8 && g.n * g.oh * g.ow >= 64;
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
