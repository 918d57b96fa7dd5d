/**
 * Reductions and sorting.
 *
 * @module
 */
import { cumsumOp } from "../../core/ops/cumulative.ts";
import { argmaxOp, argminOp, maxOp, minOp } from "../../core/ops/reduce.ts";
import { prodOp } from "../../core/ops/prod.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import { argsortOp } from "../../core/ops/sort.ts";
import { type ReduceAttrs, sumOp } from "../../core/ops/sum.ts";
import { otherAxes } from "../../core/shape.ts";
import type { Op } from "../../core/tensor.ts";
import { productOf, sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import { fixed, madeBy } from "./match.ts";
import { type Emitter, type Fusion, Inexpressible, needed, type Row, row } from "./emitter.ts";
import { codeOf } from "./writer.ts";

const reductions: ReadonlyMap<Op, string> = new Map([
  [sumOp, "ReduceSum"],
  [maxOp, "ReduceMax"],
  [minOp, "ReduceMin"],
  [prodOp, "ReduceProd"],
] as [Op, string][]);

function axesOf(value: Value): readonly number[] {
  return needed(fixed(value, value.op as Op<ReduceAttrs>, ({ axes }) => axes));
}

function reduce(value: Value, emitter: Emitter, keepdims: 0 | 1): string {
  const inputs = [emitter.of(value.inputs[0]), emitter.initializers.integers(axesOf(value))];
  return emitter.node(reductions.get(value.op!)!, inputs, { keepdims });
}

const reduceRow: Row = (value, emitter) => reduce(value, emitter, 0);

/** A reduction whose axes stay with extent 1. */
const kept: Fusion = (value, emitter) => {
  const [reduced] = madeBy(value, reshapeOp) ?? [];
  if (!reduced?.op || !reductions.has(reduced.op)) return undefined;
  const [x] = reduced.inputs;
  const axes = axesOf(reduced);
  const keeps = sameExtents(value.shape, x.shape.map((extent, i) => axes.includes(i) ? 1 : extent));
  return keeps ? reduce(reduced, emitter, 1) : undefined;
};

/** Over several axes: along one that they are joined to. */
function indexOf(op: string): Row {
  return (value, emitter) => {
    const [x] = value.inputs;
    const axes = axesOf(value);
    const rest = otherAxes(x.shape, axes);
    const perm = [...rest, ...axes];
    let name = emitter.of(x);
    let axis = axes[0];
    if (axes.length !== 1) {
      const joined = productOf(axes.map((each) => x.shape[each]));
      if (joined === undefined) throw new Inexpressible("it joins several axes that grow with the batch");
      const moved = perm.every((each, i) => each === i) ? name : emitter.node("Transpose", [name], { perm });
      name = emitter.reshaped(moved, perm.map((each) => x.shape[each]), [...rest.map((each) => x.shape[each]), joined]);
      axis = rest.length;
    }
    return emitter.node("Cast", [emitter.node(op, [name], { axis, keepdims: 0 })], { to: codeOf(value.dtype) });
  };
}

const argsort: Row = (value, emitter) => {
  const [x] = value.inputs;
  const { descending, count = x.shape[x.shape.length - 1] } = needed(fixed(value, argsortOp, (attrs) => attrs));
  const outputs = [emitter.fresh("sorted"), emitter.fresh("order")];
  emitter.add("TopK", [emitter.of(x), emitter.integers([count])], {
    axis: -1,
    largest: Number(descending),
    sorted: 1,
  }, outputs);
  return emitter.node("Cast", [outputs[1]], { to: codeOf(value.dtype) });
};

const cumsum: Row = (value, emitter) => {
  const { axis, reverse } = needed(fixed(value, cumsumOp, (attrs) => attrs));
  return emitter.node("CumSum", [emitter.of(value.inputs[0]), emitter.scalar("i32", axis)], { reverse: Number(reverse) });
};

export const reductionRows: readonly (readonly [Op, Row])[] = [
  row(sumOp, reduceRow),
  row(maxOp, reduceRow),
  row(minOp, reduceRow),
  row(prodOp, reduceRow),
  row(argmaxOp, indexOf("ArgMax")),
  row(argminOp, indexOf("ArgMin")),
  row(argsortOp, argsort),
  row(cumsumOp, cumsum),
];

export const reductionFusions: readonly (readonly [Op, Fusion])[] = [[reshapeOp as Op, kept]];
