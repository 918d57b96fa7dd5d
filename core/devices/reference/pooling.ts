/**
 * 2-d pooling and its gradients.
 *
 * @module
 */
import type { PoolKernel } from "../../ir/kernel.ts";
import { beats } from "../../ir/reductions.ts";
import { type PoolGeometry, sizeOf } from "../../shape.ts";
import { functionOf } from "./scalar.ts";

/** A window: its index in the output, the indices of its elements in the input (row-major), and the divisor of its average. */
interface Window {
  readonly output: number;
  readonly inputs: readonly number[];
  readonly divisor: number;
}

/** All windows, output by output. Padding and overhang have no index; the divisor counts padding if the geometry says so. */
function* windows(g: PoolGeometry): Generator<Window> {
  for (let plane = 0; plane < g.n * g.c; plane++) {
    for (let oy = 0; oy < g.oh; oy++) {
      for (let ox = 0; ox < g.ow; ox++) {
        const ys = taps(oy, g.kh, g.stride[0], g.dilation[0], g.padding.top);
        const xs = taps(ox, g.kw, g.stride[1], g.dilation[1], g.padding.left);
        const inside = { ys: ys.filter((y) => y >= 0 && y < g.h), xs: xs.filter((x) => x >= 0 && x < g.w) };
        const padded = {
          ys: ys.filter((y) => y < g.h + g.padding.bottom),
          xs: xs.filter((x) => x < g.w + g.padding.right),
        };
        const counted = g.countPadding ? padded : inside;
        yield {
          output: (plane * g.oh + oy) * g.ow + ox,
          inputs: inside.ys.flatMap((y) => inside.xs.map((x) => (plane * g.h + y) * g.w + x)),
          divisor: Math.max(1, counted.ys.length * counted.xs.length), // a window of nothing averages to 0
        };
      }
    }
  }
}

/** The coordinates that a window touches along one axis; those below 0 are padding. */
function taps(output: number, kernel: number, stride: number, dilation: number, before: number): number[] {
  return Array.from({ length: kernel }, (_, k) => output * stride + k * dilation - before);
}

const isLarger = functionOf(beats("argmax", { kind: "load", type: "f64", slot: 0 }, { kind: "load", type: "f64", slot: 1 }));

/** The index of the first largest value, NaN counting as largest; undefined if there are no indices. */
function indexOfMax(values: ArrayLike<number>, indices: readonly number[]): number | undefined {
  let best: number | undefined;
  for (const index of indices) {
    if (best === undefined || isLarger([values[index], values[best]])) best = index;
  }
  return best;
}

type Result = (kernel: PoolKernel, operands: readonly ArrayLike<number>[]) => Float64Array;

/** A kernel by what each of its windows adds to the result. */
function byWindow(
  see: (result: Float64Array, window: Window, first: ArrayLike<number>, second: ArrayLike<number>) => void,
): Result {
  return ({ shape, geometry }, [first, second]) => {
    const result = new Float64Array(sizeOf(shape));
    for (const window of windows(geometry)) see(result, window, first, second);
    return result;
  };
}

export const maxPool2d: Result = byWindow((y, { output, inputs }, x) => {
  const best = indexOfMax(x, inputs);
  y[output] = best === undefined ? -Infinity : x[best];
});

export const maxPool2dScatter: Result = byWindow((gx, { output, inputs }, x, g) => {
  const best = indexOfMax(x, inputs);
  if (best !== undefined) gx[best] += g[output];
});

export const maxPool2dGather: Result = byWindow((ty, { output, inputs }, x, t) => {
  const best = indexOfMax(x, inputs);
  ty[output] = best === undefined ? 0 : t[best];
});

export const avgPool2d: Result = byWindow((y, { output, inputs, divisor }, x) => {
  y[output] = inputs.reduce((total, index) => total + x[index], 0) / divisor;
});

export const avgPool2dGrad: Result = byWindow((gx, { output, inputs, divisor }, g) => {
  for (const index of inputs) gx[index] += g[output] / divisor;
});
