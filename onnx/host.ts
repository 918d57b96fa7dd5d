/**
 * The arithmetic of shapes: ops on arrays that are known on the host, in plain loops. An op gives undefined where its result would be too
 * large for that, or for what it leaves to tensors.
 *
 * @module
 */
import { broadcastShapes, contiguousStrides, normalizeAxis, type Shape, sizeOf } from "../core/shape.ts";
import type { Call, Results } from "./call.ts";
import { type ElementName, elementOf, isWhole, roundTo } from "./elements.ts";
import { Host, mostOnHost } from "./values.ts";

/** A fold: undefined if it is left to tensors. */
export type Fold = (call: Call) => Results | undefined;

/** An array of a shape, element by element from its position. */
function buildHost(type: ElementName, shape: Shape, element: (position: readonly number[]) => number): Host | undefined {
  const size = sizeOf(shape);
  if (size > mostOnHost) return undefined;
  const values: number[] = [];
  const position = shape.map(() => 0);
  for (let i = 0; i < size; i++) {
    values.push(element(position));
    for (let axis = shape.length - 1; axis >= 0 && ++position[axis] === shape[axis]; axis--) position[axis] = 0;
  }
  return new Host(type, shape, values);
}

/** A reader of an array as if it were broadcast to a shape. */
function reader({ shape, values }: Host, rank: number): (position: readonly number[]) => number {
  const lead = rank - shape.length;
  const strides = contiguousStrides(shape).map((stride, i) => shape[i] === 1 ? 0 : stride);
  return (position) => values[strides.reduce((at, stride, i) => at + stride * position[lead + i], 0)];
}

/** An elementwise function of any number of arrays. */
function elementwise(f: (...numbers: number[]) => number, typeOf: (xs: readonly Host[]) => ElementName): Fold {
  return (call) => {
    const xs = call.inputs.map((_, i) => call.host(i));
    const shape = xs.map((x) => x.shape).reduce((a, b) => broadcastShapes(a, b, call.op));
    const type = typeOf(xs);
    const readers = xs.map((x) => reader(x, shape.length));
    return buildHost(type, shape, (position) => roundTo(type, f(...readers.map((read) => read(position)))));
  };
}

const first = ([x]: readonly Host[]) => x.type;
const same = (f: (...numbers: number[]) => number) => elementwise(f, first);
const test = (f: (...numbers: number[]) => boolean) => elementwise((...numbers) => Number(f(...numbers)), () => "bool");

/** An op that only moves elements: the result's shape, and where each of its elements comes from. */
export function moving(
  layout: (call: Call, shape: Shape) => { shape: Shape; from: (position: readonly number[]) => readonly number[] } | undefined,
): Fold {
  return (call) => {
    const x = call.host(0);
    const moved = layout(call, x.shape);
    if (moved === undefined) return undefined;
    const strides = contiguousStrides(x.shape);
    return buildHost(x.type, moved.shape, (position) => {
      return x.values[moved.from(position).reduce((at, each, i) => at + each * strides[i], 0)];
    });
  };
}

/** An op that only names the shape anew. */
function reshaping(shapeOf: (call: Call) => Shape): Fold {
  return (call) => new Host(call.host(0).type, shapeOf(call), call.host(0).values);
}

/** A reduction over axes. */
function reducing(f: (a: number, b: number) => number): Fold {
  return (call) => {
    const x = call.host(0);
    const given = call.intsOf("axes", 1);
    if (given?.length === 0 && call.attributes.flag("noop_with_empty_axes", false)) return x;
    const axes = (given?.length ? given : x.shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, x.shape.length, call.op));
    const kept = x.shape.map((extent, i) => axes.includes(i) ? 1 : extent);
    if (sizeOf(x.shape) === 0) return undefined;
    const strides = contiguousStrides(kept);
    const values: number[] = [];
    buildHost(
      x.type,
      x.shape,
      ((n = 0) => (position: readonly number[]) => {
        const at = strides.reduce((sum, stride, i) => sum + (axes.includes(i) ? 0 : stride * position[i]), 0);
        const value = x.values[n++];
        values[at] = at in values ? f(values[at], value) : value;
        return value;
      })(),
    );
    const shape = call.attributes.flag("keepdims", true) ? kept : kept.filter((_, i) => !axes.includes(i));
    return new Host(x.type, shape, values.map((value) => roundTo(x.type, value)));
  };
}

function gather(call: Call): Results | undefined {
  const [x, indices] = [call.host(0), call.host(1)];
  const axis = normalizeAxis(call.attributes.number("axis", 0), x.shape.length, "Gather");
  const extent = x.shape[axis];
  if (indices.values.some((index) => index < -extent || index >= extent)) return undefined;
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const [strides, inner] = [contiguousStrides(x.shape), contiguousStrides(indices.shape)];
  return buildHost(x.type, shape, (position) => {
    const at = inner.reduce((sum, stride, i) => sum + stride * position[axis + i], 0);
    const index = indices.values[at] + (indices.values[at] < 0 ? extent : 0);
    const full = [...position.slice(0, axis), index, ...position.slice(axis + inner.length)];
    return x.values[full.reduce((sum, each, i) => sum + each * strides[i], 0)];
  });
}

function concat(call: Call): Results | undefined {
  const xs = call.inputs.map((_, i) => call.host(i));
  const rank = xs[0].shape.length;
  const axis = normalizeAxis(call.attributes.number("axis"), rank, "Concat");
  if (xs.some(({ shape }) => shape.length !== rank || shape.some((extent, i) => i !== axis && extent !== xs[0].shape[i]))) {
    return undefined; // tensors say what is wrong
  }
  const total = xs.reduce((sum, { shape }) => sum + shape[axis], 0);
  const strides = xs.map(({ shape }) => contiguousStrides(shape));
  return buildHost(xs[0].type, xs[0].shape.map((extent, i) => i === axis ? total : extent), (position) => {
    let at = position[axis];
    const which = xs.findIndex(({ shape }) => at < shape[axis] || (at -= shape[axis], false));
    return xs[which].values[strides[which].reduce((sum, stride, i) => sum + stride * (i === axis ? at : position[i]), 0)];
  });
}

/** The places of elements that are not 0: [rank, count]. */
export function nonZero(x: Host): Host {
  const places: number[][] = x.shape.map(() => []);
  const seen = [...x.values.keys()].filter((i) => x.values[i] !== 0);
  const strides = contiguousStrides(x.shape);
  for (const i of seen) strides.forEach((stride, axis) => places[axis].push(Math.floor(i / stride) % x.shape[axis]));
  return new Host("int64", [x.shape.length, seen.length], places.flat());
}

/** A quotient of integers is cut off, not rounded down. */
function divide(call: Call): Results | undefined {
  const whole = isWhole(call.host(0).type);
  if (whole && call.host(1).values.includes(0)) return undefined;
  return same((x, y) => whole ? Math.trunc(x / y) : x / y)(call);
}

const mod = (x: number, y: number) => x - y * Math.floor(x / y);

/** The ops that can be folded, by name, with the shapes of those that only name a shape anew. */
export function foldTable(shapes: Readonly<Record<string, (call: Call) => Shape>>): Readonly<Record<string, Fold>> {
  return {
    Abs: same(Math.abs),
    Neg: same((x) => -x),
    Floor: same(Math.floor),
    Ceil: same(Math.ceil),
    Sqrt: same(Math.sqrt),
    Relu: same((x) => Math.max(x, 0)),
    Add: same((x, y) => x + y),
    Sub: same((x, y) => x - y),
    Mul: same((x, y) => x * y),
    Div: divide,
    Mod: (call) => call.attributes.flag("fmod", false) ? undefined : same(mod)(call),
    Max: same(Math.max),
    Min: same(Math.min),
    Equal: test((x, y) => x === y),
    Greater: test((x, y) => x > y),
    GreaterOrEqual: test((x, y) => x >= y),
    Less: test((x, y) => x < y),
    LessOrEqual: test((x, y) => x <= y),
    And: test((x, y) => x !== 0 && y !== 0),
    Or: test((x, y) => x !== 0 || y !== 0),
    Xor: test((x, y) => (x !== 0) !== (y !== 0)),
    Not: test((x) => x === 0),
    Where: elementwise((c, x, y) => c !== 0 ? x : y, ([, x]) => x.type),
    Cast: (call) => {
      const type = elementOf(call.attributes.number("to"));
      return type && elementwise((x) => x, () => type)(call);
    },
    Gather: gather,
    Concat: concat,
    NonZero: (call) => nonZero(call.host(0)),
    ReduceSum: reducing((a, b) => a + b),
    ReduceProd: reducing((a, b) => a * b),
    ReduceMax: reducing(Math.max),
    ReduceMin: reducing(Math.min),
    Transpose: moving((call, shape) => {
      const order = call.attributes.numbers("perm", shape.map((_, i) => shape.length - 1 - i));
      if (order.length !== shape.length || new Set(order).size !== shape.length) return undefined;
      return { shape: order.map((axis) => shape[axis]), from: (position) => shape.map((_, i) => position[order.indexOf(i)]) };
    }),
    Expand: moving((call, shape) => {
      const to = broadcastShapes(shape, call.ints(1), "Expand");
      const lead = to.length - shape.length;
      return { shape: to, from: (position) => shape.map((extent, i) => extent === 1 ? 0 : position[lead + i]) };
    }),
    ...Object.fromEntries(Object.entries(shapes).map(([name, shapeOf]) => [name, reshaping(shapeOf)])),
  };
}
