/**
 * Arrays of elements and operations on them, as loops.
 *
 * @module
 */
import type { Shape } from "../../../../core/shape.ts";
import type { Kind, Operations } from "./algebra.ts";
import { type Element, exponential, hyperbolicTangent, plus, reciprocal, series, sine, times } from "./elements.ts";

/** An array of elements, row by row. */
export class Plain {
  constructor(readonly shape: Shape, readonly data: readonly Element[], readonly kind: Kind = "float") {}
}

export const isInteger = ({ kind }: Plain) => kind === "integer";

const sizeOf = (shape: Shape) => shape.reduce((product, extent) => product * extent, 1);

const points = new Map<string, readonly number[][]>();

/** All points of a shape, row by row. */
function pointsOf(shape: Shape): readonly number[][] {
  const key = shape.join();
  let found = points.get(key);
  if (!found) {
    found = Array.from({ length: sizeOf(shape) }, (_, flat) => {
      const point: number[] = [];
      for (const extent of shape.toReversed()) {
        point.unshift(flat % extent);
        flat = Math.floor(flat / extent);
      }
      return point;
    });
    points.set(key, found);
  }
  return found;
}

function at({ shape, data }: Plain, point: readonly number[]): Element {
  return data[point.reduce((flat, i, axis) => flat * shape[axis] + i, 0)];
}

/** An array whose element at a point is that of x somewhere. */
function gather(x: Plain, shape: Shape, from: (point: readonly number[]) => readonly number[]): Plain {
  return new Plain(shape, pointsOf(shape).map((point) => at(x, from(point))), x.kind);
}

function broadcast(x: Plain, shape: Shape): Plain {
  const lead = shape.length - x.shape.length;
  return gather(x, shape, (point) => x.shape.map((extent, axis) => extent === 1 ? 0 : point[lead + axis]));
}

function elementwise(f: (...elements: Element[]) => Element, ...xs: Plain[]): Plain {
  const rank = Math.max(...xs.map(({ shape }) => shape.length));
  const shape = Array.from({ length: rank }, (_, axis) => {
    const extents = xs.map((x) => x.shape.at(axis - rank) ?? 1);
    return extents.find((extent) => extent !== 1) ?? 1;
  });
  const all = xs.map((x) => broadcast(x, shape).data);
  return new Plain(shape, all[0].map((_, i) => f(...all.map((data) => data[i]))), xs.every(isInteger) ? "integer" : "float");
}

function sum(x: Plain, axes: readonly number[], keepDims: boolean): Plain {
  const kept = x.shape.map((extent, axis) => axes.includes(axis) ? 1 : extent);
  const totals = new Map(pointsOf(kept).map((point): [string, Element] => [point.join(), [0]]));
  for (const point of pointsOf(x.shape)) {
    const key = point.map((i, axis) => axes.includes(axis) ? 0 : i).join();
    totals.set(key, plus(totals.get(key)!, at(x, point)));
  }
  return new Plain(keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis)), [...totals.values()], x.kind);
}

/** Rows along an axis, put in other places. */
function alongAxis(x: Plain, axis: number, change: (row: readonly Element[]) => readonly Element[]): Plain {
  const rows = new Map<string, readonly Element[]>();
  const rowOf = (point: readonly number[]) => {
    const key = point.with(axis, 0).join();
    const found = rows.get(key) ?? change(Array.from({ length: x.shape[axis] }, (_, i) => at(x, point.with(axis, i))));
    rows.set(key, found);
    return found;
  };
  return new Plain(x.shape, pointsOf(x.shape).map((point) => rowOf(point)[point[axis]]), x.kind);
}

/** The array at index i of an axis. */
export function one(x: Plain, axis: number, i: number): Plain {
  const from = axis < 0 ? axis + x.shape.length : axis;
  return gather(x, x.shape.toSpliced(from, 1), (point) => point.toSpliced(from, 0, i));
}

export function stack(xs: readonly Plain[], axis: number): Plain {
  const to = axis < 0 ? axis + xs[0].shape.length + 1 : axis;
  const shape = xs[0].shape.toSpliced(to, 0, xs.length);
  return new Plain(shape, pointsOf(shape).map((point) => at(xs[point[to]], point.toSpliced(to, 1))), xs[0].kind);
}

/** Every operation, element by element. */
export const operations: Omit<Operations<Plain>, "make"> = {
  shapeOf: ({ shape }) => shape,
  kindOf: ({ kind }) => kind,
  widen: ({ shape, data }) => new Plain(shape, data),

  sin: (x) => elementwise((e) => series(e, sine), x),
  tanh: (x) => elementwise((e) => series(e, hyperbolicTangent), x),
  add: (x, y) => typeof y === "number" ? elementwise((e) => plus(e, [y]), x) : elementwise(plus, x, y),
  mul: (x, y) => typeof y === "number" ? elementwise((e) => times(e, [y]), x) : elementwise(times, x, y),
  matmul: (x, y) => {
    const [left, right] = [x.shape.length === 1, y.shape.length === 1];
    const [a, b] = [left ? stack([x], 0) : x, right ? stack([y], 1) : y];
    const shape = [a.shape[0], b.shape[1], a.shape[1]];
    const products = pointsOf(shape).map(([i, j, k]) => times(at(a, [i, k]), at(b, [k, j])));
    const [rows, columns] = [left ? [] : [shape[0]], right ? [] : [shape[1]]];
    return new Plain([...rows, ...columns], sum(new Plain(shape, products), [2], false).data);
  },
  sum: (x, { axis, keepDims }) => sum(x, axis, keepDims),
  cumsum: (x, axis) => {
    const rows: Plain[] = [];
    for (let i = 0; i < x.shape[axis]; i++) {
      const row = one(x, axis, i);
      rows.push(i === 0 ? row : elementwise(plus, rows[i - 1], row));
    }
    return stack(rows, axis);
  },
  softmax: (x, axis) => {
    const powers = elementwise((e) => series(e, exponential), x);
    return elementwise((p, s) => times(p, series(s, reciprocal)), powers, sum(powers, [axis], true));
  },
  sort: (x, axis) => alongAxis(x, axis, (row) => row.toSorted(([a], [b]) => a - b)),
  max: (x, axis) => one(alongAxis(x, axis, (row) => row.toSorted(([a], [b]) => b - a)), axis, 0),
  convolve: (image, weight) => {
    const shape = image.shape.map((extent, axis) => extent - weight.shape[axis] + 1);
    const sums = pointsOf(shape).map((point) =>
      pointsOf(weight.shape)
        .map((offset) => times(at(weight, offset), at(image, point.map((i, axis) => i + offset[axis])))).reduce(plus)
    );
    return new Plain(shape, sums);
  },
  reshape: (x, shape) => new Plain(shape, x.data, x.kind),
  permute: (x, order) =>
    gather(x, order.map((axis) => x.shape[axis]), (point) => x.shape.map((_, axis) => point[order.indexOf(axis)])),
  broadcastTo: broadcast,
  slice: (x, { axis, start, step }) => {
    const shape = x.shape.with(axis, Math.ceil(Math.max(0, x.shape[axis] - start) / step));
    return gather(x, shape, (point) => point.with(axis, start + step * point[axis]));
  },
  flip: (x, axis) => gather(x, x.shape, (point) => point.with(axis, x.shape[axis] - 1 - point[axis])),
  stack,
  concat: (xs, axis) => {
    const rows = xs.flatMap((x) => Array.from({ length: x.shape[axis] }, (_, i) => one(x, axis, i)));
    return stack(rows, axis);
  },
  take: (x, indices) => {
    const shape = [...indices.shape, ...x.shape.slice(1)];
    const rank = indices.shape.length;
    return gather(x, shape, (point) => [at(indices, point.slice(0, rank))[0], ...point.slice(rank)]);
  },
  setRows: (x, indices, y) => {
    const rows = Array.from({ length: x.shape[0] }, (_, i) => one(x, 0, i));
    indices.data.forEach(([index], i) => rows[index] = one(y, 0, i));
    return stack(rows, 0);
  },
  where: ({ greater, than }, x, y) => {
    const { shape, data } = elementwise((test, a, b) => test[0] > than ? a : b, greater, x, y);
    return new Plain(shape, data, x.kind);
  },
  stopGradient: ({ shape, data, kind }) => new Plain(shape, data.map(([value]) => [value]), kind),

  realize: (x) => x,
};
