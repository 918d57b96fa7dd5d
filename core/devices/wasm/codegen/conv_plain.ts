/**
 * Convolutions as plain loops over scalars: for f64, and for the odd shapes (an empty axis) the fast kernels do not bother with.
 *
 * @module
 */
import type { ConvKernel } from "../../../ir/kernel.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { type KernelGenerator, phaseLocals, phaseParams } from "./context.ts";
import { operandAddress, slotAddress } from "./emit/addresses.ts";
import { setShare } from "./emit/shares.ts";
import { serialMultiplyAdds } from "./work.ts";

/** The loops of one kind: results by plane, row and column, sums over three axes. */
interface Loops {
  readonly planes: number;
  readonly height: number;
  readonly width: number;
  readonly inner: readonly [number, number, number];
  /**
   * Pushes the indices of the two factors in their buffers for a result (plane, row, column) and the inner indices, or branches to
   * label `depth` 0 where there is no such term.
   */
  readonly term: (c: FunctionWriter, at: Places) => void;
}

/** Locals. */
interface Places {
  readonly plane: number;
  readonly row: number;
  readonly column: number;
  readonly inner: readonly [number, number, number];
}

/** All three kinds in either precision. */
export const convPlain: KernelGenerator<ConvKernel> = (context, kernel) => {
  const loops = loopsOf(kernel);
  const type = context.program.buffers[kernel.operands[0].buffer].dtype === "f64" ? "f64" : "f32";
  const bytes = type === "f64" ? 8 : 4;
  const epilogue = context.epilogue(kernel);
  const { planes, height, width, inner, term } = loops;
  const work = [...inner, planes, height, width].reduce((product, extent) => product * extent, 1);
  const serial = context.threads === 1 || work * 8 < serialMultiplyAdds;
  const func = context.module.func({ params: phaseParams }, (c) => {
    const { table, thread } = phaseLocals;
    const local = () => c.local("i32");
    const at: Places = { plane: local(), row: local(), column: local(), inner: c.locals("i32", 3) };
    const [from, to, left, right] = c.locals("i32", 4);
    const sum = c.local(type);
    setShare(c, thread, serial ? 1 : context.threads, planes, from, to);
    c.for(
      at.plane,
      () => c.get(from),
      () => c.get(to),
      1,
      () =>
        c.for(at.row, 0, height, 1, () =>
          c.for(at.column, 0, width, 1, () => {
            (type === "f64" ? c.f64(0) : c.f32(0)).set(sum);
            nest(c, at.inner, inner, () =>
              c.block(() => {
                term(c, at);
                c.set(right).set(left).get(sum);
                operandAddress(c, kernel.operands[0], bytes).get(left).i32(bytes).op("i32.mul").op("i32.add").mem(
                  `${type}.load`,
                );
                operandAddress(c, kernel.operands[1], bytes).get(right).i32(bytes).op("i32.mul").op("i32.add").mem(
                  `${type}.load`,
                );
                c.op(`${type}.mul`).op(`${type}.add`).set(sum);
              }));
            slotAddress(c, epilogue.slot);
            index(c, [at.plane, at.row, at.column], [planes, height, width]).i32(bytes).op("i32.mul").op("i32.add");
            c.get(sum).mem(`${type}.store`);
          })),
    );
    if (epilogue.func === undefined) return;
    // Rows of the domain: planes of the loops hold `height` rows.
    c.get(table);
    slotAddress(c, epilogue.slot);
    c.get(from).i32(height).op("i32.mul").get(to).i32(height).op("i32.mul").i32(0).i32(width).call(epilogue.func);
  });
  return [{ func, serial }];
};

/** Nested counting loops. */
function nest(c: FunctionWriter, counters: readonly number[], extents: readonly number[], body: () => void): void {
  if (counters.length === 0) return body();
  c.for(counters[0], 0, extents[0], 1, () => nest(c, counters.slice(1), extents.slice(1), body));
}

/** Pushes the row-major index of a point; the first extent does not matter. */
function index(c: FunctionWriter, point: readonly number[], extents: readonly number[]): FunctionWriter {
  c.get(point[0]);
  for (let axis = 1; axis < point.length; axis++) c.i32(extents[axis]).op("i32.mul").get(point[axis]).op("i32.add");
  return c;
}

function loopsOf({ kind, geometry: g }: ConvKernel): Loops {
  const [outChannels, inChannels] = [g.o / g.groups, g.c / g.groups];
  const starts = [g.padding.top, g.padding.left];
  /** Sets `to` to output * stride - padding + tap * dilation along an axis, leaving if that is not in the image. */
  const setPixel = (c: FunctionWriter, to: number, axis: 0 | 1, output: number, tap: number) => {
    c.get(output).i32(g.stride[axis]).op("i32.mul").get(tap).i32(g.dilation[axis]).op("i32.mul").op("i32.add");
    c.i32(starts[axis]).op("i32.sub").tee(to).i32([g.h, g.w][axis]).op("i32.ge_u").brIf(0);
  };
  /** The inverse: the output whose window has this tap on the pixel, leaving if there is none. */
  const setOutput = (c: FunctionWriter, to: number, axis: 0 | 1, pixel: number, tap: number) => {
    c.get(pixel).i32(starts[axis]).op("i32.add").get(tap).i32(g.dilation[axis]).op("i32.mul").op("i32.sub").tee(to);
    c.i32(g.stride[axis]).op("i32.rem_s").brIf(0);
    c.get(to).i32(g.stride[axis]).op("i32.div_s").tee(to).i32([g.oh, g.ow][axis]).op("i32.ge_u").brIf(0);
  };
  const divide = (c: FunctionWriter, value: number, by: number, quotient: number, remainder: number) =>
    c.get(value).i32(by).op("i32.div_u").set(quotient).get(value).i32(by).op("i32.rem_u").set(remainder);
  const five = (c: FunctionWriter) => c.locals("i32", 5);
  const free = (c: FunctionWriter, locals: readonly number[]) => locals.forEach((used) => c.release("i32", used));
  const within = (c: FunctionWriter, group: number, channels: number, channel: number, to: number) =>
    c.get(group).i32(channels).op("i32.mul").get(channel).op("i32.add").set(to);
  switch (kind) {
    case "conv2d":
      return {
        planes: g.n * g.o,
        height: g.oh,
        width: g.ow,
        inner: [inChannels, g.kh, g.kw],
        term: (c, { plane, row, column, inner: [channel, ky, kx] }) => {
          const [y, x, image, out, whole] = five(c);
          setPixel(c, y, 0, row, ky);
          setPixel(c, x, 1, column, kx);
          divide(c, plane, g.o, image, out);
          c.get(out).i32(outChannels).op("i32.div_u").set(whole);
          within(c, whole, inChannels, channel, whole);
          index(c, [image, whole, y, x], [g.n, g.c, g.h, g.w]);
          index(c, [out, channel, ky, kx], [g.o, inChannels, g.kh, g.kw]);
          free(c, [y, x, image, out, whole]);
        },
      };
    case "conv2dInputGrad":
      return {
        planes: g.n * g.c,
        height: g.h,
        width: g.w,
        inner: [outChannels, g.kh, g.kw],
        term: (c, { plane, row, column, inner: [channel, ky, kx] }) => {
          const [y, x, image, own, whole] = five(c);
          setOutput(c, y, 0, row, ky);
          setOutput(c, x, 1, column, kx);
          divide(c, plane, g.c, image, own);
          divide(c, own, inChannels, whole, own);
          within(c, whole, outChannels, channel, whole);
          index(c, [image, whole, y, x], [g.n, g.o, g.oh, g.ow]);
          index(c, [whole, own, ky, kx], [g.o, inChannels, g.kh, g.kw]);
          free(c, [y, x, image, own, whole]);
        },
      };
    case "conv2dFilterGrad":
      return {
        planes: g.o * inChannels,
        height: g.kh,
        width: g.kw,
        inner: [g.n, g.oh, g.ow],
        term: (c, { plane, row, column, inner: [image, oy, ox] }) => {
          const [y, x, out, channel, whole] = five(c);
          setPixel(c, y, 0, oy, row);
          setPixel(c, x, 1, ox, column);
          divide(c, plane, inChannels, out, channel);
          c.get(out).i32(outChannels).op("i32.div_u").set(whole);
          within(c, whole, inChannels, channel, whole);
          index(c, [image, whole, y, x], [g.n, g.c, g.h, g.w]);
          index(c, [image, out, oy, ox], [g.n, g.o, g.oh, g.ow]);
          free(c, [y, x, out, channel, whole]);
        },
      };
  }
}
