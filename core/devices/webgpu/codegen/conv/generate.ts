/**
 * 2-d convolutions and their gradients: which way each is computed.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { generateDirectConv } from "./direct.ts";
import { generateFilterGrad } from "./filter_grad.ts";
import { generateTiledConv, suitsConvTiles } from "./tiled.ts";
import type { KernelCode, KernelContext } from "../shader/shader.ts";

/** The shaders of a convolution kernel. */
export function generateConv(context: KernelContext<ConvKernel>): KernelCode {
  if (!context.target.software && suitsConvTiles(context.kernel)) return generateTiledConv(context);
  return context.kernel.kind === "conv2dFilterGrad" ? generateFilterGrad(context) : generateDirectConv(context);
}
