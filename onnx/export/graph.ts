/**
 * What is exported: a function's graph of records, from tracing it at several batch sizes at once.
 *
 * The traces are walked together. They must be one graph, whose shapes and attributes alone differ: what differs depends on the batch.
 *
 * @module
 */
import { CotangentError } from "../../core/errors.ts";
import type { DType } from "../../core/dtype.ts";
import { sameShape, showShape } from "../../core/shape.ts";
import { type Op, sourceOf, type Tensor } from "../../core/tensor.ts";
import { topological } from "../../core/walk.ts";
import { barrierOp } from "../../core/ops/barrier.ts";
import { knownValues } from "../../core/ops/known.ts";
import { castOp, stopGradientOp, variableOp, withValuesOp } from "../../core/ops/cast.ts";
import { tupleElementOp } from "../../core/grad/tuple.ts";
import { type Extent, extentOf } from "./extents.ts";

/** A tensor of the graph, which is another one in each trace. */
export interface Value {
  /** For a leaf: nothing made it. */
  readonly op?: Op;
  readonly inputs: readonly Value[];
  /** The attributes in each trace. */
  readonly attrs: readonly unknown[];
  /** The tensors in each trace. */
  readonly tensors: readonly Tensor[];
  readonly shape: readonly Extent[];
  readonly dtype: DType;
  /** Those that are made of it. */
  readonly users: Value[];
}

/** What a function gives in one trace, and the leaves where its graph ends. */
export interface Trace {
  readonly outputs: readonly Tensor[];
  readonly leaves: ReadonlyMap<Tensor, Value>;
}

/** What a function uses from outside: leaves that are the same in every trace, made when they are met. */
export interface Outside {
  has(tensor: Tensor): boolean;
  value(tensor: Tensor): Value;
}

/** The traces of one function, and the batch sizes at which they were made. */
export interface Traces {
  readonly sizes: readonly number[];
  readonly traces: readonly Trace[];
}

/** Records whose value is that of an input, and of which. */
const handOn: ReadonlyMap<Op, number> = new Map<Op, number>([
  [barrierOp as Op, 0],
  [stopGradientOp as Op, 0],
  [variableOp as Op, 0],
  [withValuesOp as Op, 1],
]);

/** A value that nothing made: an argument or a parameter. */
export function leaf(tensors: readonly Tensor[], sizes: readonly number[]): Value {
  return { inputs: [], attrs: [], tensors, shape: shapeOf(tensors, sizes), dtype: tensors[0].dtype, users: [] };
}

/**
 * The graph that several traces have in common.
 *
 * @throws {CotangentError} If they are not one graph.
 */
export function joined({ sizes, traces }: Traces, outside?: Outside): Value[] {
  const orders = traces.map(({ outputs, leaves }) =>
    topological(outputs, (each) => leaves.has(each) || outside?.has(each) === true)
  );
  if (orders.some(({ length }) => length !== orders[0].length)) throw differs(sizes);
  const made = traces.map(({ leaves }) => new Map(leaves));
  orders[0].forEach((first, i) => {
    if (made[0].has(first)) return;
    const tensors = orders.map((order) => order[i]);
    if (outside?.has(first) && !tensors.every((tensor) => sameConstant(tensor, first))) throw differs(sizes);
    const value = outside?.has(first) ? outside.value(first) : join(tensors, made, sizes);
    tensors.forEach((tensor, trace) => made[trace].set(tensor, value));
  });
  return traces[0].outputs.map((output, i) => {
    const value = made[0].get(output)!;
    if (traces.some(({ outputs }, trace) => made[trace].get(outputs[i]) !== value)) throw differs(sizes);
    return value;
  });
}

/** Whether two tensors are one, or were made from the same numbers: each trace makes its own. */
function sameConstant(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  const [x, y] = [a, b].map(knownValues);
  return a.dtype === b.dtype && sameShape(a.shape, b.shape) && x !== undefined && y !== undefined &&
    x.every((value, i) => Object.is(value, y[i]));
}

/** The value of tensors that an operation made. */
function join(tensors: readonly Tensor[], made: readonly ReadonlyMap<Tensor, Value>[], sizes: readonly number[]): Value {
  const sources = tensors.map(sourceOf);
  const [first] = sources;
  if (first.kind !== "op") throw new Error("A tensor is neither an argument nor captured, and nothing made it");
  const inputs = first.inputs.map((input) => made[0].get(input)!);
  const attrs = sources.map((source, trace) => {
    const same = source.kind === "op" && source.op === first.op && source.inputs.length === inputs.length &&
      source.inputs.every((input, i) => made[trace].get(input) === inputs[i]);
    if (!same) throw differs(sizes);
    return source.attrs;
  });
  const handed = handOn.get(first.op) ?? (first.op === castOp as Op && inputs[0].dtype === tensors[0].dtype ? 0 : undefined);
  if (handed !== undefined) return inputs[handed];
  if (first.op === tupleElementOp as Op) {
    const { op, attrs: [tuple], inputs: elements } = inputs[0];
    if (op?.lower.kind === "tuple") return elements[op.lower.element((first.attrs as { index: number }).index, tuple)];
  }
  const [{ dtype }] = tensors;
  const value: Value = { op: first.op, inputs, attrs, tensors, shape: shapeOf(tensors, sizes), dtype, users: [] };
  inputs.forEach((input) => input.users.push(value));
  return value;
}

function shapeOf(tensors: readonly Tensor[], sizes: readonly number[]): Extent[] {
  return tensors[0].shape.map((_, axis) => {
    const extent = extentOf(tensors.map(({ shape }) => shape[axis]), sizes);
    if (extent !== undefined) return extent;
    const shapes = tensors.map(({ shape }) => showShape(shape)).join(", ");
    throw new CotangentError(
      `Cannot export the function with a free batch axis: with batches of ${
        sizes.join(", ")
      } a tensor has the shapes ${shapes}, ` +
        `whose axis ${axis} is no multiple of the batch; use batchAxis: null for a batch of the size of the examples`,
      { shapes: tensors.map(({ shape }) => shape), axis },
    );
  });
}

function differs(sizes: readonly number[]): CotangentError {
  return new CotangentError(
    `Cannot export the function with a free batch axis: with batches of ${sizes.join(", ")} it computes in different ways, ` +
      "not only with other extents; use batchAxis: null for a batch of the size of the examples",
    { sizes },
  );
}
