/**
 * Spans of neighbouring elements that begin at indices: the primitives of slices whose start is computed.
 *
 * x [outer, extent] and indices [count] give the spans [outer, count, length], as they lie in memory; written, they replace what is
 * there. Spans of one operation do not overlap, so that each of the two is what the derivative of the other needs. Indices are
 * clamped so that spans lie inside.
 *
 * @module
 */
import type { Op, Tensor } from "../tensor.ts";
import { add, mul } from "./arithmetic.ts";
import { maximum, minimum } from "./binary.ts";
import { zeroTangent } from "./constant.ts";
import { iota } from "./creation.ts";
import { apply } from "./define.ts";
import { permute } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { batchAll } from "./sum.ts";

/** Attributes of operations on spans. */
export interface SpanAttrs {
  /** How many elements a span has. */
  readonly length: number;
}

/** [examples, outer, ...] as [outer, examples ...]: the examples of each as one. */
function joinExamples(x: Tensor): Tensor {
  const [examples, outer, first, ...rest] = x.shape;
  return reshape(permute(x, [1, 0, ...x.shape.keys()].filter((axis, i) => i < 2 || axis > 1)), [
    outer,
    examples * first,
    ...rest,
  ]);
}
function splitExamples(x: Tensor, examples: number): Tensor {
  const [outer, joined, ...rest] = x.shape;
  const split = reshape(x, [outer, examples, joined / examples, ...rest]);
  return permute(split, [1, 0, ...split.shape.keys()].filter((axis, i) => i < 2 || axis > 1));
}

/** Indices [examples, count] as one list, into examples of `extent` elements one behind the other. */
function listed(indices: Tensor, extent: number, { length }: SpanAttrs): Tensor {
  const [examples, count] = indices.shape;
  // A span that would reach out of its example must not become one of the neighbour's.
  const inside = maximum(minimum(indices, extent - length), 0);
  return reshape(add(inside, mul(iota([examples, count], 0), extent)), [examples * count]);
}

/** Spans as rows: at each of them one may begin that still lies inside. */
const rowsOf = (outer: number, extent: number, count: number, length: number) => ({
  shape: [outer, count, length],
  outer,
  size: extent - length + 1,
  inner: length,
  step: 1,
  count,
});

export const takeSpansOp: Op<SpanAttrs> = {
  name: "takeSpans",
  shape: ([[outer], [count]], { length }) => [outer, count, length],
  dtype: ([x]) => x,
  vjp: (g, [x, indices], _, attrs) => [apply(writeSpansOp, [zeroTangent(x), g, indices], attrs), undefined],
  jvp: ([t], [, indices], _, attrs) => [t && apply(takeSpansOp, [t, indices], attrs)],
  vmap: ([x, indices], batched, attrs, examples) => {
    if (!batched[1]) {
      const [, outer, extent] = x.shape;
      const taken = apply(takeSpansOp, [reshape(x, [examples * outer, extent]), indices], attrs);
      return reshape(taken, [examples, outer, ...taken.shape.slice(1)]);
    }
    const [whole, list] = batched[0]
      ? [joinExamples(x), listed(indices, x.shape[2], attrs)]
      : [x, reshape(indices, [indices.size])];
    return splitExamples(apply(takeSpansOp, [whole, list], attrs), examples);
  },
  lower: {
    kind: "kernel",
    build: ([source, indices], [[outer, extent], [count]], { length }) => ({
      kind: "gatherRows",
      ...rowsOf(outer, extent, count, length),
      operands: [source, indices],
    }),
  },
};

export const writeSpansOp: Op<SpanAttrs> = {
  name: "writeSpans",
  shape: ([x]) => x,
  dtype: ([x]) => x,
  vjp: (g, [, spans, indices], _, attrs) => [
    apply(writeSpansOp, [g, zeroTangent(spans), indices], attrs),
    apply(takeSpansOp, [g, indices], attrs),
    undefined,
  ],
  jvp: ([tx, tspans], [x, spans, indices], _, attrs) => {
    if (!tx && !tspans) return [];
    return [apply(writeSpansOp, [tx ?? zeroTangent(x), tspans ?? zeroTangent(spans), indices], attrs)];
  },
  vmap: ([x, spans, indices], batched, attrs, examples) => {
    const [wholes, parts] = batchAll([x, spans], batched, examples);
    const [, outer, extent] = wholes.shape;
    if (batched[2]) {
      const written = apply(writeSpansOp, [joinExamples(wholes), joinExamples(parts), listed(indices, extent, attrs)], attrs);
      return splitExamples(written, examples);
    }
    const merged = [reshape(wholes, [examples * outer, extent]), reshape(parts, [examples * outer, ...parts.shape.slice(2)])];
    return reshape(apply(writeSpansOp, [...merged, indices], attrs), wholes.shape);
  },
  lower: {
    kind: "kernel",
    updatesFirst: true,
    build: ([source, indices], [[outer, extent], [, count]], { length }) => ({
      kind: "scatterRows",
      ...rowsOf(outer, extent, count, length),
      operands: [source, indices],
    }),
  },
};
