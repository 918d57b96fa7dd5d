/**
 * Random graphs whose values are exact on every device: integers from 0 to 255, in i32, and in f32 where an operation needs it.
 *
 * Whatever a compiler does to such a graph (fusing, reading through views, sharing memory, overwriting), every element must come out
 * the same, so that no tolerance hides a mistake.
 *
 * @module
 */
import {
  add,
  argmax,
  argmin,
  argsort,
  avgPool2d,
  bitwiseAnd,
  bitwiseXor,
  broadcastTo,
  cast,
  concat,
  conv2d,
  cumsum,
  eq,
  expandDims,
  flip,
  gt,
  lt,
  matmul,
  max,
  maximum,
  maxPool2d,
  min,
  mul,
  neg,
  pad,
  permute,
  rem,
  reshape,
  type Shape,
  slice,
  sort,
  stack,
  sub,
  sum,
  take,
  type Tensor,
  where,
} from "../../../mod.ts";
import { iota } from "../../../core/ops/creation.ts";
import { fc } from "../../../dev_deps.ts";

/** One step: which operation, on which earlier tensors, and numbers for its details. */
export interface GraphStep {
  readonly op: keyof typeof steps;
  readonly x: number;
  readonly y: number;
  readonly k: number;
  readonly m: number;
}

/** A graph: the shapes it starts from, what it does, and which tensors it returns. */
export interface RandomGraph {
  readonly leaves: readonly Shape[];
  /** Whether leaves and outputs are f32, so that named kernels read and overwrite them directly. */
  readonly floats: boolean;
  readonly steps: readonly GraphStep[];
  readonly outputs: readonly number[];
  /** Whether a jitted version is given the first leaf (0) and the others (1) to keep. */
  readonly donate: readonly number[];
}

const mostElements = 3000;

/** Integers from 0 to 255 again. */
const small = (x: Tensor): Tensor => bitwiseAnd(x, 255);
/** The leaves that integers were cast from. */
const originals = new WeakMap<Tensor, Tensor>();
const asFloats = (x: Tensor): Tensor => originals.get(x) ?? cast(x, "f32");
const asInts = (x: Tensor): Tensor => small(cast(x, "i32"));

/** Some axes of a tensor, by the bits of a number. */
function someAxes(x: Tensor, bits: number): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => (bits >> axis & 1) === 1);
}

function axisOf(x: Tensor, k: number): number {
  return k % x.rank;
}

/** A shape of the same size, by splitting and merging. */
function otherShape(x: Tensor, k: number, m: number): number[] {
  const shape: number[] = [];
  let rest = x.size;
  for (const factor of [2 + k % 3, 2 + m % 2, 2]) {
    if (rest > 0 && rest % factor === 0 && shape.length < 3) {
      shape.push(factor);
      rest /= factor;
    }
  }
  shape.splice((k + m) % (shape.length + 1), 0, rest);
  return shape;
}

/** y in a shape that broadcasts with x: as it is, or one of its elements. */
function fitting(x: Tensor, y: Tensor): Tensor {
  const fits = y.shape.every((extent, i) => {
    const other = x.shape[x.rank - y.rank + i];
    return other === undefined || extent === other || extent === 1 || other === 1;
  });
  const rank = Math.max(x.rank, y.rank);
  const size = Array.from({ length: rank }, (_, i) => Math.max(x.shape.at(i - rank) ?? 1, y.shape.at(i - rank) ?? 1));
  if (fits && size.reduce((product, extent) => product * extent, 1) <= mostElements) return y;
  return y.size === 0 ? sum(y) : max(y);
}

/** A tensor as images of one channel. */
function asImages(x: Tensor): Tensor | undefined {
  if (x.rank < 2) return undefined;
  const [h, w] = x.shape.slice(-2);
  if (h < 2 || w < 2 || x.size === 0) return undefined;
  return asFloats(reshape(x, [x.size / (h * w), 1, h, w]));
}

type Step = (x: Tensor, y: Tensor, k: number, m: number) => Tensor | undefined;

const reduction = (reduce: (x: Tensor, options: { axis: number[]; keepDims: boolean }) => Tensor, ofNothing: boolean): Step => {
  return (x, _, k, m) => {
    const axis = someAxes(x, k);
    if (!ofNothing && axis.some((each) => x.shape[each] === 0)) return undefined;
    return small(reduce(x, { axis, keepDims: m % 2 === 0 }));
  };
};

/** What a step may do; undefined: not with these tensors. */
const steps = {
  add: (x, y) => small(add(x, fitting(x, y))),
  sub: (x, y) => small(sub(fitting(x, y), x)),
  mul: (x, y) => small(mul(x, fitting(x, y))),
  xor: (x, y) => bitwiseXor(x, fitting(x, y)),
  maximum: (x, y) => maximum(x, fitting(x, y)),
  addNumber: (x, _, k) => small(add(x, k % 7)),
  negate: (x) => small(neg(x)),
  where: (x, y, k) => {
    const other = fitting(x, y);
    return where(k % 2 === 0 ? gt(x, other) : eq(bitwiseAnd(x, 3), k % 4), x, other);
  },
  floatProduct: (x, y) => asInts(mul(asFloats(x), asFloats(fitting(x, y)))),
  mask: (x, _, k, m) => x.rank === 0 ? undefined : where(lt(iota(x.shape, axisOf(x, k)), m % 4), x, 0),
  places: (x, _, k) => x.rank === 0 ? undefined : small(add(mul(iota(x.shape, axisOf(x, k)), 3), x)),
  reshape: (x, _, k, m) => reshape(x, otherShape(x, k, m)),
  flatten: (x) => reshape(x, [x.size]),
  permute: (x, _, k) => {
    const axes = x.shape.map((_, axis) => axis);
    const order = axes.map((axis) => (axis * (x.rank === 3 ? 2 : 1) + k) % Math.max(1, x.rank));
    return permute(x, k % 2 === 0 ? axes.toReversed() : order);
  },
  slice: (x, _, k, m) => x.rank === 0 ? undefined : slice(x, { axis: axisOf(x, k), start: m % 3, step: 1 + k % 3 }),
  drop: (x, _, k) => x.rank === 0 ? undefined : slice(x, { axis: axisOf(x, k), stop: -1 }),
  flip: (x, _, k) => flip(x, { axis: someAxes(x, k) }),
  expandDims: (x, _, k) => x.rank > 4 ? undefined : expandDims(x, { axis: k % (x.rank + 1) }),
  broadcast: (x, _, k) => x.rank > 4 || x.size * 3 > mostElements ? undefined : broadcastTo(x, [2 + k % 2, ...x.shape]),
  repeat: (x, _, k) => {
    if (x.rank > 4 || x.size * 3 > mostElements) return undefined;
    const axis = k % (x.rank + 1);
    const shape = x.shape.toSpliced(axis, 0, 3);
    return broadcastTo(expandDims(x, { axis }), shape);
  },
  pad: (x, _, k, m) => {
    const low = x.shape.map((_, axis) => axis === k % x.rank ? m % 3 : 0);
    const interior = x.shape.map((_, axis) => axis === m % x.rank ? k % 2 : 0);
    return x.size > mostElements / 4 ? undefined : pad(x, { low, high: low.toReversed(), interior, value: k % 5 });
  },
  concat: (x, y, k) => {
    if (x.rank === 0 || x.size * 2 > mostElements) return undefined;
    const axis = axisOf(x, k);
    const fits = y.rank === x.rank && y.shape.every((extent, i) => i === axis || extent === x.shape[i]);
    return concat([x, fits ? y : x], { axis });
  },
  stack: (x, y, k) => {
    if (x.rank > 4 || x.size * 2 > mostElements) return undefined;
    const other = y.shape.join() === x.shape.join() ? y : small(add(x, 1));
    return stack([x, other], { axis: k % (x.rank + 1) });
  },
  sum: reduction(sum, true),
  max: reduction(max, false),
  min: reduction(min, false),
  floatSum: reduction((x, options) => cast(sum(asFloats(x), options), "i32"), true),
  argmax: (x, _, k) => x.rank === 0 || x.size === 0 ? undefined : small(argmax(x, { axis: axisOf(x, k) })),
  argmin: (x, _, k) => x.rank === 0 || x.size === 0 ? undefined : small(argmin(x, { axis: axisOf(x, k), keepDims: true })),
  cumsum: (x, _, k) => x.rank === 0 ? undefined : small(cumsum(x, { axis: axisOf(x, k), reverse: k % 2 === 0 })),
  sort: (x, _, k) => x.rank === 0 ? undefined : sort(x, { axis: axisOf(x, k), descending: k % 2 === 0 }),
  argsort: (x, _, k) => x.rank === 0 ? undefined : small(argsort(x, { axis: axisOf(x, k) })),
  matmul: (x, y) => {
    if (x.rank < 2 || x.size === 0) return undefined;
    const rows = x.shape.at(-1)!;
    const other = y.rank === 2 && y.shape[0] === rows ? y : permute(reshape(x, [x.size / rows, rows]), [1, 0]);
    if (x.size / rows * other.shape[1] > mostElements) return undefined;
    // At most 255 * 255 * some dozens: below 2^24, so exact in f32 in any order.
    return rows > 200 ? undefined : asInts(matmul(asFloats(x), asFloats(other)));
  },
  maxPool: (x, _, k) => {
    const images = asImages(x);
    return images && asInts(maxPool2d(images, { kernel: 2, stride: 1 + k % 2 }));
  },
  avgPool: (x) => {
    const images = asImages(x);
    // Windows of four: quarters are exact, and the fraction goes.
    return images && asInts(avgPool2d(images, { kernel: 2, stride: 1 }));
  },
  conv: (x, _, k) => {
    const images = asImages(x);
    const filter = asFloats(reshape(bitwiseAnd(iota([8], 0), 3), [2, 1, 2, 2]));
    return images && asInts(conv2d(images, filter, { padding: k % 2 }));
  },
  take: (x, y, k) => {
    const extent = x.shape[axisOf(x, k)];
    if (x.rank === 0 || y.size > 20 || x.size * y.size > mostElements || extent === 0) return undefined;
    return take(x, rem(y, extent), { axis: axisOf(x, k) });
  },
} as const satisfies Record<string, Step>;

/** Every tensor of a graph, its leaves first. `after` sees (and may replace) each one when it is made. */
export function buildRandomGraph(
  graph: RandomGraph,
  leaves: readonly Tensor[],
  after: (x: Tensor) => Tensor = (x) => x,
): Tensor[] {
  const made = leaves.map((leaf) => {
    const whole = cast(leaf, "i32");
    if (whole !== leaf) originals.set(whole, leaf);
    return whole;
  });
  for (const { op, x, y, k, m } of graph.steps) {
    const result = (steps[op] as Step)(made[made.length - 1 - x % made.length], made[y % made.length], k, m);
    if (result && result.size <= mostElements && result.rank <= 5) made.push(after(result));
  }
  const outputs = graph.outputs.map((output) => made[made.length - 1 - output % made.length]);
  return graph.floats ? outputs.map(asFloats) : outputs;
}

const extent = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 2, arbitrary: fc.constantFrom(8, 17) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const shape = fc.array(extent, { maxLength: 3 });
/** Leaves of one shape, as the states of training have: their memory is what outputs overwrite. */
const alike = fc.tuple(fc.constantFrom([4], [3, 3], [5, 5], [2, 3, 4]), fc.integer({ min: 2, max: 3 }))
  .map(([shape, count]) => Array.from({ length: count }, () => shape));

/** Graphs of up to `size` steps. */
export function randomGraphs(size: number): fc.Arbitrary<RandomGraph> {
  const step = fc.record({
    op: fc.constantFrom(...Object.keys(steps) as (keyof typeof steps)[]),
    // Mostly the newest tensor, so that chains grow; any older one as the second.
    x: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 1 }) }, fc.nat(20)),
    y: fc.nat(40),
    k: fc.nat(30),
    m: fc.nat(30),
  });
  return fc.record({
    leaves: fc.oneof(fc.array(shape, { minLength: 1, maxLength: 3 }), alike),
    floats: fc.boolean(),
    steps: fc.array(step, { minLength: 1, maxLength: size, size: "max" }),
    outputs: fc.array(fc.oneof({ weight: 2, arbitrary: fc.nat(2) }, fc.nat(20)), { minLength: 1, maxLength: 5, size: "max" }),
    donate: fc.subarray([0, 1]),
  });
}
