/**
 * 2-d convolutions and their two gradients, from one definition: the list of products that a convolution adds up.
 *
 * @module
 */
import type { ConvKernel } from "../../ir/kernel.ts";
import { type ConvGeometry, inputAt, tapsInside, windowAxes } from "../../ir/windows.ts";
import { sizeOf } from "../../shape.ts";

/**
 * Calls `see` for every product of the convolution: y[yi] += x[xi] * weight[wi], indices in contiguous arrays. Products with
 * padding are left out.
 */
function forEachProduct(g: ConvGeometry, see: (yi: number, xi: number, wi: number) => void): void {
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
              for (let kx = xs.from; kx < xs.to; kx++) see(yi, xRow + inputAt(columns, ox, kx), wRow + kx);
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
  forEachProduct(geometry, (yi, xi, wi) => y[yi] += x[xi] * weight[wi]);
  return y;
};

/** The transpose in x. */
export const conv2dInputGrad: Result = ({ shape, geometry }, [g, weight]) => {
  const x = new Float64Array(sizeOf(shape));
  forEachProduct(geometry, (yi, xi, wi) => x[xi] += g[yi] * weight[wi]);
  return x;
};

/** The transpose in the weight. */
export const conv2dFilterGrad: Result = ({ shape, geometry }, [x, g]) => {
  const weight = new Float64Array(sizeOf(shape));
  forEachProduct(geometry, (yi, xi, wi) => weight[wi] += x[xi] * g[yi]);
  return weight;
};
