/**
 * Activations and softmax.
 *
 * @module
 */
import {
  add,
  argmax,
  cast,
  celu,
  clip,
  elu,
  eq,
  expm1,
  gelu,
  gt,
  hardSwish,
  iota,
  leakyRelu,
  logSoftmax,
  lt,
  mish,
  mul,
  relu,
  reshape,
  sigmoid,
  softmax,
  softplus,
  softsign,
  sub,
  type Tensor,
  where,
} from "../../mod.ts";
import { normalizeAxis, sizeOf } from "../../core/shape.ts";
import type { Call, OnnxOp, OpTable } from "../call.ts";
import { unary } from "./elementwise.ts";

/** Before version 13, the axes from the given one on are taken for one. */
function along(f: (x: Tensor, axis: number) => Tensor): OnnxOp {
  return (call) =>
    call.lifted((x) => {
      const isOld = call.opset < 13;
      const axis = normalizeAxis(call.attributes.number("axis", isOld ? 1 : -1), x.rank, call.op);
      if (!isOld) return f(x, axis);
      return reshape(f(reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]), 1), x.shape);
    });
}

/** 1 at the first largest element along an axis, else 0. */
function hardmax(x: Tensor, axis: number): Tensor {
  return cast(eq(iota(x.shape, axis), argmax(x, { axis, keepDims: true })), x.dtype);
}

/** Slopes are broadcast as other operands are; before version 7, a list of them is for axis 1. */
function parametricRelu(call: Call): Tensor {
  return call.lifted((x, slope) => {
    const placed = slope.rank === 1 && x.rank > 2 && slope.shape[0] === x.shape[1] && call.opset < 7
      ? reshape(slope, [slope.shape[0], ...x.shape.slice(2).map(() => 1)])
      : slope;
    return where(lt(x, 0), mul(x, placed), x);
  });
}

function shrink(x: Tensor, { attributes }: Call): Tensor {
  const [bias, limit] = [attributes.number("bias", 0), attributes.number("lambd", 0.5)];
  return where(gt(x, limit), sub(x, bias), where(lt(x, -limit), add(x, bias), mul(x, 0)));
}

function selu(x: Tensor, { attributes }: Call): Tensor {
  const alpha = attributes.number("alpha", 1.6732632423543772);
  const gamma = attributes.number("gamma", 1.0507009873554805);
  const positive = gt(x, 0);
  return mul(gamma, where(positive, x, mul(alpha, expm1(where(positive, 0, x)))));
}

/** What these ops do. */
export const activations: OpTable = {
  Relu: unary(relu),
  Sigmoid: unary(sigmoid),
  Softplus: unary(softplus),
  Softsign: unary(softsign),
  Mish: unary(mish),
  HardSwish: unary(hardSwish),
  Elu: unary((x, { attributes }) => elu(x, { alpha: attributes.number("alpha", 1) })),
  Celu: unary((x, { attributes }) => celu(x, { alpha: attributes.number("alpha", 1) })),
  Selu: unary(selu),
  LeakyRelu: unary((x, { attributes }) => leakyRelu(x, { negativeSlope: attributes.number("alpha", 0.01) })),
  ThresholdedRelu: unary((x, { attributes }) => where(gt(x, attributes.number("alpha", 1)), x, mul(x, 0))),
  HardSigmoid: unary((x, { attributes }) => {
    return clip(add(mul(x, attributes.number("alpha", 0.2)), attributes.number("beta", 0.5)), { min: 0, max: 1 });
  }),
  Gelu: unary((x, { attributes }) => gelu(x, { approximate: attributes.text("approximate", "none") === "tanh" })),
  Shrink: unary(shrink),
  PRelu: parametricRelu,
  Softmax: along((x, axis) => softmax(x, { axis })),
  LogSoftmax: along((x, axis) => logSoftmax(x, { axis })),
  Hardmax: along(hardmax),
};
