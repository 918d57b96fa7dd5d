/**
 * Pooling: maxima and means over windows, their gradients, and the tangent of maxima.
 *
 * A plane is one channel of one image; threads share the planes. Windows of 2 by 2 that tile the plane, by far the most frequent,
 * go four at a time (`two_by_two.ts`), and so do maxima of others from a copy of the plane (`staged_windows.ts`). What remains is plain
 * loops (`window_loops.ts`), which also serve f64.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import { operandShapes, type PoolKernel } from "../../../../ir/kernel.ts";
import { type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { operandAddress, plusScaled, setMin, slotAddress } from "../emit/addresses.ts";
import { setShare } from "../emit/shares.ts";
import { vectorLanes, zeroBytes } from "../emit/vectors.ts";
import { piecesFor } from "../work.ts";
import { copyBytes, type MaximaKind, stagedPlane, stagedWindowsPlane } from "./staged_windows.ts";
import {
  type FourWindows,
  isTwoByTwo,
  spreadMeans,
  spreadToMaxima,
  storeAtMaxima,
  storeMaxima,
  storeMeans,
  twoByTwoPlane,
} from "./two_by_two.ts";
import {
  addToMaximum,
  type PlainWindow,
  spreadMean,
  storeAtMaximum,
  storeMaximum,
  storeMean,
  windowPlane,
} from "./window_loops.ts";

/** Elements of planes after which the epilogue is called, while they are in the first-level cache. */
const epilogueElements = 4096;

/** What the kinds of pooling differ in. */
interface PoolingKind {
  /** Whether the result is a sum at the pixels of the image, of what each window adds to its own. */
  readonly spreads: boolean;
  /** Writes what is done for a window. */
  readonly window: (window: PlainWindow) => void;
  readonly fourWindows: (windows: FourWindows) => void;
  /** What is done with maxima, if it is of these. */
  readonly maxima?: MaximaKind;
}

/** A generator for one kind. */
function pooling(kind: PoolingKind): KernelGenerator<PoolKernel> {
  return (context, kernel) => {
    const { geometry: g } = kernel;
    if (kernel.shape.includes(0)) return [];
    const type = context.program.buffers[kernel.operands[0].buffer].dtype === "f64" ? "f64" : "f32";
    const work = (perTap: number) => g.n * g.c * Math.max(g.h * g.w, g.oh * g.ow * perTap);
    const planes = (func: number, work: number, copied = 0): readonly Phase[] => {
      const pieces = piecesFor(context.threads, { moves: work });
      return [{ func: eachPlane(context, kernel, type, { func, copied }, pieces), pieces }];
    };
    if (type === "f32" && isTwoByTwo(g) && g.ow >= vectorLanes) {
      return planes(twoByTwoPlane(context.module, kernel, kind.spreads, kind.fourWindows), work(1));
    }
    const staged = type === "f32" && kind.maxima ? stagedPlane(g) : undefined;
    if (staged && kind.maxima) {
      return planes(stagedWindowsPlane(context.module, g, staged, kind.maxima), work(g.kh * g.kw), copyBytes(staged));
    }
    return planes(windowPlane(context.module, g, type, kind.spreads, kind.window), work(4 * g.kh * g.kw));
  };
}

export const maxPool2d = pooling({ spreads: false, window: storeMaximum, fourWindows: storeMaxima, maxima: "store" });
export const maxPool2dScatter = pooling({ spreads: true, window: addToMaximum, fourWindows: spreadToMaxima, maxima: "scatter" });
export const maxPool2dGather = pooling({ spreads: false, window: storeAtMaximum, fourWindows: storeAtMaxima, maxima: "gather" });
export const avgPool2d = pooling({ spreads: false, window: storeMean, fourWindows: storeMeans });
export const avgPool2dGrad = pooling({ spreads: true, window: spreadMean, fourWindows: spreadMeans });

/** A function (first operand, second operand or 0, result) for a plane; if it makes a copy, of its bytes, (..., copy). */
interface OnePlane {
  readonly func: number;
  readonly copied: number;
}

/** Writes the phase: calls `onePlane` for the piece's planes. A copy holds minus infinity at first. */
function eachPlane(
  context: GeneratorContext,
  kernel: PoolKernel,
  type: "f32" | "f64",
  onePlane: OnePlane,
  pieces: number,
): number {
  const { shape: [images, channels, rows, columns], operands } = kernel;
  const bytes = deviceBytes(type);
  const operandSizes = operandShapes(kernel).map(({ shape }) => shape[2] * shape[3]);
  const together = Math.max(1, Math.floor(epilogueElements / (rows * columns)));
  const epilogue = context.epilogue(kernel);
  context.privateScratch(onePlane.copied);
  return context.module.func({ params: phaseParams }, (c) => {
    zeroBytes(c, phaseLocals.scratch, onePlane.copied, -Infinity);
    const [first, last, from, to, plane] = c.locals("i32", 5);
    const pushRow = (index: number) => c.get(index).i32(rows).op("i32.mul");
    setShare(c, phaseLocals.piece, pieces, images * channels, first, last);
    c.for(from, () => c.get(first), () => c.get(last), together, () => {
      setMin(c, to, last, () => c.get(from).i32(together).op("i32.add"));
      c.forRange(plane, from, to, () => {
        operands.forEach((access, i) => plusScaled(operandAddress(c, access, bytes), plane, operandSizes[i] * bytes));
        if (operands.length === 1) c.i32(0);
        plusScaled(slotAddress(c, epilogue.slot), plane, rows * columns * bytes);
        if (onePlane.copied > 0) c.get(phaseLocals.scratch);
        c.call(onePlane.func);
      });
      if (epilogue.func === undefined) return;
      slotAddress(c.get(phaseLocals.table), epilogue.slot);
      pushRow(from);
      pushRow(to).i32(0).i32(columns).call(epilogue.func);
    });
  });
}
