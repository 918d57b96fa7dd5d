/**
 * Convolutions of f64 and their gradients, as products with the pixels under the taps.
 *
 * @module
 */
import type { ConvKernel } from "../../../../ir/kernel.ts";
import { windowAxes, type WindowAxis } from "../../../../ir/windows.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { GeneratorContext, Phase } from "../context.ts";
import { operandAddress, plus, plusScaled, splitOff } from "../emit/addresses.ts";
import { pushInput } from "../emit/windows.ts";
import { doubleBytes, type Panel, panelProduct } from "./panel_product.ts";

/** conv2d: filters [o, c k k] by pixels [c k k, oh ow]. */
export function doubleConvolution(context: GeneratorContext, kernel: ConvKernel): readonly Phase[] {
  const { geometry: g, operands: [images, filters] } = kernel;
  const [inChannels, outChannels] = [g.c / g.groups, g.o / g.groups];
  const steps = inChannels * g.kh * g.kw;
  const [rows, columns] = windowAxes(g);
  return panelProduct(context, kernel, {
    batch: g.n * g.groups,
    m: outChannels,
    n: g.oh * g.ow,
    runs: 1,
    steps,
    lastSteps: steps,
    pushLeft: (c, batch) => {
      const group = remainder(c, batch, g.groups);
      plusScaled(operandAddress(c, filters, doubleBytes), group, outChannels * steps * doubleBytes);
    },
    leftRow: steps,
    leftStep: 1,
    eachStep: (c, panel, _, step) => {
      // The channels of a group lie one behind the other: a batch of images and groups is one of images.
      const plane = c.local("i32");
      plusScaled(operandAddress(c, images, doubleBytes), panel.batch, inChannels * g.h * g.w * doubleBytes).set(plane);
      const outputs = positions(c, panel, [g.oh, g.ow]);
      const [channel, ky, kx] = c.locals("i32", 3);
      c.for(channel, 0, inChannels, 1, () => {
        c.for(ky, 0, g.kh, 1, () =>
          c.for(kx, 0, g.kw, 1, () =>
            step((each) => {
              const [oy, ox] = outputs[each];
              pushPixel(c, plane, [() => pushInput(c, rows, oy, ky), () => pushInput(c, columns, ox, kx)], [g.h, g.w]);
            })));
        c.increment(plane, g.h * g.w * doubleBytes);
      });
    },
  });
}

/** conv2dInputGrad: filters [c, o k k] by the gradients [o k k, h w] of the outputs that have a pixel under a tap. */
export function doubleInputGradient(context: GeneratorContext, kernel: ConvKernel): readonly Phase[] {
  const { geometry: g, operands: [gradients, filters] } = kernel;
  const [inChannels, outChannels] = [g.c / g.groups, g.o / g.groups];
  const taps = g.kh * g.kw;
  // In the filters, the steps of all output channels are equally far apart only where there is one tap.
  const [runs, channels] = taps === 1 ? [1, outChannels] : [outChannels, 1];
  const steps = channels * taps;
  const [rows, columns] = windowAxes(g);
  return panelProduct(context, kernel, {
    batch: g.n * g.groups,
    m: inChannels,
    n: g.h * g.w,
    runs,
    steps,
    lastSteps: steps,
    pushLeft: (c, batch, run) => {
      const group = remainder(c, batch, g.groups);
      plusScaled(operandAddress(c, filters, doubleBytes), group, outChannels * inChannels * taps * doubleBytes);
      plusScaled(c, run, inChannels * taps * doubleBytes);
    },
    leftRow: taps,
    leftStep: taps === 1 ? inChannels : 1,
    eachStep: (c, panel, _, step) => {
      const plane = c.local("i32");
      plusScaled(operandAddress(c, gradients, doubleBytes), panel.batch, outChannels * g.oh * g.ow * doubleBytes);
      plusScaled(c, panel.run, g.oh * g.ow * doubleBytes).set(plane);
      const inputs = positions(c, panel, [g.h, g.w]);
      const [channel, ky, kx] = c.locals("i32", 3);
      c.for(channel, 0, channels, 1, () => {
        c.for(ky, 0, g.kh, 1, () =>
          c.for(kx, 0, g.kw, 1, () =>
            step((each) => {
              const [y, x] = inputs[each];
              pushPixel(c, plane, [() => pushOutput(c, rows, y, ky), () => pushOutput(c, columns, x, kx)], [g.oh, g.ow]);
            })));
        c.increment(plane, g.oh * g.ow * doubleBytes);
      });
    },
  });
}

/** conv2dFilterGrad: for each image, gradients [o, oh ow] by pixels [oh ow, c k k]. */
export function doubleFilterGradient(context: GeneratorContext, kernel: ConvKernel): readonly Phase[] {
  const { geometry: g, operands: [images, gradients] } = kernel;
  const [inChannels, outChannels] = [g.c / g.groups, g.o / g.groups];
  const steps = g.oh * g.ow;
  const [rows, columns] = windowAxes(g);
  return panelProduct(context, kernel, {
    batch: g.groups,
    m: outChannels,
    n: inChannels * g.kh * g.kw,
    runs: g.n,
    steps,
    lastSteps: steps,
    pushLeft: (c, group, image) => {
      plusScaled(operandAddress(c, gradients, doubleBytes), image, g.o * steps * doubleBytes);
      plusScaled(c, group, outChannels * steps * doubleBytes);
    },
    leftRow: steps,
    leftStep: 1,
    eachStep: (c, panel, _, step) => {
      const plane = c.local("i32");
      plusScaled(operandAddress(c, images, doubleBytes), panel.run, g.c * g.h * g.w * doubleBytes);
      plusScaled(c, panel.batch, inChannels * g.h * g.w * doubleBytes).set(plane);
      const taps = positions(c, panel, [inChannels, g.kh, g.kw]).map(([channel, ky, kx]) => {
        const own = c.local("i32");
        plusScaled(c.get(plane), channel, g.h * g.w * doubleBytes).set(own);
        return { own, ky, kx };
      });
      const [oy, ox] = c.locals("i32", 2);
      c.for(oy, 0, g.oh, 1, () =>
        c.for(ox, 0, g.ow, 1, () =>
          step((each) => {
            const { own, ky, kx } = taps[each];
            pushPixel(c, own, [() => pushInput(c, rows, oy, ky), () => pushInput(c, columns, ox, kx)], [g.h, g.w]);
          })));
    },
  });
}

/** Local variables of the indices, in a space of these extents, of each column of a panel. */
function positions(c: FunctionWriter, { column, columns }: Panel, extents: readonly number[]): number[][] {
  return Array.from({ length: columns }, (_, each) => {
    const indices = c.locals("i32", extents.length);
    plus(c.get(column), each).set(indices[0]);
    for (let axis = extents.length - 1; axis > 0; axis--) splitOff(c, indices[0], extents[axis], indices[axis]);
    return indices;
  });
}

/** A local variable for what is left of another divided by a number. */
function remainder(c: FunctionWriter, value: number, divisor: number): number {
  const rest = c.local("i32");
  if (divisor === 1) c.i32(0).set(rest);
  else c.get(value).i32(divisor).op("i32.rem_u").set(rest);
  return rest;
}

/** Pushes the pixel at the row and the column that are pushed, or 0 outside of the plane. */
function pushPixel(
  c: FunctionWriter,
  plane: number,
  [pushRow, pushColumn]: readonly [() => void, () => void],
  [height, width]: readonly [number, number],
): void {
  c.withLocals("i32", 2, (y, x) =>
    c.withLocals("f64", 1, (value) => {
      c.f64(0).set(value);
      pushRow();
      c.set(y);
      pushColumn();
      c.tee(x).i32(width).op("i32.lt_u").get(y).i32(height).op("i32.lt_u").op("i32.and").if(() => {
        c.get(plane).get(y).i32(width).op("i32.mul").get(x).op("i32.add").i32(doubleBytes).op("i32.mul").op("i32.add");
        c.mem("f64.load").set(value);
      });
      c.get(value);
    }));
}

/** Pushes the output that has a pixel under a tap, or -1 if there is none: the inverse of `pushInput`. */
function pushOutput(c: FunctionWriter, { before, dilation, stride }: WindowAxis, pixel: number, tap: number): void {
  plus(c.get(pixel), before);
  c.get(tap).i32(dilation).op("i32.mul").op("i32.sub");
  if (stride === 1) return;
  c.withLocals("i32", 1, (at) => {
    c.tee(at).i32(stride).op("i32.div_s").i32(-1);
    c.get(at).i32(stride).op("i32.rem_s").op("i32.eqz").op("select");
  });
}
