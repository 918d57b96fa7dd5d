/**
 * Programs by plain loops over JavaScript numbers, without anything of the library: batches and scans are loops over their examples and
 * steps, compiling and checkpoints do nothing, and each element carries its own derivatives.
 *
 * An element is a polynomial in infinitesimal directions e0, e1, ... with e e = 0, one for each derivative that is being taken, the
 * outermost first: (x + a e0) (y + b e1) = x y + a y e0 + x b e1 + a b e0 e1. The derivative by an argument is what stands at a
 * direction that was added to it, so each column of a Jacobian is a run of the function.
 *
 * @module
 */
import type { Shape } from "../../../../core/shape.ts";
import { mapLeaves, treeLeaves } from "../../../../core/tree.ts";
import type { Algebra, Fn, Kind, Tree } from "./algebra.ts";

/** Coefficients by set of directions (bit i: direction i); those that are left out are zero. */
type Element = readonly number[];

/** An array of elements, row by row. */
export class Plain {
  constructor(readonly shape: Shape, readonly data: readonly Element[], readonly kind: Kind = "float") {}
}

type Trees = Tree<Plain>;

const isInteger = ({ kind }: Plain) => kind === "integer";

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

function plus(x: Element, y: Element): Element {
  const [long, short] = x.length > y.length ? [x, y] : [y, x];
  return long.map((each, set) => each + (short[set] ?? 0));
}

/** How many coefficients an element has whose last one is this, so that all subsets of a set are there. */
const wholeLength = (length: number) => 2 ** Math.ceil(Math.log2(length));

function times(x: Element, y: Element): Element {
  const product = new Array<number>(wholeLength(Math.max(x.length, y.length)));
  for (let set = 0; set < product.length; set++) {
    let total = x[0] * (y[set] ?? 0);
    for (let part = set; part > 0; part = (part - 1) & set) total += (x[part] ?? 0) * (y[set ^ part] ?? 0);
    product[set] = total;
  }
  return product;
}

/** f of an element by Taylor's series, which ends; `derivative(x, k)` is the k-th of f. */
function series(x: Element, derivative: (x: number, order: number) => number): Element {
  const rest = [0, ...x.slice(1)];
  let [power, total, factorial]: [Element, Element, number] = [[1], [derivative(x[0], 0)], 1];
  for (let k = 1; 2 ** k <= wholeLength(x.length); k++) {
    power = times(power, rest);
    factorial *= k;
    const factor = derivative(x[0], k) / factorial;
    total = plus(total, power.map((each) => factor * each));
  }
  return total;
}

const sine = (x: number, order: number) => Math.sin(x + order * Math.PI / 2);

const exponential = (x: number) => Math.exp(x);
const reciprocal = (x: number, order: number): number => order === 0 ? 1 / x : -order / x * reciprocal(x, order - 1);

/** Derivatives of tanh are polynomials p of t = tanh: p' (1 - t^2) is the next. */
function hyperbolicTangent(x: number, order: number): number {
  let polynomial = [0, 1];
  for (let k = 0; k < order; k++) {
    const slope = polynomial.slice(1).map((each, i) => each * (i + 1));
    polynomial = Array.from({ length: slope.length + 2 }, (_, i) => (slope[i] ?? 0) - (slope[i - 2] ?? 0));
  }
  return polynomial.reduceRight((sum, each) => sum * Math.tanh(x) + each, 0);
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

const scalar = (value: number) => new Plain([], [[value]]);

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
function one(x: Plain, axis: number, i: number): Plain {
  const from = axis < 0 ? axis + x.shape.length : axis;
  return gather(x, x.shape.toSpliced(from, 1), (point) => point.toSpliced(from, 0, i));
}

function stack(xs: readonly Plain[], axis: number): Plain {
  const to = axis < 0 ? axis + xs[0].shape.length + 1 : axis;
  const shape = xs[0].shape.toSpliced(to, 0, xs.length);
  return new Plain(shape, pointsOf(shape).map((point) => at(xs[point[to]], point.toSpliced(to, 1))), xs[0].kind);
}

const map = (tree: Trees, f: (x: Plain, path: string) => unknown) => mapLeaves(tree, f as (x: unknown) => unknown) as Trees;
const leavesOf = (tree: Trees): Plain[] => treeLeaves(tree).map(({ value }) => value as Plain);

/** Trees of one form, leaf by leaf. */
function zip(trees: readonly Trees[], f: (xs: Plain[]) => Plain): Trees {
  const all = trees.map(leavesOf);
  let next = 0;
  return map(trees[0], () => {
    const xs = all.map((leaves) => leaves[next]);
    next++;
    return f(xs);
  });
}

const zerosLike = ({ shape, data, kind }: Plain) => new Plain(shape, data.map(() => [0]), kind);

/** A new value of this form: one direction's coefficient of each element, or all that do not have it. */
function coefficient({ shape, data }: Plain, bit: number): Plain {
  return new Plain(shape, data.map((x) => x.flatMap((_, set) => set & bit ? [] : [x[set | bit] ?? 0])));
}
function without({ shape, data, kind }: Plain, bit: number): Plain {
  return new Plain(shape, data.map((x) => x.flatMap((each, set) => set & bit ? [] : [each])), kind);
}

/** Which derivatives are being taken, the outermost first. */
type Mode = "reverse" | "forward";

/** Programs as plain loops; if nothing is `stored`, such numbers are as all others. */
export function plainAlgebra(stores: boolean): Algebra<Plain> {
  const modes: Mode[] = [];

  /** The value of f at `args` and its derivative along `tangents`; those left out are zero. */
  const derive = (
    mode: Mode,
    f: Fn<Plain>,
    args: readonly Trees[],
    tangents: readonly (readonly (Plain | undefined)[])[],
  ): [Trees, Trees] => {
    const bit = 2 ** modes.length;
    const along = args.map((arg, i) => {
      let next = 0;
      return map(arg, (x) => {
        const t = tangents[i]?.[next++];
        if (!t || isInteger(x)) return x;
        // The bit is higher than all others, so its half of the coefficients comes behind theirs.
        const data = x.data.map((each, k) => [...Array.from({ length: bit }, (_, set) => each[set] ?? 0), ...t.data[k]]);
        return new Plain(x.shape, data, x.kind);
      });
    });
    modes.push(mode);
    try {
      const value = f(...along);
      return [map(value, (y) => without(y, bit)), map(value, (y) => isInteger(y) ? zerosLike(y) : coefficient(y, bit))];
    } finally {
      modes.pop();
    }
  };

  /** The derivatives of f by each element of an argument, leaf by leaf, and its value. */
  const columns = (f: Fn<Plain>, args: readonly Trees[], argnum: number): [Trees, Trees[][]] => {
    const leaves = leavesOf(args[argnum]);
    const derivatives = leaves.map((leaf, which) =>
      isInteger(leaf) ? [] : leaf.data.map((_, k) => {
        const direction = leaves.map((x, i) =>
          i === which ? new Plain(x.shape, x.data.map((_, j) => [j === k ? 1 : 0])) : undefined
        );
        return derive("reverse", f, args, args.map((_, i) => i === argnum ? direction : []))[1];
      })
    );
    return [f(...args), derivatives];
  };

  const jacobian = (f: Fn<Plain>, argnum: number): Fn<Plain> => (...args) => {
    const [value, derivatives] = columns(f, args, argnum);
    let output = -1;
    return map(value, () => {
      output++;
      let which = -1;
      return map(args[argnum], (x) => {
        which++;
        const all = derivatives[which].map((column) => leavesOf(column)[output]);
        const stacked = stack(all, -1);
        return new Plain([...stacked.shape.slice(0, -1), ...x.shape], stacked.data);
      });
    });
  };

  /** For each cotangent of the value of f that of an argument. */
  const pullBack = (
    f: Fn<Plain>,
    args: readonly Trees[],
    argnum: number,
    cotangentsOf: (value: Trees) => readonly Trees[],
  ): Trees[] => {
    const [value, derivatives] = columns(f, args, argnum);
    return cotangentsOf(value).map(leavesOf).map((cotangents) => {
      const along = (column: Trees): Element =>
        leavesOf(column)
          .flatMap((y, i) => isInteger(y) ? [] : y.data.map((each, k) => times(each, cotangents[i].data[k]))).reduce(plus, [0]);
      let which = -1;
      return map(args[argnum], (x) => {
        which++;
        return isInteger(x) ? zerosLike(x) : new Plain(x.shape, derivatives[which].map(along));
      });
    });
  };

  const gradient = (f: (...args: Trees[]) => Plain, argnum: number): Fn<Plain> => (...args) =>
    pullBack(f, args, argnum, () => [scalar(1)])[0];

  return {
    shapeOf: ({ shape }) => shape,
    kindOf: ({ kind }) => kind,
    make: (kind, values, shape) =>
      new Plain(shape, values.map((value) => [value]), kind === "stored" && !stores ? "float" : kind),
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

    jit: (f) => f,
    checkpoint: (f) => f,
    custom: (f, captured, factor) => {
      const constants = captured.map(({ shape, data, kind }) => new Plain(shape, data.map(([value]) => [value]), kind));
      // The innermost of the derivatives in a coefficient is the one that finds the rule; the outer ones see what it made.
      const scale = (each: number, set: number) => set > 0 && modes[31 - Math.clz32(set)] === "reverse" ? factor * each : each;
      return (...args) =>
        map(f(args, constants), ({ shape, data, kind }) => new Plain(shape, data.map((x) => x.map(scale)), kind));
    },
    vmap: (f, { inAxis, outAxis }) => (...args) => {
      const axes = args.map((_, i) => typeof inAxis === "number" ? inAxis : inAxis[i]);
      const which = axes.findIndex((axis) => axis !== null);
      const size = leavesOf(args[which])[0].shape.at(axes[which]!)!;
      const all = Array.from(
        { length: size },
        (_, k) => f(...args.map((arg, i) => axes[i] === null ? arg : map(arg, (x) => one(x, axes[i]!, k)))),
      );
      return zip(all, (xs) => stack(xs, outAxis));
    },
    scan: (f, init, xs, { length, reverse }) => {
      let carry = init;
      const rows: Trees[] = [];
      for (let k = 0; k < length; k++) {
        const i = reverse ? length - 1 - k : k;
        [carry, rows[i]] = f(carry, xs === null ? null : map(xs, (x) => one(x, 0, i)));
      }
      return [carry, zip(rows, (ys) => stack(ys, 0))];
    },
    vjp: (f, args, cotangentsOf) => {
      const byArgument = args.map((_, argnum) => pullBack(f, args, argnum, cotangentsOf));
      return [f(...args), byArgument[0].map((_, i) => byArgument.map((each) => each[i]))];
    },
    jvp: (f, args, tangents) => derive("forward", f, args, tangents.map(leavesOf)),
    grad: gradient,
    jacobian,
    hessian: (f, argnum) => jacobian(gradient(f, argnum), argnum),
  };
}
