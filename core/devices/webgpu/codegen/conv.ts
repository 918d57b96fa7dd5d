/**
 * 2-d convolutions and their gradients: which way each is computed.
 *
 * @module
 */
import type { ConvKernel } from "../../../ir/kernel.ts";
import { generateDirectConv } from "./conv_direct.ts";
import { generateFilterGrad } from "./conv_filter.ts";
import { generateTiledConv, suitsConvTiles } from "./conv_tiled.ts";
import type { KernelCode, KernelContext } from "./shader.ts";

/** The shaders of a convolution kernel. */
export function generateConv(context: KernelContext<ConvKernel>): KernelCode {
  if (!context.target.software && suitsConvTiles(context.kernel)) return generateTiledConv(context);
  return context.kernel.kind === "conv2dFilterGrad" ? generateFilterGrad(context) : generateDirectConv(context);
}
