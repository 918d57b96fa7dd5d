/**
 * Operations with several results.
 *
 * Such an operation makes one tensor that stands for all its results and has no values of its own; a `result` operation names one of
 * them. So a walk meets the results first and the operation after all of them, when it can be given all cotangents at once. Those,
 * and tangents and batches, are themselves tensors that stand for several: `parts`.
 *
 * @module
 */
import { defaultFloat, type DType } from "../dtype.ts";
import { add } from "../ops/binary.ts";
import { addUp, apply, type Op } from "../ops/define.ts";
import type { Shape } from "../shape.ts";
import { sourceOf, type Tensor } from "../tensor.ts";

/** Shape and type of what stands for several tensors: never seen. */
export const standIn = { shape: (): Shape => [], dtype: (): DType => defaultFloat };

interface ResultAttrs {
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

export const resultOp: Op<ResultAttrs> = {
  name: "result",
  shape: (_, { shape }) => shape,
  dtype: (_, { dtype }) => dtype,
  vjp: (g, _inputs, _output, { index }) => [parts(new Map([[index, g]]))],
  jvp: ([t], _inputs, _output, { index }) => t && partOf(t, index),
  vmap: ([all], _, { index }) => partOf(all, index)!,
  lower: { kind: "result", index: ({ index }) => index },
};

interface PartsAttrs {
  /** Which results the inputs are. */
  readonly indices: readonly number[];
}

const partsOp: Op<PartsAttrs> = {
  name: "parts",
  ...standIn,
  vjp: (g, _inputs, _output, { indices }) => indices.map((index) => partOf(g, index)),
  jvp: (tangents, _inputs, _output, { indices }) => {
    return parts(new Map(indices.flatMap((index, i) => tangents[i] ? [[index, tangents[i]]] : [])));
  },
  vmap: (inputs, _batched, attrs) => apply(partsOp, inputs, attrs),
  lower: { kind: "parts", part: (index, { indices }) => indices.indexOf(index) },
};

/** Some of several tensors, by index. */
export function parts(some: ReadonlyMap<number, Tensor>): Tensor {
  return apply(partsOp, [...some.values()], { indices: [...some.keys()] });
}

/** One of several tensors, if it is there. */
export function partOf(all: Tensor, index: number): Tensor | undefined {
  const source = sourceOf(all);
  if (source.kind !== "op" || source.op !== partsOp as Op) throw new Error("Only parts have a part");
  const i = (source.attrs as PartsAttrs).indices.indexOf(index);
  return i < 0 ? undefined : source.inputs[i];
}

function isParts(tensor: Tensor): boolean {
  const source = sourceOf(tensor);
  return source.kind === "op" && source.op === partsOp as Op;
}

/** The sum of two cotangents of one tensor. */
export function addCotangents(a: Tensor, b: Tensor): Tensor {
  if (!isParts(a)) return add(a, b);
  const indices = new Set([a, b].flatMap((each) => {
    const source = sourceOf(each);
    return source.kind === "op" ? (source.attrs as PartsAttrs).indices : [];
  }));
  return parts(new Map([...indices].map((index) => [index, addUp([partOf(a, index), partOf(b, index)])!])));
}

/** The results of an operation that has as many as there are examples of their shapes and types. */
export function resultsOf(all: Tensor, examples: readonly { readonly shape: Shape; readonly dtype: DType }[]): Tensor[] {
  return examples.map(({ shape, dtype }, index) => apply(resultOp, [all], { index, shape, dtype }));
}
