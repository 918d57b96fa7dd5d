/**
 * Ops that read and write elements at positions which are values themselves.
 *
 * @module
 */
import { CotangentError, ShapeError } from "../../core/errors.ts";
import { contiguousStrides, normalizeAxis, type Shape, showShape } from "../../core/shape.ts";
import {
  add,
  addAt,
  at,
  broadcastTo,
  cast,
  eq,
  expandDims,
  flatten,
  iota,
  lt,
  maximum,
  minimum,
  mul,
  reshape,
  setAt,
  take,
  type Tensor,
  tensor,
  unstack,
  where,
} from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";
import { nonZero } from "../host.ts";
import { hostInts } from "../values.ts";

/** Elements at the positions that indices beside them name along an axis. ONNX's indices never broadcast: other axes may be shorter. */
function gatherElements(call: Call): Tensor {
  const [x, indices] = [call.tensor(0), call.tensor(1)];
  const axis = normalizeAxis(call.attributes.number("axis", 0), x.rank, call.op);
  return at(x, placesOf(x, indices, axis));
}

/** For every element of `indices` its whole position: itself on one axis, its own place on the others. */
function placesOf(x: Tensor, indices: Tensor, axis: number): Tensor[] {
  if (indices.rank !== x.rank) {
    throw new ShapeError(`Cannot index ${showShape(x.shape)} by ${showShape(indices.shape)}: both must have as many axes`, {});
  }
  return x.shape.map((_, i) => i === axis ? indices : iota(indices.shape, i));
}

/** Index vectors along the last axis of `indices` as one tensor of positions per axis of x; the first axes may be batches. */
function vectors(indices: Tensor, batch: number): Tensor[] {
  const parts = unstack(indices, { axis: -1 });
  const shape = indices.shape.slice(0, -1);
  return [...Array.from({ length: batch }, (_, i) => iota(shape, i)), ...parts];
}

function gatherNd(call: Call): Tensor {
  const [x, indices] = [call.tensor(0), call.tensor(1)];
  return at(x, vectors(indices, call.attributes.number("batch_dims", 0)));
}

/** What is done to the elements that are there already. */
type Write = (x: Tensor, places: readonly Tensor[], values: Tensor) => Tensor;

/** Products and extremes: one update after the other, since there is no scatter for them. */
function repeated(f: (x: Tensor, y: Tensor) => Tensor): Write {
  return (x, places, values) => {
    const rows = places[0].size;
    if (rows > mostRepeated) {
      throw new CotangentError(`this reduction takes up to ${mostRepeated} updates, but there are ${rows}`, {});
    }
    const flat = places.map((place) => flatten(place));
    const rest = reshape(values, [rows, ...values.shape.slice(places[0].rank)]);
    return Array.from({ length: rows }, (_, i) => i).reduce((y, i) => {
      const where = flat.map((place) => at(place, [{ start: i, stop: i + 1 }]));
      return setAt(y, where, f(at(y, where), at(rest, [{ start: i, stop: i + 1 }])));
    }, x);
  };
}

const mostRepeated = 4096;

const writes = {
  none: (x, places, values) => setAt(x, [...places], values),
  add: (x, places, values) => addAt(x, [...places], values),
  mul: repeated((x, y) => mul(x, y)),
  max: repeated((x, y) => maximum(x, y)),
  min: repeated((x, y) => minimum(x, y)),
} satisfies Record<string, Write>;

function writeOf(call: Call): Write {
  return writes[call.attributes.choice("reduction", ["none", "add", "mul", "max", "min"], "none")];
}

function scatterElements(call: Call): Tensor {
  const [x, indices, updates] = call.tensors();
  const axis = normalizeAxis(call.attributes.number("axis", 0), x.rank, call.op);
  return writeOf(call)(x, placesOf(x, indices, axis), updates);
}

function scatterNd(call: Call): Tensor {
  const [x, indices, updates] = call.tensors();
  return writeOf(call)(x, vectors(indices, 0), updates);
}

function oneHot(call: Call): Tensor {
  const [indices, values] = [call.computed(0), call.tensor(2)];
  const depth = call.scalar(1);
  const axis = normalizeAxis(call.attributes.number("axis", -1), indices.rank + 1, "OneHot");
  const whole = cast(indices, "i32");
  const positive = expandDims(where(lt(whole, 0), add(whole, depth), whole), { axis });
  const shape = positive.shape.map((extent, i) => i === axis ? depth : extent);
  const [off, on] = unstack(values);
  return cast(where(eq(iota(shape, axis), broadcastTo(positive, shape)), on, off), values.dtype);
}

/** The rows of x where a condition holds, whose numbers must be known: they decide the shape. */
function compress(call: Call): Tensor {
  const x = call.tensor(0);
  const { values } = call.host(1);
  const chosen = [...values.keys()].filter((i) => values[i] !== 0);
  const indices = tensor(chosen, { dtype: "i32", shape: [chosen.length] });
  return call.attributes.has("axis")
    ? take(x, indices, { axis: call.attributes.number("axis") })
    : take(reshape(x, [x.size]), indices);
}

/** The different elements or slices of an array whose numbers must be known, and where each is. */
function unique(call: Call): Results {
  const x = call.host(0);
  const isFlat = !call.attributes.has("axis");
  const axis = isFlat ? 0 : normalizeAxis(call.attributes.number("axis"), x.shape.length, "Unique");
  const shape = isFlat ? [x.values.length] : x.shape;
  const slices = slicesOf(x.values, shape, axis);
  const first = new Map<string, number>();
  slices.forEach((each, i) => first.has(`${each}`) || first.set(`${each}`, i));
  const order = [...first.values()];
  if (call.attributes.flag("sorted", true)) order.sort((a, b) => compareLists(slices[a], slices[b]));
  const rank = new Map(order.map((at, i) => [`${slices[at]}`, i]));
  const inverse = slices.map((each) => rank.get(`${each}`)!);
  const counts = order.map((_, i) => inverse.filter((each) => each === i).length);
  const found = take(isFlat ? reshape(call.tensor(0), shape) : call.tensor(0), tensor(order, { dtype: "i32" }), { axis });
  return [found, hostInts(order), hostInts(inverse), hostInts(counts)];
}

/** The elements at each position of an axis. */
function slicesOf(values: readonly number[], shape: Shape, axis: number): number[][] {
  const stride = contiguousStrides(shape)[axis];
  const slices: number[][] = Array.from({ length: shape[axis] }, () => []);
  values.forEach((value, i) => slices[Math.floor(i / stride) % shape[axis]].push(value));
  return slices;
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}

/** What these ops do. */
export const indexing: OpTable = {
  Gather: (call) => take(call.tensor(0), call.computed(1), { axis: call.attributes.number("axis", 0) }),
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
  Compress: compress,
  NonZero: (call) => nonZero(call.host(0)),
  Unique: unique,
};
