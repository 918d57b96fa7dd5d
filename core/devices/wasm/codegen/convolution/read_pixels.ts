/**
 * Copies of the pixels that a convolution of single pixels reads, where strides leave others out: what follows is a product of matrices.
 *
 * @module
 */
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { operandAddress, plusScaled, setQuotientAndRemainder, slotAddress } from "../emit/addresses.ts";
import { setShare } from "../emit/shares.ts";
import { floatBytes } from "../emit/vectors.ts";
import { piecesFor } from "../work.ts";
import { copyFloats } from "./staging.ts";
import type { Convolution } from "./problem.ts";

/** Cycles of copying a pixel, and of a phase. */
const cycles = { pixel: 2, phase: 10_000 };

/** The cycles that the copy takes on the busiest thread. */
export function readPixelsCycles(conv: Convolution, threads: number): number {
  return pixelsOf(conv) * cycles.pixel / threads + cycles.phase;
}

function pixelsOf({ images, inChannels, outHeight, outWidth }: Convolution): number {
  return images * inChannels * outHeight * outWidth;
}

/** Writes the phase that copies them; gives it and the table slot of their address. */
export function copyReadPixels(context: GeneratorContext, conv: Convolution): { readonly phase: Phase; readonly slot: number } {
  const { images, inChannels, outHeight, outWidth, window: { height, width, step } } = conv;
  const slot = context.sharedScratch(pixelsOf(conv) * floatBytes);
  const pieces = piecesFor(context.threads, { moves: pixelsOf(conv) });
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [line, end, plane, row, source, target] = c.locals("i32", 6);
    setShare(c, phaseLocals.piece, pieces, images * inChannels * outHeight, line, end);
    c.forRange(line, line, end, () => {
      setQuotientAndRemainder(c, line, outHeight, plane, row);
      plusScaled(operandAddress(c, conv.source), plane, height * width * floatBytes);
      plusScaled(c, row, step[0] * width * floatBytes).set(source);
      plusScaled(slotAddress(c, slot), line, outWidth * floatBytes).set(target);
      copyFloats(c, source, target, { from: 0, step: step[1] }, { from: 0, step: 1 }, outWidth);
    });
  });
  return { phase: { func, pieces }, slot };
}
