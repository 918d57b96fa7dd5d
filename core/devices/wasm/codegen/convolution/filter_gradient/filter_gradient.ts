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
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { plus, plusScaled, slotAddress } from "../../emit/addresses.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
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
    const [from, to, source, end, target] = c.locals("i32", 5);
    setShare(c, phaseLocals.piece, imageParts * tileParts, planes, from, to);
    if (imageParts > 1) {
      const setAddress = (slot: number, plane: number, local: number) =>
        plusScaled(slotAddress(c, slot), plane, taps * floatBytes).set(local);
      setAddress(sums, from, source);
      setAddress(sums, to, end);
      setAddress(epilogue.slot, from, target);
      addParts(c, imageParts, planes * taps * floatBytes, source, end, target);
    }
    if (epilogue.func === undefined) return;
    const pushRow = (plane: number) => c.get(plane).i32(g.kh).op("i32.mul");
    slotAddress(c.get(phaseLocals.table), epilogue.slot);
    pushRow(from);
    pushRow(to).i32(0).i32(g.kw).call(epilogue.func);
  });
}

/** Adds the sums of `parts` parts, `partBytes` apart, from local `source` up to `end`: first by vectors, then one by one. */
function addParts(c: FunctionWriter, parts: number, partBytes: number, source: number, end: number, target: number): void {
  const add = (load: "v128.load" | "f32.load", sum: "f32x4.add" | "f32.add", store: "v128.store" | "f32.store") => {
    c.get(target).get(source).mem(load);
    for (let part = 1; part < parts; part++) c.get(source).mem(load, part * partBytes).op(sum);
    c.mem(store);
  };
  const whileRoomFor = (bytes: number, body: () => void) =>
    c.block(() => {
      const pushEnds = () => plus(c.get(source), bytes).get(end);
      pushEnds().op("i32.gt_u").brIf(0);
      c.loop(() => {
        body();
        c.increment(source, bytes).increment(target, bytes);
        pushEnds().op("i32.le_u").brIf(0);
      });
    });
  whileRoomFor(vectorLanes * floatBytes, () => add("v128.load", "f32x4.add", "v128.store"));
  whileRoomFor(floatBytes, () => add("f32.load", "f32.add", "f32.store"));
}
