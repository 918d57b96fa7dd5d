/**
 * 2-d convolutions and their two gradients, from one definition: the list of products that a convolution adds up.
 *
 * @module
 */
import type { ConvKernel } from "../../ir/kernel.ts";
import { type ConvGeometry, inputAt, tapsInside, windowAxes } from "../../ir/windows.ts";
import { sizeOf } from "../../shape.ts";

/**
 * Calls `see` for every row of products of the convolution: y[yi] += x[xi + t * dilation] * weight[wi + t] for t < taps, indices in
 * contiguous arrays. Products with padding are left out.
 */
function forEachRow(g: ConvGeometry, see: (yi: number, xi: number, wi: number, taps: number) => void): void {
  const [rows, columns] = windowAxes(g);
  const inputs = g.c / g.groups;
  const outputs = g.o / g.groups;
  for (let n = 0; n < g.n; n++) {
    for (let o = 0; o < g.o; o++) {
      const firstInput = Math.floor(o / outputs) * inputs;
      for (let oy = 0; oy < g.oh; oy++) {
        const ys = tapsInside(rows, oy);
        for (let ox = 0; ox < g.ow; ox++) {
          const xs = tapsInside(columns, ox);
          const yi = ((n * g.o + o) * g.oh + oy) * g.ow + ox;
          for (let i = 0; i < inputs; i++) {
            for (let ky = ys.from; ky < ys.to; ky++) {
              const xRow = ((n * g.c + firstInput + i) * g.h + inputAt(rows, oy, ky)) * g.w;
              const wRow = ((o * inputs + i) * g.kh + ky) * g.kw;
              see(yi, xRow + inputAt(columns, ox, xs.from), wRow + xs.from, xs.to - xs.from);
            }
          }
        }
      }
    }
  }
}

type Result = (kernel: ConvKernel, operands: readonly ArrayLike<number>[]) => Float64Array;

/** y[n, o, oy, ox]. */
export const conv2d: Result = ({ shape, geometry }, [x, weight]) => {
  const y = new Float64Array(sizeOf(shape));
  const step = geometry.dilation[1];
  forEachRow(geometry, (yi, xi, wi, taps) => {
    for (let t = 0; t < taps; t++) y[yi] += x[xi + t * step] * weight[wi + t];
  });
  return y;
};

/** The transpose in x. */
export const conv2dInputGrad: Result = ({ shape, geometry }, [g, weight]) => {
  const x = new Float64Array(sizeOf(shape));
  const step = geometry.dilation[1];
  forEachRow(geometry, (yi, xi, wi, taps) => {
    for (let t = 0; t < taps; t++) x[xi + t * step] += g[yi] * weight[wi + t];
  });
  return x;
};

/** The transpose in the weight. */
export const conv2dFilterGrad: Result = ({ shape, geometry }, [x, g]) => {
  const weight = new Float64Array(sizeOf(shape));
  const step = geometry.dilation[1];
  forEachRow(geometry, (yi, xi, wi, taps) => {
    for (let t = 0; t < taps; t++) weight[wi + t] += x[xi + t * step] * g[yi];
  });
  return weight;
};
