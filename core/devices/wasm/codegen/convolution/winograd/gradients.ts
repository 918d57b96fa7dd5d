/**
 * The gradients of 3 by 3 convolutions by Winograd's algorithm from the tiles of the gradient of what they computed: with respect to the
 * filters, to the images, or to both at once.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { GeneratorContext, Phase } from "../../context.ts";
import { piecesFor } from "../../work.ts";
import { inputGradientConvolution, multiplyAdds } from "../problem.ts";
import { fewerProducts } from "./choice.ts";
import { filterGradientUse } from "./filter_gradient.ts";
import { gradientPhases } from "./gradient_tiles.ts";
import { imageGradientUse, overlap } from "./image_gradient.ts";
import { gradientTiling } from "./tiling.ts";

/** conv2dFilterGrad of 3 by 3 windows. */
export function winogradFilterGradient(context: GeneratorContext, kernel: ConvKernel): readonly Phase[] {
  const { geometry: g, operands: [, gradient] } = kernel;
  return gradientPhases(
    context,
    g,
    gradient,
    piecesOf(context, kernel),
    0,
    (tiles) => [filterGradientUse(context, kernel, tiles)],
  );
}

/** conv2dInputGrad of 3 by 3 windows where `mayBeSpread` holds. */
export function spreadImageGradient(context: GeneratorContext, kernel: ConvKernel): readonly Phase[] {
  const { geometry: g, operands: [gradient] } = kernel;
  const work = { multiplyAdds: multiplyAdds(inputGradientConvolution(kernel)) / fewerProducts };
  const pieces = Math.min(gradientTiling(g, context.threads).units, piecesFor(context.threads, work));
  return gradientPhases(context, g, gradient, pieces, overlap, (tiles) => [imageGradientUse(context, kernel, tiles)]);
}

/** Both of the same gradient; nothing that the first stores may be read by the second. */
export function winogradGradients(context: GeneratorContext, images: ConvKernel, filters: ConvKernel): readonly Phase[] {
  const { geometry: g, operands: [gradient] } = images;
  return gradientPhases(
    context,
    g,
    gradient,
    piecesOf(context, filters),
    overlap,
    (tiles) => [imageGradientUse(context, images, tiles), filterGradientUse(context, filters, tiles)],
  );
}

/** A piece for each thread, which has sums of its own. */
function piecesOf({ threads }: GeneratorContext, { geometry }: ConvKernel): number {
  return Math.min(threads, gradientTiling(geometry, threads).units);
}
