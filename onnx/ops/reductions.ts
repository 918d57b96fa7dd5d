/**
 * Ops that reduce axes, or go along one: sums, extremes, running sums, the largest k.
 *
 * @module
 */
import {
  abs,
  argmax,
  argmin,
  cumsum,
  flip,
  log,
  logSumExp,
  max,
  mean,
  min,
  mul,
  prod,
  sqrt,
  sub,
  sum,
  type Tensor,
  topK,
} from "../../mod.ts";
import type { ReduceOptions } from "../../core/ops/sum.ts";
import { normalizeAxis } from "../../core/shape.ts";
import type { Call, OnnxOp, OpTable } from "../call.ts";

type Reduction = (x: Tensor, options: ReduceOptions) => Tensor;

/** The axes are an attribute first, an input later; none means all, or nothing at all if the node says so. */
function reduction(f: Reduction): OnnxOp {
  return (call) => {
    const axes = call.intsOf("axes", 1);
    if (!axes?.length && call.attributes.flag("noop_with_empty_axes", false)) return call.tensor(0);
    const axis = axes?.length ? axes : undefined;
    return call.like(0, f(call.computed(0), { axis, keepDims: call.attributes.flag("keepdims", true) }));
  };
}

function place(f: (x: Tensor, options: { axis: number; keepDims: boolean }) => Tensor): OnnxOp {
  return (call) => {
    const x = call.computed(0);
    const axis = normalizeAxis(call.attributes.number("axis", 0), x.rank, call.op);
    const keepDims = call.attributes.flag("keepdims", true);
    if (!call.attributes.flag("select_last_index", false)) return f(x, { axis, keepDims });
    return sub(x.shape[axis] - 1, f(flip(x, { axis }), { axis, keepDims }));
  };
}

function largest(call: Call): readonly Tensor[] {
  const x = call.computed(0);
  const k = call.has(1) ? call.scalar(1) : call.attributes.number("k");
  const { values, indices } = topK(x, k, {
    axis: call.attributes.number("axis", -1),
    largest: call.attributes.flag("largest", true),
  });
  return [call.like(0, values), indices];
}

/** What these ops do. */
export const reductions: OpTable = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(max),
  ReduceMin: reduction(min),
  ReduceProd: reduction(prod),
  ReduceL1: reduction((x, options) => sum(abs(x), options)),
  ReduceL2: reduction((x, options) => sqrt(sum(mul(x, x), options))),
  ReduceLogSum: reduction((x, options) => log(sum(x, options))),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceSumSquare: reduction((x, options) => sum(mul(x, x), options)),
  ArgMax: place(argmax),
  ArgMin: place(argmin),
  CumSum: (call) =>
    call.like(
      0,
      cumsum(call.computed(0), {
        axis: call.scalar(1),
        exclusive: call.attributes.flag("exclusive", false),
        reverse: call.attributes.flag("reverse", false),
      }),
    ),
  TopK: largest,
};
