/**
 * The operations of random programs: each takes any arguments, and gives few elements of the order of one.
 *
 * @module
 */
import type { Algebra } from "./algebra.ts";

/** How large arrays become. */
const mostElements = 6;

/** From variables x and y, a number for the details and integers from 0 to 1. */
type Operation<T> = (x: T, y: T, k: number, n: T) => T;

/** Operations, and what they have in common with programs. */
export interface Vocabulary<T> {
  rankOf(x: T): number;
  sizeOf(x: T): number;
  mean(x: T): T;
  /** As few elements and axes as programs may have. */
  small(x: T, most?: number): T;
  readonly operations: readonly Operation<T>[];
}

/** The vocabulary in an algebra. */
export function vocabularyOf<T>(a: Algebra<T>): Vocabulary<T> {
  const rankOf = (x: T) => a.shapeOf(x).length;
  const sizeOf = (x: T) => a.shapeOf(x).reduce((product, extent) => product * extent, 1);
  const allAxes = (x: T) => a.shapeOf(x).map((_, axis) => axis);
  const mean = (x: T) => a.mul(a.sum(x, { axis: allAxes(x), keepDims: false }), 1 / Math.max(1, sizeOf(x)));
  const flat = (x: T) => a.reshape(x, [sizeOf(x)]);

  /** y, or its mean if it does not broadcast with x to something small. */
  const fitting = (x: T, y: T): T => {
    const [m, n] = [a.shapeOf(x), a.shapeOf(y)];
    const rank = Math.max(m.length, n.length);
    const extents = Array.from({ length: rank }, (_, i) => [m.at(i - rank) ?? 1, n.at(i - rank) ?? 1]);
    const fits = extents.every(([p, q]) => p === q || p === 1 || q === 1);
    return fits && extents.reduce((size, [p, q]) => size * Math.max(p, q), 1) <= mostElements ? y : mean(y);
  };
  const small = (x: T, most = mostElements): T => {
    if (sizeOf(x) > most) return a.slice(flat(x), { axis: 0, start: sizeOf(x) % 2, step: Math.ceil(sizeOf(x) / most) });
    return rankOf(x) > 3 ? flat(x) : x;
  };
  /** Integers from 0 to one less than the extent of the first axis of x: 0 and 1 at most. */
  const rowsOf = (x: T, n: T): T => a.shapeOf(x)[0] === 1 ? a.mul(n, 0) : n;
  const firstOf = (x: T): T => a.reshape(a.slice(flat(x), { axis: 0, start: 0, step: sizeOf(x) }), []);
  const axisOf = (x: T, k: number) => k % rankOf(x);

  /** What, added to x, keeps elements along an axis apart: 20 more at each place than at the one before, or than at the one after. */
  const ladder = (x: T, axis: number, up: boolean): T => {
    const extent = a.shapeOf(x)[axis];
    const shape = a.shapeOf(x).map((_, i) => i === axis ? extent : 1);
    return a.make("float", Array.from({ length: extent }, (_, i) => 20 * (up ? i : extent - 1 - i)), shape);
  };

  const operations: readonly Operation<T>[] = [
    (x) => a.sin(x),
    (x) => a.tanh(x),
    (x, y) => a.mul(x, fitting(x, y)),
    (x, y) => a.mul(fitting(x, y), a.sin(x)),
    (x, y) => a.add(a.mul(fitting(x, y), 0.5), x),
    (x, y) => a.mul(x, a.add(y === x ? x : fitting(x, y), 0.25)),
    (x, _, k) => a.mul(a.add(x, k / 8), -0.75),
    (x, y) => {
      if (rankOf(x) === 0 || rankOf(x) > 2) return a.mul(x, mean(y));
      const rows = a.shapeOf(x).at(-1);
      const right = rankOf(y) > 0 && rankOf(y) < 3 && a.shapeOf(y)[0] === rows ? y : rankOf(x) === 2 ? a.permute(x, [1, 0]) : x;
      return a.mul(a.matmul(x, right), 0.5);
    },
    (x, _, k) => rankOf(x) === 0 ? x : a.mul(a.sum(x, { axis: [axisOf(x, k)], keepDims: k % 2 === 0 }), 0.5),
    (x) => mean(x),
    (x, _, k) => rankOf(x) === 0 ? x : a.cumsum(x, axisOf(x, k)),
    (x) => a.permute(x, allAxes(x).toReversed()),
    (x) => flat(x),
    (x, _, k) => a.reshape(x, a.shapeOf(x).toSpliced(k % (rankOf(x) + 1), 0, 1)),
    (x, _, k) => a.broadcastTo(x, [1 + k % 2, ...a.shapeOf(x)]),
    (x, _, k) => {
      const axis = rankOf(x) && axisOf(x, k);
      return rankOf(x) === 0 || a.shapeOf(x)[axis] < 2 ? x : a.slice(x, { axis, start: k % 2, step: 1 + k % 3 });
    },
    (x, _, k) => rankOf(x) === 0 ? x : a.flip(x, axisOf(x, k)),
    (x, y, k) => a.stack([x, a.shapeOf(x).join() === a.shapeOf(y).join() ? y : a.sin(x)], k % (rankOf(x) + 1)),
    (x, _, k) => rankOf(x) === 0 ? x : a.concat([x, a.tanh(x)], axisOf(x, k)),
    (x, _, _k, n) => rankOf(x) === 0 ? x : a.take(x, rowsOf(x, n)),
    (x, _, _k, n) => a.mul(x, fitting(x, a.widen(a.add(n, 1)))),
    (x, y, _, n) => a.where({ greater: firstOf(n), than: 0 }, x, a.mul(x, mean(y))),
    (x, y) => a.add(a.stopGradient(x), fitting(x, y)),
    (x) => a.realize(x),
    (x, _, k) => rankOf(x) === 0 ? x : a.softmax(x, axisOf(x, k)),
    (x, _, k) => {
      if (rankOf(x) === 0) return x;
      const axis = axisOf(x, k);
      return a.add(a.sort(a.add(x, ladder(x, axis, false)), axis), a.mul(ladder(x, axis, true), -1));
    },
    (x, _, k) => {
      if (rankOf(x) === 0) return x;
      const axis = axisOf(x, k);
      return a.add(a.max(a.add(x, ladder(x, axis, false)), axis), -20 * (a.shapeOf(x)[axis] - 1));
    },
    (x, y, k) => {
      if (rankOf(x) !== 2) return a.sin(x);
      const fits = rankOf(y) === 2 && a.shapeOf(y).every((extent, axis) => extent <= a.shapeOf(x)[axis]);
      const weight = fits ? y : a.slice(x, { axis: k % 2, start: 0, step: 2 });
      return a.convolve(x, a.mul(weight, 0.5));
    },
    (x, y, _, n) => {
      if (rankOf(x) === 0) return x;
      const row = firstOf(rowsOf(x, n));
      return a.setRows(x, a.reshape(row, [1]), a.broadcastTo(a.sin(mean(y)), [1, ...a.shapeOf(x).slice(1)]));
    },
  ];

  return { rankOf, sizeOf, mean, small, operations };
}
