/**
 * The gradient of a convolution with respect to its filters: every element is a sum of products of two images, the gradient g and
 * the input x shifted by the window element.
 *
 * Sums run along the rows of pixels, four at a time, for a tile of output channels by window elements in up to 12 vectors of
 * partial sums; lanes are added up only at the end of a group of images. Where the length of rows is not a multiple of four, what
 * the last vector reads too much is masked in both images (in one would not do: 0 times NaN). As machine code the loops have longer vectors,
 * whose lanes are added up outside. Threads share the images and keep
 * sums of their own, which a second phase adds; where there are more threads than images they share the tiles as well.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import { sizeOf } from "../../../../../shape.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { slotAddress } from "../../emit/addresses.ts";
import { addSumsOfParts } from "../../emit/part_sums.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { piecesFor } from "../../work.ts";
import { type FilterGradientPlan, planFilterGradient } from "./plan.ts";
import { sumProducts } from "./sum_products.ts";

/** conv2dFilterGrad for f32. */
export function directFilterGradient(context: GeneratorContext, kernel: ConvKernel): readonly Phase[] {
  const { geometry: g } = kernel;
  const madds = g.n * g.o * g.oh * g.ow * (g.c / g.groups) * g.kh * g.kw;
  // Each piece has sums of its own.
  const pieces = Math.min(context.threads, piecesFor(context.threads, { multiplyAdds: madds }));
  const plan = planFilterGradient(kernel, pieces, context.tiles(madds, Infinity));
  const epilogue = context.epilogue(kernel);
  const sums = plan.imageParts > 1 ? context.sharedScratch(plan.imageParts * sizeOf(kernel.shape) * floatBytes) : epilogue.slot;
  const phases: Phase[] = [{ func: sumProducts(context, plan, sums), pieces }];
  if (plan.imageParts > 1 || epilogue.func !== undefined) {
    phases.push({ func: addSums(context, plan, sums, epilogue), pieces });
  }
  return phases;
}

/**
 * Writes the phase that adds the threads' sums, if there are several, and calls the epilogue; threads share the planes of
 * filters.
 */
export function addSums(
  context: GeneratorContext,
  { kernel: { geometry: g }, imageParts, tileParts }: Pick<FilterGradientPlan, "kernel" | "imageParts" | "tileParts">,
  sums: number,
  epilogue: Epilogue,
): number {
  const taps = g.kh * g.kw;
  const planes = (g.o * g.c) / g.groups;
  return context.module.func({ params: phaseParams }, (c) => {
    const [from, to] = c.locals("i32", 2);
    setShare(c, phaseLocals.piece, imageParts * tileParts, planes, from, to);
    if (imageParts > 1) {
      addSumsOfParts(c, { slot: sums, parts: imageParts, floats: planes * taps }, epilogue.slot, taps, [from, to]);
    }
    if (epilogue.func === undefined) return;
    const pushRow = (plane: number) => c.get(plane).i32(g.kh).op("i32.mul");
    slotAddress(c.get(phaseLocals.table), epilogue.slot);
    pushRow(from);
    pushRow(to).i32(0).i32(g.kw).call(epilogue.func);
  });
}
