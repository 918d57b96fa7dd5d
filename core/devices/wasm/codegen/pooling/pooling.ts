/**
 * Pooling: maxima and means over windows, their gradients, and the tangent of maxima.
 *
 * A plane is one channel of one image; threads share the planes. Windows of 2 by 2 that tile the plane, by far the most frequent,
 * go four at a time (`two_by_two.ts`). The others are plain loops (`window_loops.ts`), which also serve f64.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import { operandShapes, type PoolKernel } from "../../../../ir/kernel.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { operandAddress, plusScaled, setMin, slotAddress } from "../emit/addresses.ts";
import { setShare } from "../emit/shares.ts";
import { vectorLanes } from "../emit/vectors.ts";
import { serialMoves } from "../work.ts";
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
}

/** A generator for one kind. */
function pooling(kind: PoolingKind): KernelGenerator<PoolKernel> {
  return (context, kernel) => {
    const { geometry: g } = kernel;
    if (kernel.shape.includes(0)) return [];
    const type = context.program.buffers[kernel.operands[0].buffer].dtype === "f64" ? "f64" : "f32";
    const vectors = type === "f32" && isTwoByTwo(g) && g.ow >= vectorLanes;
    const onePlane = vectors
      ? twoByTwoPlane(context.module, kernel, kind.spreads, kind.fourWindows)
      : windowPlane(context.module, g, type, kind.spreads, kind.window);
    const work = g.n * g.c * Math.max(g.h * g.w, g.oh * g.ow * (vectors ? 1 : 4 * g.kh * g.kw));
    const serial = context.threads === 1 || work < serialMoves;
    return [{ func: eachPlane(context, kernel, type, onePlane, serial ? 1 : context.threads), serial }];
  };
}

export const maxPool2d = pooling({ spreads: false, window: storeMaximum, fourWindows: storeMaxima });
export const maxPool2dScatter = pooling({ spreads: true, window: addToMaximum, fourWindows: spreadToMaxima });
export const maxPool2dGather = pooling({ spreads: false, window: storeAtMaximum, fourWindows: storeAtMaxima });
export const avgPool2d = pooling({ spreads: false, window: storeMean, fourWindows: storeMeans });
export const avgPool2dGrad = pooling({ spreads: true, window: spreadMean, fourWindows: spreadMeans });

/** Writes the phase: calls `onePlane` (first operand, second operand or 0, result) for the thread's planes. */
function eachPlane(
  context: GeneratorContext,
  kernel: PoolKernel,
  type: "f32" | "f64",
  onePlane: number,
  threads: number,
): number {
  const { shape: [images, channels, rows, columns], operands } = kernel;
  const bytes = deviceBytes(type);
  const operandSizes = operandShapes(kernel).map(({ shape }) => shape[2] * shape[3]);
  const together = Math.max(1, Math.floor(epilogueElements / (rows * columns)));
  const epilogue = context.epilogue(kernel);
  return context.module.func({ params: phaseParams }, (c) => {
    const [first, last, from, to, plane] = c.locals("i32", 5);
    const pushRow = (index: number) => c.get(index).i32(rows).op("i32.mul");
    setShare(c, phaseLocals.thread, threads, images * channels, first, last);
    c.for(from, () => c.get(first), () => c.get(last), together, () => {
      setMin(c, to, last, () => c.get(from).i32(together).op("i32.add"));
      c.forRange(plane, from, to, () => {
        operands.forEach((access, i) => plusScaled(operandAddress(c, access, bytes), plane, operandSizes[i] * bytes));
        if (operands.length === 1) c.i32(0);
        plusScaled(slotAddress(c, epilogue.slot), plane, rows * columns * bytes).call(onePlane);
      });
      if (epilogue.func === undefined) return;
      slotAddress(c.get(phaseLocals.table), epilogue.slot);
      pushRow(from);
      pushRow(to).i32(0).i32(columns).call(epilogue.func);
    });
  });
}
