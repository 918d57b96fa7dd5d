/**
 * Convolutions as plain loops over scalars: for f64, and for shapes with an empty axis.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { type ConvGeometry, windowAxes, type WindowAxis } from "../../../../ir/windows.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { operandAddress, plusScaled, setQuotientAndRemainder, slotAddress } from "../emit/addresses.ts";
import { setShare } from "../emit/shares.ts";
import { pushInput } from "../emit/windows.ts";
import { piecesFor } from "../work.ts";

/** The sums that a kernel computes: results by plane, row and column, terms by three more indices. */
export interface PlainSums {
  readonly planes: number;
  readonly height: number;
  readonly width: number;
  readonly terms: readonly [number, number, number];
  /**
   * Pushes the indices of a term's two factors in their buffers, or branches to label 0 where there is no such term: the window
   * is outside the image there.
   */
  readonly pushFactors: (c: FunctionWriter, at: TermLocals) => void;
}

/** Locals: the indices of a result, and of a term of its sum. */
interface TermLocals {
  readonly plane: number;
  readonly row: number;
  readonly column: number;
  readonly term: readonly [number, number, number];
}

/** Writes the sums, in either precision, as one phase. */
export function plainConvolution(context: GeneratorContext, kernel: ConvKernel, sums: PlainSums): readonly Phase[] {
  const type = context.program.buffers[kernel.operands[0].buffer].dtype === "f64" ? "f64" : "f32";
  const bytes = deviceBytes(type);
  const { slot, func: epilogue } = context.epilogue(kernel);
  const { planes, height, width, terms } = sums;
  const work = [...terms, planes, height, width].reduce((product, extent) => product * extent, 1);
  const pieces = piecesFor(context.threads, { multiplyAdds: work * 8 });
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [plane, row, column] = c.locals("i32", 3);
    const at: TermLocals = { plane, row, column, term: c.locals("i32", 3) };
    const [from, to, left, right] = c.locals("i32", 4);
    const sum = c.local(type);
    const pushFactor = (operand: 0 | 1, index: number) =>
      plusScaled(operandAddress(c, kernel.operands[operand], bytes), index, bytes).mem(`${type}.load`);
    setShare(c, phaseLocals.piece, pieces, planes, from, to);
    nest(c, [plane, row, column], [[from, to], height, width], () => {
      (type === "f64" ? c.f64(0) : c.f32(0)).set(sum);
      nest(c, at.term, terms, () =>
        c.block(() => {
          sums.pushFactors(c, at);
          c.set(right).set(left).get(sum);
          pushFactor(0, left);
          pushFactor(1, right).op(`${type}.mul`).op(`${type}.add`).set(sum);
        }));
      slotAddress(c, slot);
      pushIndex(c, [plane, row, column], [planes, height, width]).i32(bytes).op("i32.mul").op("i32.add");
      c.get(sum).mem(`${type}.store`);
    });
    if (epilogue === undefined) return;
    slotAddress(c.get(phaseLocals.table), slot);
    for (const end of [from, to]) c.get(end).i32(height).op("i32.mul");
    c.i32(0).i32(width).call(epilogue);
  });
  return [{ func, pieces }];
}

/** Nested counting loops: over the numbers below an extent, or from one local to another. */
function nest(
  c: FunctionWriter,
  counters: readonly number[],
  extents: readonly (number | readonly [from: number, to: number])[],
  body: () => void,
): void {
  if (counters.length === 0) return body();
  const inner = () => nest(c, counters.slice(1), extents.slice(1), body);
  const extent = extents[0];
  if (typeof extent === "number") c.for(counters[0], 0, extent, 1, inner);
  else c.forRange(counters[0], extent[0], extent[1], inner);
}

/** Pushes the row-major index of a point; the first extent does not matter. */
function pushIndex(c: FunctionWriter, point: readonly number[], extents: readonly number[]): FunctionWriter {
  c.get(point[0]);
  for (let axis = 1; axis < point.length; axis++) c.i32(extents[axis]).op("i32.mul").get(point[axis]).op("i32.add");
  return c;
}

/** conv2d: sums over input channels of the group and window elements. */
export function forwardSums(g: ConvGeometry): PlainSums {
  const [outChannels, inChannels] = [g.o / g.groups, g.c / g.groups];
  const [rows, columns] = windowAxes(g);
  return {
    planes: g.n * g.o,
    height: g.oh,
    width: g.ow,
    terms: [inChannels, g.kh, g.kw],
    pushFactors: (c, { plane, row, column, term: [channel, ky, kx] }) =>
      c.withLocals("i32", 5, (y, x, image, out, source) => {
        setPixel(c, rows, y, row, ky);
        setPixel(c, columns, x, column, kx);
        setQuotientAndRemainder(c, plane, g.o, image, out);
        c.get(out).i32(outChannels).op("i32.div_u").set(source);
        setChannel(c, source, source, inChannels, channel);
        pushIndex(c, [image, source, y, x], [g.n, g.c, g.h, g.w]);
        pushIndex(c, [out, channel, ky, kx], [g.o, inChannels, g.kh, g.kw]);
      }),
  };
}

/** conv2dInputGrad: sums over output channels of the group and window elements. */
export function inputGradientSums(g: ConvGeometry): PlainSums {
  const [outChannels, inChannels] = [g.o / g.groups, g.c / g.groups];
  const [rows, columns] = windowAxes(g);
  return {
    planes: g.n * g.c,
    height: g.h,
    width: g.w,
    terms: [outChannels, g.kh, g.kw],
    pushFactors: (c, { plane, row, column, term: [channel, ky, kx] }) =>
      c.withLocals("i32", 5, (y, x, image, own, source) => {
        setOutput(c, rows, y, row, ky);
        setOutput(c, columns, x, column, kx);
        setQuotientAndRemainder(c, plane, g.c, image, own);
        setQuotientAndRemainder(c, own, inChannels, source, own);
        setChannel(c, source, source, outChannels, channel);
        pushIndex(c, [image, source, y, x], [g.n, g.o, g.oh, g.ow]);
        pushIndex(c, [source, own, ky, kx], [g.o, inChannels, g.kh, g.kw]);
      }),
  };
}

/** conv2dFilterGrad: sums over images and output pixels. */
export function filterGradientSums(g: ConvGeometry): PlainSums {
  const [outChannels, inChannels] = [g.o / g.groups, g.c / g.groups];
  const [rows, columns] = windowAxes(g);
  return {
    planes: g.o * inChannels,
    height: g.kh,
    width: g.kw,
    terms: [g.n, g.oh, g.ow],
    pushFactors: (c, { plane, row, column, term: [image, oy, ox] }) =>
      c.withLocals("i32", 5, (y, x, out, channel, source) => {
        setPixel(c, rows, y, oy, row);
        setPixel(c, columns, x, ox, column);
        setQuotientAndRemainder(c, plane, inChannels, out, channel);
        c.get(out).i32(outChannels).op("i32.div_u").set(source);
        setChannel(c, source, source, inChannels, channel);
        pushIndex(c, [image, source, y, x], [g.n, g.c, g.h, g.w]);
        pushIndex(c, [image, out, oy, ox], [g.n, g.o, g.oh, g.ow]);
      }),
  };
}

/** Sets `to` to the number of a group's channel among those of all groups. */
function setChannel(c: FunctionWriter, to: number, group: number, channels: number, channel: number): void {
  c.get(group).i32(channels).op("i32.mul").get(channel).op("i32.add").set(to);
}

/** Sets `to` to the pixel that an output reads under a tap; branches to label 0 if that is outside the image. */
function setPixel(c: FunctionWriter, axis: WindowAxis, to: number, output: number, tap: number): void {
  pushInput(c, axis, output, tap).tee(to).i32(axis.inputs).op("i32.ge_u").brIf(0);
}

/** The inverse: the output whose window has this tap on the pixel; branches to label 0 if there is none. */
function setOutput(
  c: FunctionWriter,
  { before, dilation, stride, outputs }: WindowAxis,
  to: number,
  pixel: number,
  tap: number,
): void {
  c.get(pixel).i32(before).op("i32.add").get(tap).i32(dilation).op("i32.mul").op("i32.sub").tee(to);
  c.i32(stride).op("i32.rem_s").brIf(0);
  c.get(to).i32(stride).op("i32.div_s").tee(to).i32(outputs).op("i32.ge_u").brIf(0);
}
