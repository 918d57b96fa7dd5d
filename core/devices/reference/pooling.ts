/**
 * 2-d pooling and its gradients.
 *
 * @module
 */
import type { PoolKernel } from "../../ir/kernel.ts";
import { beats } from "../../ir/reductions.ts";
import { countedInputs, inputsOf, type PoolGeometry, tapsInside, windowAxes, type WindowAxis } from "../../ir/windows.ts";
import { sizeOf } from "../../shape.ts";
import { functionOf } from "./expressions.ts";

/** A window: its index in the output, the indices of its elements in the input (row-major), and the divisor of its average. */
interface Window {
  readonly output: number;
  readonly inputs: readonly number[];
  readonly divisor: number;
}

/** All windows, output by output. Padding and overhang have no index; the divisor counts padding if the geometry says so. */
function* windows(g: PoolGeometry): Generator<Window> {
  const [rows, columns] = windowAxes(g);
  for (let plane = 0; plane < g.n * g.c; plane++) {
    for (let oy = 0; oy < g.oh; oy++) {
      for (let ox = 0; ox < g.ow; ox++) {
        const [ys, xs] = [inputsOf(rows, oy), inputsOf(columns, ox)];
        const counted = countOf(rows, oy, g.countPadding) * countOf(columns, ox, g.countPadding);
        yield {
          output: (plane * g.oh + oy) * g.ow + ox,
          inputs: ys.flatMap(({ input: y }) => xs.map(({ input: x }) => (plane * g.h + y) * g.w + x)),
          divisor: Math.max(1, counted), // a window of nothing averages to 0
        };
      }
    }
  }
}

/** How many elements of a window count in an average. */
function countOf(axis: WindowAxis, output: number, countPadding: boolean): number {
  const { from, to } = tapsInside(axis, output, countedInputs(axis, countPadding));
  return to - from;
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
