/**
 * Convolutions of single channels, and their gradients with respect to the input: planes of images by filters of their own.
 *
 * There is nothing to sum over but the window, so a plane is read and written once, and its tiles are straight code: the filter is in
 * registers, each vector of sources is loaded once for all outputs of the tile that it is part of, and what lies outside the image is left
 * out. For the gradient of a strided convolution outputs are computed by phases, which are dealt together when they are stored: no zeros are
 * put between its sources.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plusScaled, setMin, slotAddress } from "../../emit/addresses.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { piecesFor } from "../../work.ts";
import { type DepthwisePlan, keptTaps, type Segment } from "./plan.ts";
import { eachSource, eachTile, sourceSteps } from "./tile_sources.ts";

/** Bytes of outputs between calls of the epilogue: they should be in the first-level cache then. */
const epilogueBytes = 16 * 1024;

/** conv2d and conv2dInputGrad for f32. */
export function depthwiseConvolution(context: GeneratorContext, kernel: ConvKernel, plan: DepthwisePlan): readonly Phase[] {
  const { planes, rows, columns, taps } = plan;
  const { operands: [source, filters], geometry: { groups } } = kernel;
  const epilogue = context.planeEpilogue(kernel);
  const [sourceBytes, outputBytes] = [rows.sources * columns.sources, rows.outputs * columns.outputs].map((floats) =>
    floats * floatBytes
  );
  const sourceGap = gapBetweenImages(kernel, source.strides[0], sourceBytes);
  const outputGap = gapBetweenImages(kernel, epilogue.imageStep, outputBytes);
  const together = epilogue.func === undefined ? planes : Math.max(1, Math.floor(epilogueBytes / outputBytes));
  const multiplyAdds = planes * rows.outputs * columns.outputs * taps[0] * taps[1];
  const pieces = Math.min(planes, piecesFor(context.threads, { multiplyAdds }));
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to, plane, end] = c.locals("i32", 4);
    const [image, filter, output] = c.locals("i32", 3);
    const writer = new PlaneWriter(c, plan);
    setShare(c, phaseLocals.piece, pieces, planes, from, to);
    const ofImage = (gap: number) =>
      gap === 0 ? c : c.get(plane).i32(groups).op("i32.div_u").i32(gap).op("i32.mul").op("i32.add");
    c.for(from, () => c.get(from), () => c.get(to), together, () => {
      c.get(from).i32(together).op("i32.add").set(end);
      setMin(c, end, end, () => c.get(to));
      c.forRange(plane, from, end, () => {
        plusScaled(operandAddress(c, source), plane, sourceBytes);
        ofImage(sourceGap).set(image);
        plusScaled(slotAddress(c, epilogue.slot), plane, outputBytes);
        ofImage(outputGap).set(output);
        operandAddress(c, filters);
        c.get(plane).i32(groups).op("i32.rem_u").i32(taps[0] * taps[1] * floatBytes).op("i32.mul").op("i32.add").set(filter);
        writer.write(image, filter, output);
      });
      if (epilogue.func === undefined) return;
      const pushRow = (plane: number) => c.get(plane).i32(rows.outputs).op("i32.mul");
      slotAddress(c.get(phaseLocals.table), epilogue.slot);
      pushRow(from);
      pushRow(end).i32(0).i32(columns.outputs).call(epilogue.func);
    });
  });
  return [{ func, pieces }];
}

/** Bytes between the planes of an image and those of the next one, which are `step` elements apart. */
export function gapBetweenImages({ geometry: { n, groups } }: ConvKernel, step: number, planeBytes: number): number {
  return n > 1 ? step * floatBytes - groups * planeBytes : 0;
}

/** Writes what computes a plane. */
class PlaneWriter {
  readonly #c: FunctionWriter;
  readonly #plan: DepthwisePlan;
  /** Locals: the filter's elements, each in all lanes, if they are few; and a vector of zeros. */
  readonly #taps: readonly number[];
  readonly #zero: number;

  constructor(c: FunctionWriter, plan: DepthwisePlan) {
    this.#c = c;
    this.#plan = plan;
    const count = plan.taps[0] * plan.taps[1];
    this.#taps = count <= keptTaps ? c.locals("v128", count) : [];
    this.#zero = c.local("v128");
  }

  /** The plane whose addresses are in locals. */
  write(image: number, filter: number, output: number): void {
    const c = this.#c;
    const { columns, tile: [height, width] } = this.#plan;
    c.f32x4(0).set(this.#zero);
    this.#taps.forEach((tap, i) => c.get(filter).mem("v128.load32_splat", i * floatBytes).set(tap));
    const [down, along] = sourceSteps(this.#plan);
    const steps = { rows: [down, height * columns.outputs], columns: [along, width] };
    eachTile(c, this.#plan, [image, output], steps, (tile, [source, target]) => this.#tile(tile, source, filter, target));
  }

  #tile(
    tile: { readonly rows: Segment; readonly columns: Segment },
    source: number,
    filter: number,
    target: number,
  ): void {
    const c = this.#c;
    const phases = this.#plan.columns.phases.length;
    const sums = Array.from({ length: tile.rows.size }, () => c.locals("v128", phases));
    const begun = new Set<number>();
    eachSource(c, this.#plan, tile, { address: source, zero: this.#zero }, (vector, products) => {
      for (const { tap, row, phase } of products) {
        const sum = sums[row][phase];
        c.get(vector);
        this.#pushTap(tap, filter);
        if (begun.has(sum)) c.get(sum).op("f32x4.relaxed_madd");
        else c.op("f32x4.mul");
        c.set(sum);
        begun.add(sum);
      }
    });
    const at = (row: number, vector: number) =>
      ((tile.rows.start + row) * this.#plan.columns.outputs + tile.columns.start + vector * vectorLanes) * floatBytes;
    sums.forEach((line, row) => {
      for (const sum of line) if (!begun.has(sum)) c.f32x4(0).set(sum);
      if (phases === 1) return void c.get(target).get(line[0]).mem("v128.store", at(row, 0));
      const [even, odd] = line;
      c.get(target).get(even).get(odd).shuffle32([0, 4, 1, 5]).mem("v128.store", at(row, 0));
      c.get(target).get(even).get(odd).shuffle32([2, 6, 3, 7]).mem("v128.store", at(row, 1));
    });
    c.release("v128", ...sums.flat());
  }

  #pushTap(tap: number, filter: number): void {
    if (this.#taps.length > 0) this.#c.get(this.#taps[tap]);
    else this.#c.get(filter).mem("v128.load32_splat", tap * floatBytes);
  }
}
