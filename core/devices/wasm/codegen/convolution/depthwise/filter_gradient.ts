/**
 * The gradient of a convolution of single channels with respect to its filters: for each channel sums of products of planes, of the gradient
 * and of the input shifted by the filter's elements.
 *
 * Threads share the channels, so that there is nothing to add up in the end. A few channels of all images come after each other: sums of a
 * plane are in registers, those of the images before in private memory, by lanes, which are added up at last.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import { gatherInputs, windowAxes } from "../../../../../ir/windows.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plusScaled, setMin, slotAddress } from "../../emit/addresses.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, loadLanes, pushLaneSums, storeLanes, vectorLanes, zeroBytes } from "../../emit/vectors.ts";
import { piecesFor } from "../../work.ts";
import { gapBetweenImages } from "./convolution.ts";
import { type DepthwisePlan, keptTaps, planPlanes } from "./plan.ts";
import { eachSource, eachTile, sourceSteps } from "./tile_sources.ts";

/** Bytes of an image that are read before the next one, and the most channels. */
const blockBytes = 8 * 1024;
const maxBlockChannels = 64;

/** The plan, if it is a convolution of single channels, of which there are enough for all threads, and the sums of a plane fit in registers. */
export function planDepthwiseFilters(kernel: ConvKernel, threads: number): DepthwisePlan | undefined {
  const { c, o, groups, kh, kw } = kernel.geometry;
  return c !== groups || o !== groups || groups < 4 * threads || kh * kw > keptTaps ? undefined : planChannelFilters(kernel);
}

/** The same for some of its channels, or for one. */
export function planChannelFilters({ geometry: g }: ConvKernel): DepthwisePlan | undefined {
  const [rows, columns] = windowAxes(g).map(gatherInputs);
  return planPlanes(g.n * g.c, rows, columns, [g.kh, g.kw], "fewer");
}

/** conv2dFilterGrad for f32. */
export function depthwiseFilterGradient(context: GeneratorContext, kernel: ConvKernel, plan: DepthwisePlan): readonly Phase[] {
  const { geometry: g, operands: [input, gradient] } = kernel;
  const taps = g.kh * g.kw;
  const [inputBytes, gradientBytes] = [g.h * g.w * floatBytes, g.oh * g.ow * floatBytes];
  const sumBytes = taps * vectorLanes * floatBytes;
  const together = Math.max(1, Math.min(maxBlockChannels, Math.floor(blockBytes / inputBytes)));
  const pieces = Math.min(g.c, piecesFor(context.threads, { multiplyAdds: g.n * g.c * g.oh * g.ow * taps }));
  const epilogue = context.epilogue(kernel);
  context.privateScratch(together * sumBytes);
  const { scratch } = phaseLocals;
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to, first, end, channel, image] = c.locals("i32", 6);
    const [x, y, sums, result] = c.locals("i32", 4);
    const writer = new PlaneWriter(c, plan);
    setShare(c, phaseLocals.piece, pieces, g.c, from, to);
    plusScaled(slotAddress(c, epilogue.slot), from, taps * floatBytes).set(result);
    c.for(first, () => c.get(from), () => c.get(to), together, () => {
      c.get(first).i32(together).op("i32.add").set(end);
      setMin(c, end, end, () => c.get(to));
      zeroBytes(c, scratch, together * sumBytes);
      c.for(image, 0, g.n, 1, () => {
        const pushPlane = () => c.get(image).i32(g.c).op("i32.mul").get(first).op("i32.add");
        operandAddress(c, input);
        pushPlane().i32(inputBytes).op("i32.mul").op("i32.add");
        plusScaled(c, image, gapBetweenImages(kernel, input.strides[0], inputBytes)).set(x);
        operandAddress(c, gradient);
        pushPlane().i32(gradientBytes).op("i32.mul").op("i32.add");
        plusScaled(c, image, gapBetweenImages(kernel, gradient.strides[0], gradientBytes)).set(y);
        c.get(scratch).set(sums);
        c.forRange(channel, first, end, () => {
          writer.write(x, y, sums);
          c.increment(x, inputBytes).increment(y, gradientBytes).increment(sums, sumBytes);
        });
      });
      c.get(scratch).set(sums);
      c.forRange(channel, first, end, () => {
        storeSums(c, sums, result, taps);
        c.increment(sums, sumBytes).increment(result, taps * floatBytes);
      });
    });
    if (epilogue.func === undefined) return;
    const pushRow = (plane: number) => c.get(plane).i32(g.kh).op("i32.mul");
    slotAddress(c.get(phaseLocals.table), epilogue.slot);
    pushRow(from);
    pushRow(to).i32(0).i32(g.kw).call(epilogue.func);
  });
  return [{ func, pieces }];
}

/** Adds up the lanes of the sums at one local and stores them at another. */
function storeSums(c: FunctionWriter, sums: number, result: number, taps: number): void {
  c.withLocals("v128", vectorLanes, (...vectors) => {
    for (let tap = 0; tap < taps; tap += vectorLanes) {
      const count = Math.min(vectorLanes, taps - tap);
      for (let i = 0; i < count; i++) c.get(sums).mem("v128.load", (tap + i) * vectorLanes * floatBytes).set(vectors[i]);
      pushLaneSums(c, vectors.slice(0, count));
      c.set(vectors[0]);
      storeLanes(c, result, vectors[0], count, tap * floatBytes);
    }
  });
}

/** Writes what adds the products of two planes to sums. */
class PlaneWriter {
  readonly #c: FunctionWriter;
  readonly #plan: DepthwisePlan;
  readonly #zero: number;

  constructor(c: FunctionWriter, plan: DepthwisePlan) {
    this.#c = c;
    this.#plan = plan;
    this.#zero = c.local("v128");
  }

  /** The planes of the input and of the gradient, and the sums, whose addresses are in locals. */
  write(input: number, gradient: number, sums: number): void {
    const c = this.#c;
    const { taps: [kh, kw], columns, tile: [height, width] } = this.#plan;
    const vectors = c.locals("v128", kh * kw);
    c.f32x4(0).set(this.#zero);
    for (const vector of vectors) c.f32x4(0).set(vector);
    const [down, along] = sourceSteps(this.#plan);
    const steps = { rows: [down, height * columns.outputs], columns: [along, width] };
    eachTile(c, this.#plan, [input, gradient], steps, (tile, [x, g]) => {
      const gradients = c.locals("v128", tile.rows.size);
      gradients.forEach((vector, row) => {
        const offset = ((tile.rows.start + row) * columns.outputs + tile.columns.start) * floatBytes;
        loadLanes(c, g, vector, Math.min(vectorLanes, tile.columns.size), offset);
      });
      eachSource(c, this.#plan, tile, { address: x, zero: this.#zero }, (source, products) => {
        for (const { tap, row } of products) {
          c.get(source).get(gradients[row]).get(vectors[tap]).op("f32x4.relaxed_madd").set(vectors[tap]);
        }
      });
      c.release("v128", ...gradients);
    });
    vectors.forEach((vector, tap) => {
      const at = tap * vectorLanes * floatBytes;
      c.get(sums).get(sums).mem("v128.load", at).get(vector).op("f32x4.add").mem("v128.store", at);
    });
    c.release("v128", ...vectors);
  }
}
