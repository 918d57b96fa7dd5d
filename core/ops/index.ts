/**
 * NumPy's indexing: reading, replacing and adding at positions, ranges and lists of positions.
 *
 * An index is first worked out to an `Address`: the run of positions along every axis, and for axes that are picked from by lists a
 * tensor of indices, all of one shape. The three functions then differ only in what they do there.
 *
 * @module
 */
import { checkOptions } from "../options.ts";
import { indexType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { quoted } from "../quoted.ts";
import { broadcastShapes, type Shape, showShape } from "../shape.ts";
import { refuseForeign, type Scalar, Tensor, type TensorLike } from "../tensor.ts";
import { TracedNumber } from "../traced_number.ts";
import { asTensor } from "./literal.ts";
import { add, sub } from "./arithmetic.ts";
import { logicalAnd } from "./logic.ts";
import { rem } from "./binary.ts";
import { eq, ge, le } from "./compare.ts";
import { iota } from "./creation.ts";
import { tensor as constant } from "./from_values.ts";
import { broadcastTo, permute } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { valuesFor } from "./scatter.ts";
import { where } from "./select.ts";
import { type IndexRange, rangeOptions, type Run, runOf, scatterRuns, sliceRuns } from "./slice.ts";
import { checkPosition, normalizeIndex, normalizeIndices } from "./indices.ts";
import { gather, scatter } from "./rows.ts";
import { write } from "./write.ts";

/** A list of positions; nested lists give a tensor of positions. */
export type Positions = readonly (Scalar | Positions)[];

/**
 * What is taken along one axis:
 * - a number: one position, and the axis is gone; negative ones count from the end
 * - `{ start, stop, step }`: a range, as Python's start:stop:step
 * - `":"`: all of it; `"..."`: all of as many axes as the other entries leave over
 * - `null`: no axis of x, but a new one of extent 1
 * - a list of positions or a tensor of integers: these, in their order; several are read side by side, as coordinates.
 */
export type Index = Scalar | ":" | "..." | null | IndexRange | Positions | Tensor;

/** Entries for the axes in order (missing ones are `":"`), or the only entry if it is no list. */
export type Indices = Exclude<Index, Positions> | readonly Index[];

/** What an entry does with an axis of x; a new axis belongs to none. */
type Entry =
  | { readonly kind: "new" }
  | { readonly kind: "keep" | "drop"; readonly run: Run }
  | { readonly kind: "pick"; readonly run: Run; readonly indices: Tensor };

interface Address {
  /** What of every axis of x is touched. */
  readonly runs: readonly Run[];
  /** The order of axes in which those that are picked from are neighbours. */
  readonly order: readonly number[];
  /** The first of these in that order. */
  readonly from: number;
  /** One tensor of indices for each of these, all of one shape. None if nothing is picked. */
  readonly coordinates: readonly Tensor[];
  /** What is read, before axes are dropped and added. */
  readonly picked: Shape;
  /** What is read. */
  readonly shape: Shape;
}

function refuse(shape: Shape, why: string, facts: Record<string, unknown>): never {
  throw new ShapeError(`Cannot index ${showShape(shape)}: ${why}`, { shape, ...facts });
}

/** One entry per axis, and the new axes. */
function spread(shape: Shape, indices: Indices): Exclude<Index, "...">[] {
  const given: readonly Index[] = Array.isArray(indices) ? indices : [indices as Index];
  const dots = given.filter((entry) => entry === "...").length;
  if (dots > 1) refuse(shape, 'there are several "...", and one stands for all axes left over', { indices });
  const used = given.filter((entry) => entry !== "..." && entry !== null).length;
  if (used > shape.length) refuse(shape, `there are ${used} indices for ${shape.length} axes`, { indices });
  const rest = new Array<":">(shape.length - used).fill(":");
  const all = dots === 0 ? [...given, "..."] as const : given;
  return all.flatMap((entry) => entry === "..." ? rest : [entry]);
}

/** Positions of which it is known that they exist, counted from the front unless they are traced. */
function listed(at: Scalar | Positions, shape: Shape, axis: number): Scalar | Positions {
  if (Array.isArray(at)) return at.map((each) => listed(each, shape, axis));
  if (!(at instanceof TracedNumber)) return normalizeIndex(at as number, shape, axis, "index");
  checkPosition(at, shape, axis, "index");
  return at;
}

/** A list of positions as indices. */
function indicesOf(entry: Positions, shape: Shape, axis: number): Tensor {
  const list = listed(entry, shape, axis) as Positions;
  const indices = constant(list, { dtype: indexType });
  const isTraced = (list as readonly unknown[]).flat(Infinity).some((each) => each instanceof TracedNumber);
  return isTraced ? normalizeIndices(indices, shape, axis, "index") : indices;
}

/** What an entry means for its axis. */
function entryOf(entry: Exclude<Index, "...">, shape: Shape, axis: number): Entry {
  if (entry === null) return { kind: "new" };
  const run = { start: 0, count: shape[axis], step: 1 };
  if (entry === ":") return { kind: "keep", run };
  if (typeof entry === "number") {
    return { kind: "drop", run: { start: normalizeIndex(entry, shape, axis, "index"), count: 1, step: 1 } };
  }
  if (entry instanceof Tensor || entry instanceof TracedNumber) {
    return { kind: "pick", run, indices: normalizeIndices(entry, shape, axis, "index") };
  }
  refuseForeign(entry);
  if (Array.isArray(entry)) {
    return { kind: "pick", run, indices: indicesOf(entry, shape, axis) };
  }
  if (typeof entry !== "object") {
    throw new TypeError(
      `Cannot index ${showShape(shape)} by ${
        quoted(entry)
      }: use a number, { start, stop, step }, ":", "...", null, a list or a tensor`,
    );
  }
  return { kind: "keep", run: runOf(checkOptions(entry as IndexRange, rangeOptions, "index"), shape[axis]) };
}

/** Beside lists a single position is a list too, as in NumPy: it takes part in where the picked axes go. */
function asPick(entry: Entry): Entry {
  if (entry.kind !== "drop") return entry;
  return { kind: "pick", run: entry.run, indices: constant(0, { dtype: indexType }) };
}

function addressOf(shape: Shape, indices: Indices): Address {
  let next = 0;
  const plain = spread(shape, indices).map((entry) => entryOf(entry, shape, entry === null ? -1 : next++));
  const entries = plain.some(({ kind }) => kind === "pick") ? plain.map(asPick) : plain;
  const axes = entries.filter((entry) => entry.kind !== "new");
  const runs = axes.map(({ run }) => run);
  const keptExtents = (part: readonly Entry[]) => part.flatMap((entry) => entry.kind === "keep" ? [entry.run.count] : []);
  const shownExtents = (part: readonly Entry[]) =>
    part.flatMap((entry) => entry.kind === "keep" ? [entry.run.count] : entry.kind === "new" ? [1] : []);
  const order = axes.map((_, axis) => axis);
  const picks = axes.flatMap((entry, axis) => entry.kind === "pick" ? [{ axis, indices: entry.indices }] : []);
  if (picks.length === 0) {
    return {
      runs,
      order,
      from: 0,
      coordinates: [],
      picked: runs.map(({ count }) => count),
      shape: shownExtents(entries),
    };
  }

  const common = picks.map(({ indices }) => indices.shape).reduce((a, b) => broadcastShapes(a, b, "index by lists of"));
  const coordinates = picks.map((pick) => broadcastTo(pick.indices, common));
  const isPick = entries.map(({ kind }) => kind === "pick");
  const [first, last] = [isPick.indexOf(true), isPick.lastIndexOf(true)];
  const together = last - first + 1 === picks.length;
  const [before, after] = together ? [entries.slice(0, first), entries.slice(last + 1)] : [[], entries];
  return {
    runs,
    order: together ? order : [...picks.map(({ axis }) => axis), ...order.filter((axis) => axes[axis].kind === "keep")],
    from: keptExtents(before).length,
    coordinates,
    picked: [...keptExtents(before), ...common, ...keptExtents(after)],
    // Lists with something between them: what they pick comes first.
    shape: [...shownExtents(before), ...common, ...shownExtents(after)],
  };
}

/** Whether each position of a tensor is in the runs, in a shape that broadcasts to the tensor's; undefined if all are. */
function insideRuns(runs: readonly Run[], shape: Shape): Tensor | undefined {
  const along = runs.flatMap(({ start, count, step }, axis) => {
    if (count === shape[axis]) return [];
    const at = reshape(iota([shape[axis]], 0), shape.map((extent, i) => i === axis ? extent : 1));
    const ends = [start, start + (count - 1) * step];
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    if (count === 0) return [constant(false)];
    const between = logicalAnd(ge(at, low), le(at, high));
    return [Math.abs(step) === 1 ? between : logicalAnd(between, eq(rem(sub(at, low), Math.abs(step)), 0))];
  });
  return along.length > 0 ? along.reduce(logicalAnd) : undefined;
}

/** The axes back from an address's order. */
function unpermute(x: Tensor, order: readonly number[]): Tensor {
  return permute(x, order.map((_, axis) => order.indexOf(axis)));
}

/** The extents of the axes that are picked from. */
function pickedExtents({ runs, order, from, coordinates }: Address): Shape {
  return coordinates.map((_, i) => runs[order[from + i]].count);
}

/**
 * Elements of x by NumPy's rules: positions, ranges, lists of positions, and mixtures of them.
 *
 * ```ts
 * import { arange, at, reshape, toArray } from "../../mod.ts";
 * const x = reshape(arange(12), [3, 4]);
 * console.log(await toArray(at(x, [1, -1]))); // 7
 * console.log(await toArray(at(x, -1))); // [8, 9, 10, 11]
 * console.log(await toArray(at(x, [":", { start: 1, stop: 3 }]))); // [[1, 2], [5, 6], [9, 10]]
 * console.log(await toArray(at(x, ["...", { step: -2 }]))); // [[3, 1], [7, 5], [11, 9]]
 * console.log(at(x, [":", null, 0]).shape); // [3, 1]
 * // Lists of positions go together: the elements at (0, 2) and (1, 3).
 * console.log(await toArray(at(x, [[0, 1], [2, 3]]))); // [2, 7]
 * ```
 *
 * Lists and tensors are broadcast against each other and read side by side; their common shape replaces their axes if these
 * are neighbours, else it comes first. A number beside them counts as one of them. Negative positions count from the end. All
 * must exist, as far as they are known; those in tensors without values, as inside `jit`, are clamped to the axis (a program on a
 * device cannot raise an error).
 *
 * A tensor's shape cannot depend on values, so there is no index by mask: choose with `where(mask, x, y)`.
 *
 * @param indices A list with an entry per axis, or a single entry that is no list: `at(x, 2)` is x[2], `at(x, [[2, 0]])` the rows 2 and 0.
 * @throws {RangeError} If a position does not exist, or a range is not of integers.
 * @throws {ShapeError} If there are more indices than axes, or lists that cannot be broadcast.
 * @throws {DTypeError} If a tensor of indices is not of integers.
 * @throws {TypeError} If an entry is none of an index, or a position is not whole.
 * @see NumPy, "Indexing on ndarrays"
 */
export function at(x: TensorLike, indices: Indices): Tensor {
  const tensor = asTensor(x);
  const { runs, order, from, coordinates, shape } = addressOf(tensor.shape, indices);
  const seen = permute(sliceRuns(tensor, runs), order);
  return reshape(coordinates.length > 0 ? gather(seen, from, coordinates) : seen, shape);
}

/**
 * x with the elements that `at(x, indices)` reads replaced by values; where a list names a position twice, the last value stays.
 *
 * ```ts
 * import { setAt, tensor, toArray, zeros } from "../../mod.ts";
 * console.log(await toArray(setAt(zeros([2, 3]), [":", { start: 1 }], tensor([7, 8])))); // [[0, 7, 8], [0, 7, 8]]
 * console.log(await toArray(setAt(zeros([4]), [[0, 2, 0]], tensor([1, 2, 3])))); // [3, 0, 2, 0]
 * ```
 *
 * @param indices As `at` takes them; to replace by a mask use `where(mask, value, x)`.
 * @param value Broadcast to the shape of `at(x, indices)`. The result has the type of x.
 * @throws {DTypeError} If the value's type does not fit into that of x.
 * @throws {ShapeError} If the value does not broadcast to the shape. Otherwise as `at`.
 */
export function setAt(x: TensorLike, indices: Indices, value: TensorLike): Tensor {
  const tensor = asTensor(x);
  const address = addressOf(tensor.shape, indices);
  const { runs, order, from, coordinates, picked, shape } = address;
  const values = reshape(valuesFor(tensor, value, shape, "set"), picked);
  const inside = insideRuns(runs, tensor.shape);
  if (coordinates.length === 0) return replace(tensor, inside, scatterRuns(values, runs, tensor.shape));
  const written = write(permute(sliceRuns(tensor, runs), order), from, coordinates, values);
  return replace(tensor, inside, scatterRuns(unpermute(written, order), runs, tensor.shape));
}

function replace(x: Tensor, mask: Tensor | undefined, values: Tensor): Tensor {
  return mask ? where(mask, values, x) : values;
}

/**
 * x with values added to the elements that `at(x, indices)` reads; where a list names a position several times, all are added.
 *
 * ```ts
 * import { addAt, ones, toArray } from "../../mod.ts";
 * console.log(await toArray(addAt(ones([4]), [[0, 2, 0]], 10))); // [21, 1, 11, 1]
 * ```
 *
 * @param indices As `at` takes them.
 * @param value Broadcast to the shape of `at(x, indices)`. The result has the type of x.
 * @throws {DTypeError} If the value's type does not fit into that of x, or x is not of numbers to compute with.
 * @throws {ShapeError} If the value does not broadcast to the shape. Otherwise as `at`.
 */
export function addAt(x: TensorLike, indices: Indices, value: TensorLike): Tensor {
  const tensor = asTensor(x);
  const address = addressOf(tensor.shape, indices);
  const { runs, order, from, coordinates, picked, shape } = address;
  const values = reshape(valuesFor(tensor, value, shape, "add"), picked);
  const sums = coordinates.length > 0 ? scatter(values, from, coordinates, pickedExtents(address)) : values;
  return add(tensor, scatterRuns(unpermute(sums, order), runs, tensor.shape));
}
