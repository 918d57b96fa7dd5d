/**
 * The gradient of a convolution of single pixels with respect to its filters, as matrix products: output channels by input channels, summed
 * over pixels.
 *
 * The gradient's channels are rows of pixels already, as the tile of a matrix product wants them; of the input a panel of some channels is
 * packed, so that those of a pixel are beside each other. That is done for some images, or a part of one, at a time: then the gradient
 * stays in the second-level cache while panel after panel is multiplied by it. Where there are many panels it is packed once for all of them.
 * Threads share the images and keep sums of their own, which a
 * second phase adds.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import { sizeOf } from "../../../../../shape.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { microKernel } from "../../matmul/micro_kernel.ts";
import { packPanel } from "../../matmul/packing.ts";
import { addSums } from "../filter_gradient/filter_gradient.ts";
import type { PixelPlan } from "./plan.ts";

/** conv2dFilterGrad of single pixels. */
export function pixelFilterGradient(context: GeneratorContext, kernel: ConvKernel, plan: PixelPlan): readonly Phase[] {
  const { threads } = context;
  const epilogue = context.epilogue(kernel);
  const sums = threads > 1 ? context.sharedScratch(threads * sizeOf(kernel.shape) * floatBytes) : epilogue.slot;
  const phases: Phase[] = [{ func: multiply(context, kernel, plan, sums), pieces: threads }];
  if (threads > 1 || epilogue.func !== undefined) {
    phases.push({ func: addSums(context, { kernel, imageParts: threads, tileParts: 1 }, sums, epilogue), pieces: threads });
  }
  return phases;
}

/** What a panel takes: a function that packs it, and one for each size of the blocks of output channels that multiplies by it. */
interface Panel {
  readonly pack: number;
  readonly products: readonly number[];
}

/** Writes the phase that multiplies; the sums are at the address in a slot, those of one thread after the other. */
function multiply(context: GeneratorContext, kernel: ConvKernel, plan: PixelPlan, sums: number): number {
  const { module, threads } = context;
  const { geometry: g, tiles, packs, rowBlocks, panels, pixels, partPixels, parts, together } = plan;
  const width = tiles.columns;
  /** Steps of a unit, and bytes of a packed panel of them. */
  const most = together * partPixels;
  const panelBytes = most * width * floatBytes;
  context.privateScratch(panelBytes + (packs ? g.o * most * floatBytes : 0));
  const packsOfRows = packs
    ? blockSizes(rowBlocks).map((rows) => packPanel(module, { width: rows, lanes: rows, laneStride: pixels, stepStride: 1 }))
    : [];
  // What is packed follows each other from image to image.
  const inRuns = together > 1 && !packs;
  const panelOf = (lanes: number): Panel => ({
    pack: packPanel(module, { width, lanes, laneStride: pixels, stepStride: 1 }),
    products: blockSizes(rowBlocks).map((rows) =>
      microKernel(tiles.writer, {
        rows,
        columns: lanes,
        lhsRow: packs ? 1 : pixels,
        lhsStep: packs ? rows : 1,
        rhsStep: width,
        resultRow: g.c,
        wholeSteps: pixels % 4 === 0 && partPixels % 4 === 0,
        accumulates: true,
        runs: inRuns ? { lhs: g.o * pixels, rhs: pixels * width } : undefined,
      })
    ),
  });
  const rest = g.c - (panels - 1) * width;
  const last = panelOf(rest);
  const full = rest === width ? last : panels > 1 ? panelOf(width) : last;
  return module.func({ params: phaseParams }, (c) => {
    const { piece, scratch } = phaseLocals;
    const [unit, first, end, images, image, pixel, steps] = c.locals("i32", 7);
    const [input, gradient, result, panel, block, channel, i, from, to] = c.locals("i32", 9);
    const onePanel = ({ pack, products }: Panel) => {
      c.get(input).set(from);
      c.for(i, 0, () => c.get(images), 1, () => {
        c.get(from).get(scratch);
        plusScaled(c, i, pixels * width * floatBytes).get(steps).call(pack);
        c.increment(from, g.c * pixels * floatBytes);
      });
      c.for(block, 0, rowBlocks.count, 1, () => {
        blockStart(c, rowBlocks, block).set(channel);
        byBlockSize(c, rowBlocks, block, (size) => {
          if (packs) plusScaled(plus(c.get(scratch), panelBytes), channel, most * floatBytes).get(scratch);
          else plusScaled(c.get(gradient), channel, pixels * floatBytes).get(scratch);
          plusScaled(c.get(result), channel, g.c * floatBytes).get(steps);
          if (packs) c.get(images).op("i32.mul");
          c.get(unit).get(first).op("i32.ne");
          if (inRuns) c.get(images);
          c.call(products[size]);
        });
      });
      c.increment(input, width * pixels * floatBytes).increment(result, width * floatBytes);
    };
    /** Packs the gradient: [block of channels][image][pixel][channel]. */
    const packGradient = () => {
      c.for(block, 0, rowBlocks.count, 1, () => {
        blockStart(c, rowBlocks, block).set(channel);
        byBlockSize(c, rowBlocks, block, (size) => {
          plusScaled(c.get(gradient), channel, pixels * floatBytes).set(from);
          plusScaled(plus(c.get(scratch), panelBytes), channel, most * floatBytes).set(to);
          c.for(i, 0, () => c.get(images), 1, () => {
            c.get(from).get(to).get(steps).call(packsOfRows[size]);
            c.increment(from, g.o * pixels * floatBytes).increment(to, pixels * blockSizes(rowBlocks)[size] * floatBytes);
          });
        });
      });
    };
    setShare(c, piece, threads, g.n * parts, first, end);
    c.for(unit, () => c.get(first), () => c.get(end), together, () => {
      setUnit(c, plan, { unit, end, images, image, pixel, steps });
      const address = (operand: 0 | 1, channels: number) => {
        operandAddress(c, kernel.operands[operand]);
        plusScaled(c, image, channels * pixels * floatBytes);
        return plusScaled(c, pixel, floatBytes);
      };
      address(0, g.c).set(input);
      address(1, g.o).set(gradient);
      plusScaled(slotAddress(c, sums), piece, g.o * g.c * floatBytes).set(result);
      if (packs) packGradient();
      if (full !== last) {
        c.for(panel, 0, panels - 1, 1, () => onePanel(full));
        onePanel(last);
      } else c.for(panel, 0, panels, 1, () => onePanel(full));
    });
  });
}

/** Sets locals to what the unit at hand is: how many images, the first of them, and of a part of one the first pixel and their number. */
function setUnit(
  c: FunctionWriter,
  { pixels, partPixels, parts, together }: PixelPlan,
  { unit, end, images, image, pixel, steps }: Readonly<Record<"unit" | "end" | "images" | "image" | "pixel" | "steps", number>>,
): void {
  c.get(end).get(unit).op("i32.sub").set(images);
  setMin(c, images, images, () => c.i32(together));
  c.get(unit).i32(parts).op("i32.div_u").set(image);
  c.get(unit).i32(parts).op("i32.rem_u").i32(partPixels).op("i32.mul").set(pixel);
  c.i32(pixels).get(pixel).op("i32.sub").set(steps);
  setMin(c, steps, steps, () => c.i32(partPixels));
}
