/**
 * Operations with several results.
 *
 * Such an operation makes one tensor that stands for all its results and has no values of its own; a `tupleElement` operation names one
 * of them. So a walk visits the results first and the operation after all of them, when it can be given all cotangents at once. Those,
 * and tangents and batches, are themselves tensors that stand for several: a `tuple`.
 *
 * @module
 */
import { defaultFloat, type DType } from "../dtype.ts";
import { add, sumDefined } from "../ops/arithmetic.ts";
import { apply } from "../ops/define.ts";
import type { Shape } from "../shape.ts";
import { type Op, sourceOf, type Tensor } from "../tensor.ts";

/** Shape and type of what stands for several tensors: never seen. */
export const tupleType = { shape: (): Shape => [], dtype: (): DType => defaultFloat };

interface TupleElementAttrs {
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

export const tupleElementOp: Op<TupleElementAttrs> = {
  name: "tupleElement",
  shape: (_, { shape }) => shape,
  dtype: (_, { dtype }) => dtype,
  vjp: (g, _inputs, _output, { index }) => [tuple(new Map([[index, g]]))],
  jvp: ([t], _inputs, _output, { index }) => [t && tupleElement(t, index)],
  vmap: ([all], _, { index }) => tupleElement(all, index)!,
  lower: { kind: "tupleElement", index: ({ index }) => index },
  // What only hands its inputs on needs no memory.
  simplify: ({ inputs: [{ made }], attrs: { index } }) =>
    made.kind === "op" && made.op.lower.kind === "tuple" ? made.inputs[made.op.lower.element(index, made.attrs)] : undefined,
};

interface TupleAttrs {
  /** Which results the inputs are. */
  readonly indices: readonly number[];
}

/** The rule that gets a tuple takes it apart, so none is the input of an operation, and none is computed. */
function unreachable(): never {
  throw new Error("A tuple has no rules: it must be taken apart by tupleElement");
}

export const tupleOp: Op<TupleAttrs> = {
  name: "tuple",
  ...tupleType,
  vjp: unreachable,
  jvp: unreachable,
  vmap: unreachable,
  lower: { kind: "tuple", element: unreachable },
};

/** Some of several tensors, by index. */
export function tuple(some: ReadonlyMap<number, Tensor>): Tensor {
  return apply(tupleOp, [...some.values()], { indices: [...some.keys()] });
}

/** Whether a tensor stands for several. */
export function isTuple(tensor: Tensor): boolean {
  return indicesOf(tensor) !== undefined;
}

/** The indices of a tuple's elements; undefined for a tensor that is no tuple. */
function indicesOf(tensor: Tensor): readonly number[] | undefined {
  const source = sourceOf(tensor);
  return source.kind === "op" && source.op === tupleOp as Op ? (source.attrs as TupleAttrs).indices : undefined;
}

/** One of several tensors, if it is there. */
export function tupleElement(all: Tensor, index: number): Tensor | undefined {
  const source = sourceOf(all);
  const indices = indicesOf(all);
  if (!indices || source.kind !== "op") throw new Error("Only a tuple has elements");
  const at = indices.indexOf(index);
  return at < 0 ? undefined : source.inputs[at];
}

/** The sum of two cotangents of one tensor. */
export function addCotangents(a: Tensor, b: Tensor): Tensor {
  const indices = indicesOf(a);
  if (!indices) return add(a, b);
  const all = new Set([...indices, ...indicesOf(b) ?? []]);
  return tuple(new Map([...all].map((index) => [index, sumDefined([tupleElement(a, index), tupleElement(b, index)])!])));
}

/** The results of an operation, one for each example of shape and type. */
export function elementsOf(all: Tensor, examples: readonly { readonly shape: Shape; readonly dtype: DType }[]): Tensor[] {
  return examples.map(({ shape, dtype }, index) => apply(tupleElementOp, [all], { index, shape, dtype }));
}
