/**
 * 2-d pooling and its gradients.
 *
 * @module
 */
import type { PoolKernel } from "../../ir/kernel.ts";
import type { PoolGeometry } from "../../shape.ts";

/** A window: its place in the output, the places of its elements in the input (row-major), and the divisor of its average. */
interface Window {
  readonly output: number;
  readonly inputs: readonly number[];
  readonly divisor: number;
}

/** All windows, output by output. Padding and overhang have no place; the divisor counts padding if the geometry says so. */
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

/** The place of the first largest value, NaN counting as largest; undefined if there are no places. */
function placeOfMax(values: ArrayLike<number>, places: readonly number[]): number | undefined {
  let best: number | undefined;
  for (const place of places) {
    if (best === undefined || values[place] > values[best] || (Number.isNaN(values[place]) && !Number.isNaN(values[best]))) {
      best = place;
    }
  }
  return best;
}

/** The result of a pooling kernel, row-major over a domain of `size` points; operands begin at place 0. */
export function poolResult(kernel: PoolKernel, operands: readonly ArrayLike<number>[], size: number): Float64Array {
  const result = new Float64Array(size);
  const [x, other] = operands;
  for (const { output, inputs, divisor } of windows(kernel.geometry)) {
    switch (kernel.kind) {
      case "maxPool2d": {
        const best = placeOfMax(x, inputs);
        result[output] = best === undefined ? -Infinity : x[best];
        break;
      }
      case "maxPool2dScatter": {
        const best = placeOfMax(x, inputs);
        if (best !== undefined) result[best] += other[output];
        break;
      }
      case "maxPool2dGather": {
        const best = placeOfMax(x, inputs);
        result[output] = best === undefined ? 0 : other[best];
        break;
      }
      case "avgPool2d": {
        result[output] = inputs.reduce((total, place) => total + x[place], 0) / divisor;
        break;
      }
      case "avgPool2dGrad": {
        for (const place of inputs) result[place] += x[output] / divisor;
        break;
      }
    }
  }
  return result;
}
