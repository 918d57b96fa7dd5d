/**
 * Pooling: maxima and means over windows, their gradients, and the tangent of maxima.
 *
 * A plane is one image's one channel; threads share the planes. Windows of 2 by 2 that tile the plane, nearly all there are, go four
 * at a time: `pool_halving.ts`. The others are plain loops here, which also serve f64.
 *
 * @module
 */
import { deviceBytes } from "../../../dtype.ts";
import type { PoolKernel } from "../../../ir/kernel.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "./context.ts";
import { operandAddress, plusScaled, setMin, slotAddress } from "./emit/addresses.ts";
import { setShare } from "./emit/shares.ts";
import { vectorLanes } from "./emit/vectors.ts";
import { halvePlane, halves } from "./pool_halving.ts";
import { serialMoves } from "./work.ts";

/** Elements of planes after which the epilogue is called, while they are in the first-level cache. */
const EPILOGUE_ELEMENTS = 4096;

/** All pooling kernels. */
export const pool: KernelGenerator<PoolKernel> = (context, kernel) => {
  const { geometry: g } = kernel;
  if (kernel.shape.some((extent) => extent === 0)) return [];
  const type = context.program.buffers[kernel.operands[0].buffer].dtype === "f64" ? "f64" : "f32";
  const vectors = type === "f32" && halves(g) && g.ow >= vectorLanes;
  const onePlane = vectors ? halvePlane(context, kernel) : windowPlane(context, kernel, type);
  const planes = g.n * g.c;
  const work = planes * Math.max(g.h * g.w, g.oh * g.ow * (vectors ? 1 : 4 * g.kh * g.kw));
  const serial = context.threads === 1 || work < serialMoves;
  return [{ func: eachPlane(context, kernel, type, onePlane, serial ? 1 : context.threads), serial }];
};

/** Whether an operand, or the result, has the size of the input or that of the output of the pooling. */
function operandSizes({ kind, geometry: g }: PoolKernel): { readonly operands: readonly number[]; readonly result: number } {
  const [large, small] = [g.h * g.w, g.oh * g.ow];
  switch (kind) {
    case "maxPool2d":
    case "avgPool2d":
      return { operands: [large], result: small };
    case "maxPool2dScatter":
      return { operands: [large, small], result: large };
    case "maxPool2dGather":
      return { operands: [large, large], result: small };
    case "avgPool2dGrad":
      return { operands: [small], result: large };
  }
}

/** The phase: calls `onePlane` (first operand, second operand or 0, result) for the thread's planes. */
function eachPlane(
  context: GeneratorContext,
  kernel: PoolKernel,
  type: "f32" | "f64",
  onePlane: number,
  threads: number,
): number {
  const { geometry: g, shape } = kernel;
  const bytes = deviceBytes(type);
  const sizes = operandSizes(kernel);
  const rows = shape[2];
  const together = Math.max(1, Math.floor(EPILOGUE_ELEMENTS / sizes.result));
  const epilogue = context.epilogue(kernel);
  return context.module.func({ params: phaseParams }, (c) => {
    const { table, thread } = phaseLocals;
    const [first, last, from, to, plane] = c.locals("i32", 5);
    const pushRow = (index: number) => c.get(index).i32(rows).op("i32.mul");
    setShare(c, thread, threads, g.n * g.c, first, last);
    c.for(from, () => c.get(first), () => c.get(last), together, () => {
      setMin(c, to, last, () => c.get(from).i32(together).op("i32.add"));
      c.for(plane, () => c.get(from), () => c.get(to), 1, () => {
        kernel.operands.forEach((access, i) => {
          operandAddress(c, access, bytes);
          plusScaled(c, plane, sizes.operands[i] * bytes);
        });
        if (kernel.operands.length === 1) c.i32(0);
        plusScaled(slotAddress(c, epilogue.slot), plane, sizes.result * bytes).call(onePlane);
      });
      if (epilogue.func === undefined) return;
      slotAddress(c.get(table), epilogue.slot);
      pushRow(from);
      pushRow(to).i32(0).i32(shape[3]).call(epilogue.func);
    });
  });
}

/** What the plain loops need in hand. */
interface Window {
  readonly c: FunctionWriter;
  readonly type: "f32" | "f64";
  readonly bytes: number;
  readonly kernel: PoolKernel;
  /** Locals: addresses of the plane's operands and result. */
  readonly first: number;
  readonly second: number;
  readonly result: number;
  /** Locals: output row and column; index of a real pixel in its plane, set within `pixels`. */
  readonly row: number;
  readonly column: number;
  readonly pixel: number;
}

/** Any window: (first operand, second operand, result) for one plane. */
function windowPlane(context: GeneratorContext, kernel: PoolKernel, type: "f32" | "f64"): number {
  const { kind, geometry: g } = kernel;
  const bytes = deviceBytes(type);
  return context.module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [row, column, pixel] = c.locals("i32", 3);
    const window: Window = { c, type, bytes, kernel, first: 0, second: 1, result: 2, row, column, pixel };
    const mean = kind === "avgPool2d" || kind === "avgPool2dGrad";
    if (kind === "maxPool2dScatter" || kind === "avgPool2dGrad") {
      c.for(pixel, 0, g.h * g.w * bytes, bytes, () => {
        c.get(window.result).get(pixel).op("i32.add");
        zero(c, type).mem(`${type}.store`);
      });
    }
    c.for(row, 0, g.oh, 1, () => c.for(column, 0, g.ow, 1, () => mean ? meanWindow(window) : maximumWindow(window)));
  });
}

function zero(c: FunctionWriter, type: "f32" | "f64"): FunctionWriter {
  return type === "f64" ? c.f64(0) : c.f32(0);
}

/** Pushes the address of an element of a plane. */
function element({ c, bytes }: Window, plane: number, index: number): FunctionWriter {
  return c.get(plane).get(index).i32(bytes).op("i32.mul").op("i32.add");
}

/** Pushes the address of the current output. */
function output({ c, bytes, kernel, row, column }: Window, plane: number): FunctionWriter {
  c.get(plane).get(row).i32(kernel.geometry.ow).op("i32.mul").get(column).op("i32.add");
  return c.i32(bytes).op("i32.mul").op("i32.add");
}

/** Runs `body` for each real pixel of the current window, in row-major order. */
function pixels({ c, kernel: { geometry: g }, row, column, pixel }: Window, body: () => void): void {
  const [ky, kx, y, x] = c.locals("i32", 4);
  const place = (to: number, output: number, stride: number, tap: number, dilation: number, start: number, size: number) => {
    c.get(output).i32(stride).op("i32.mul").get(tap).i32(dilation).op("i32.mul").op("i32.add").i32(start).op("i32.sub");
    c.tee(to).i32(size).op("i32.lt_u");
  };
  c.for(ky, 0, g.kh, 1, () => {
    place(y, row, g.stride[0], ky, g.dilation[0], g.padding.top, g.h);
    c.if(() =>
      c.for(kx, 0, g.kw, 1, () => {
        place(x, column, g.stride[1], kx, g.dilation[1], g.padding.left, g.w);
        c.if(() => {
          c.get(y).i32(g.w).op("i32.mul").get(x).op("i32.add").set(pixel);
          body();
        });
      })
    );
  });
  c.release("i32", ky, kx, y, x);
}

/** The three kinds that look for a window's maximum. */
function maximumWindow(window: Window): void {
  const { c, type, kernel: { kind }, first, second, result, pixel } = window;
  const [best, value, place] = [c.local(type), c.local(type), c.local("i32")];
  (type === "f64" ? c.f64(-Infinity) : c.f32(-Infinity)).set(best).i32(-1).set(place);
  pixels(window, () => {
    element(window, first, pixel).mem(`${type}.load`).set(value);
    // The first pixel; later ones that are larger or NaN, unless a NaN has won already.
    c.get(place).i32(0).op("i32.lt_s");
    c.get(value).get(best).op(`${type}.le`).op("i32.eqz").get(best).get(best).op(`${type}.eq`).op("i32.and").op("i32.or");
    c.if(() => c.get(value).set(best).get(pixel).set(place));
  });
  if (kind === "maxPool2d") {
    output(window, result).get(best).mem(`${type}.store`);
    return;
  }
  const found = (body: () => void, otherwise?: () => void) => c.get(place).i32(0).op("i32.ge_s").if(body, otherwise);
  if (kind === "maxPool2dGather") {
    found(
      () => element(window, second, place).mem(`${type}.load`).set(value),
      () => zero(c, type).set(value),
    );
    output(window, result).get(value).mem(`${type}.store`);
    return;
  }
  found(() => {
    element(window, result, place);
    element(window, result, place).mem(`${type}.load`);
    output(window, second).mem(`${type}.load`).op(`${type}.add`).mem(`${type}.store`);
  });
}

/** A window's mean, or its gradient shared out among its pixels. */
function meanWindow(window: Window): void {
  const { c, type, kernel: { kind, geometry: g }, first, result, row, column, pixel } = window;
  const sum = c.local(type);
  /** Pushes how many of the window's places along an axis count: those in the image, or those in the padded image. */
  const pushCount = (output: number, axis: 0 | 1) => {
    const [tap, place, count] = c.locals("i32", 3);
    const [size, before, after] = axis === 0 ? [g.h, g.padding.top, g.padding.bottom] : [g.w, g.padding.left, g.padding.right];
    c.i32(0).set(count).for(tap, 0, axis === 0 ? g.kh : g.kw, 1, () => {
      c.get(output).i32(g.stride[axis]).op("i32.mul").get(tap).i32(g.dilation[axis]).op("i32.mul").op("i32.add").set(place);
      // Places count from the padding's edge.
      if (g.countPadding) c.get(place).i32(before + size + after).op("i32.lt_u");
      else c.get(place).i32(before).op("i32.sub").i32(size).op("i32.lt_u");
      c.get(count).op("i32.add").set(count);
    });
    c.get(count);
    c.release("i32", tap, place, count);
  };
  const pushDivisor = () => {
    const count = c.local("i32");
    pushCount(row, 0);
    pushCount(column, 1);
    // A window of nothing has the mean 0.
    c.op("i32.mul").tee(count).i32(1).get(count).op("select").op(`${type}.convert_i32_s`).release("i32", count);
  };
  if (kind === "avgPool2d") {
    zero(c, type).set(sum);
    pixels(window, () => {
      c.get(sum);
      element(window, first, pixel).mem(`${type}.load`).op(`${type}.add`).set(sum);
    });
    output(window, result).get(sum);
    pushDivisor();
    c.op(`${type}.div`).mem(`${type}.store`);
    return;
  }
  output(window, first).mem(`${type}.load`);
  pushDivisor();
  c.op(`${type}.div`).set(sum);
  pixels(window, () => {
    element(window, result, pixel);
    element(window, result, pixel).mem(`${type}.load`).get(sum).op(`${type}.add`).mem(`${type}.store`);
  });
}
