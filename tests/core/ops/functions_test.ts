/** Functions made of operations: the laws again, and their values and derivatives where they are delicate. */
import assert from "node:assert/strict";
import {
  abs,
  add,
  argmax,
  argmin,
  atan2,
  avgPool2d,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  clip,
  concat,
  conv2d,
  crossEntropy,
  data,
  div,
  dot,
  elu,
  exp,
  expandDims,
  flip,
  gelu,
  grad,
  leakyRelu,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  maxPool2d,
  mean,
  min,
  minimum,
  mseLoss,
  mul,
  nllLoss,
  norm,
  oneHot,
  ones,
  pad,
  pow,
  reciprocal,
  relu,
  reshape,
  sigmoid,
  sign,
  silu,
  slice,
  softmax,
  softplus,
  sqrt,
  stack,
  std,
  sub,
  sum,
  take,
  tanh,
  type Tensor,
  tensor,
  toArray,
  transpose,
  variance,
  where,
  zeros,
} from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const within = (domain: Input["domain"], ...shape: number[]): Input => ({ shape, domain, dtype: "float" });
const labels: Input = { shape: [3], domain: "integer", dtype: "i32", range: [0, 4] };

const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

/** At least one way to call every function that has no record of its own. */
const subjects: readonly Subject[] = [
  subject("leakyRelu", [within("nonzero", 2, 3)], (x) => leakyRelu(x, { negativeSlope: 0.2 })),
  subject("elu", [within("nonzero", 2, 3)], (x) => elu(x, { alpha: 0.5 })),
  subject("silu", [float(2, 3)], (x) => silu(x)),
  subject("softplus", [float(2, 3)], (x) => softplus(x)),
  subject("gelu", [float(2, 3)], (x) => gelu(x)),
  subject("gelu by tanh", [float(2, 3)], (x) => gelu(x, { approximate: true })),
  subject("softmax", [float(3, 4)], (x) => softmax(x)),
  subject("softmax along the first axis", [float(3, 4)], (x) => softmax(x, { axis: 0 })),
  subject("logSoftmax", [float(2, 3, 4)], (x) => logSoftmax(x, { axis: 1 })),
  subject("nllLoss", [float(3, 5), labels], (x, classes) => nllLoss(x, classes, { reduction: "none" })),
  subject("crossEntropy", [float(3, 5), labels], (x, classes) => crossEntropy(x, classes)),
  subject("crossEntropy of one example", [float(5), { ...labels, shape: [] }], (x, one) => crossEntropy(x, one)),
  subject("mse", [float(3, 2), float(3, 2)], (x, y) => mseLoss(x, y, { reduction: "sum" })),
  subject("binaryCrossEntropy", [float(6), within("unit", 6)], (x, y) => binaryCrossEntropy(sigmoid(x), y)),
  subject("binaryCrossEntropyWithLogits", [float(6), within("unit", 6)], (x, y) => binaryCrossEntropyWithLogits(x, y)),
  subject("mean", [float(2, 3, 2)], (x) => mean(x, { axis: [0, 2], keepDims: true })),
  subject("variance", [float(4, 3)], (x) => variance(x, { axis: 0, correction: 1 })),
  subject("std", [float(4, 3)], (x) => std(x, { axis: -1 })),
  subject("norm", [float(4, 3)], (x) => norm(x, { axis: 1 })),
  subject("clip", [float(9)], (x) => clip(x, { min: -0.75, max: 0.5 })),
  subject("reciprocal", [within("nonzero", 5)], (x) => reciprocal(x)),
  subject("square by pow", [float(5)], (x) => pow(x, 2)),
  subject("a power of a negative base", [within("nonzero", 5)], (x) => pow(x, 3)),
  subject("dot", [float(5), float(5)], (x, y) => dot(x, y)),
  subject("matmul of vectors", [float(3), float(3, 4)], (x, y) => matmul(x, y)),
  subject("matmul with broadcast batches", [float(2, 1, 3, 2), float(4, 2, 3)], (x, y) => matmul(x, y)),
  subject("matmul of a batch by one matrix", [float(2, 3, 4), float(4, 2)], (x, y) => matmul(x, y)),
  subject("matmul of transposed operands", [float(3, 2), float(4, 3)], (x, y) => matmul(transpose(x), transpose(y))),
  subject(
    "conv2d with bias",
    [float(2, 2, 5, 5), float(4, 1, 3, 3), float(4)],
    (x, weight, bias) => conv2d(x, weight, { bias, padding: 1, stride: 2, groups: 2 }),
  ),
  subject(
    "a small network",
    [float(2, 1, 6, 6), float(2, 1, 3, 3), float(3, 8)],
    (x, filter, weight) =>
      logSoftmax(matmul(reshape(maxPool2d(tanh(conv2d(x, filter)), { kernel: 2 }), [2, 8]), transpose(weight))),
  ),
  subject("avgPool2d and back", [float(1, 2, 4, 4)], (x) => mul(x, sum(avgPool2d(x, { kernel: 2 })))),
  subject("take with repeated indices", [float(4, 3)], (x) => take(x, tensor([0, 2, 2, -1], { dtype: "i32" }))),
  subject("take along the last axis", [float(2, 5), labels], (x, at) => take(x, at, { axis: -1 })),
  subject(
    "stack and concat",
    [float(2, 3), float(2, 3)],
    (x, y) => concat([stack([x, y], { axis: 1 }), stack([y, x], { axis: 1 })]),
  ),
  subject(
    "slice, flip and pad",
    [float(3, 6)],
    (x) => pad(flip(slice(x, { axis: 1, start: 1, step: 2 }), { axis: 1 }), { low: [1, 0], high: [0, 2], value: 1 }),
  ),
  subject("broadcasting", [float(3, 1), float(4), float()], (x, y, z) => mul(add(x, y), z)),
  subject("layer normalisation", [float(4, 6), float(6)], (x, scale) => {
    const centred = sub(x, mean(x, { axis: -1, keepDims: true }));
    return mul(div(centred, sqrt(add(variance(x, { axis: -1, keepDims: true }), 1e-5))), scale);
  }),
  subject(
    "attention",
    [float(5, 4), float(5, 4), float(5, 4)],
    (q, k, v) => matmul(softmax(mul(matmul(q, transpose(k)), 0.5)), v),
  ),
  subject(
    "distances",
    [float(4, 2), float(3, 2)],
    (x, y) => norm(sub(expandDims(x, { axis: 1 }), expandDims(y, { axis: 0 })), { axis: 2 }),
  ),
];

testSubjects(subjects);

const inf = Infinity;

testOnDevices("values at special points", async () => {
  const cases: readonly [string, Tensor, unknown][] = [
    ["maximum", maximum(tensor([NaN, 1, inf, -inf, 2]), tensor([1, NaN, 3, -1, 2])), [NaN, NaN, inf, -1, 2]],
    ["minimum", minimum(tensor([NaN, 1, inf, -inf, 2]), tensor([1, NaN, 3, -1, 2])), [NaN, NaN, 3, -inf, 2]],
    ["max", max(tensor([[1, NaN, 3], [-inf, -5, -inf]]), { axis: 1 }), [NaN, -5]],
    ["min", min(tensor([[1, NaN, 3], [inf, 5, inf]]), { axis: 1 }), [NaN, 5]],
    ["max of infinities", max(tensor([-inf, -inf])), -inf],
    ["argmax", argmax(tensor([[1, 3, 3], [1, NaN, 9], [-inf, -inf, -inf]]), { axis: 1 }), [1, 1, 0]],
    ["argmin", argmin(tensor([[3, 1, 1], [1, NaN, -9], [inf, inf, inf]]), { axis: 1 }), [1, 1, 0]],
    ["argmax over all", argmax(tensor([[1, 2], [9, 9]])), 2],
    ["argmax of a scalar", argmax(tensor(5)), 0],
    ["sum of nothing", sum(zeros([2, 0]), { axis: 1 }), [0, 0]],
    ["sum over no axis", sum(tensor([1, 2]), { axis: [] }), [1, 2]],
    ["mean of nothing", mean(zeros([0])), NaN],
    ["matmul over nothing", matmul(zeros([1, 0]), zeros([0, 2])), [[0, 0]]],
    ["relu", relu(tensor([NaN, -1, 0, inf, -inf])), [NaN, 0, 0, inf, 0]],
    ["sign", sign(tensor([-2, 0, 3, -inf])), [-1, 0, 1, -1]],
    ["sigmoid", sigmoid(tensor([-inf, -100, 0, 100, inf])), [0, 0, 0.5, 1, 1]],
    ["softplus", softplus(tensor([-inf, 0, 200, inf])), [0, Math.fround(Math.LN2), 200, inf]],
    ["elu", elu(tensor([-inf, 0, 1000])), [-1, 0, 1000]],
    ["pow", pow(tensor([0, 0, 2, -2, 4, inf]), tensor([0, 2, -1, 3, 0.5, 0])), [1, 0, 0.5, -8, 2, 1]],
    ["a fractional power of a negative", pow(tensor([-2]), 0.5), [NaN]],
    ["division by zero", div(tensor([1, -1, 0]), 0), [inf, -inf, NaN]],
    ["division by negative zero", div(tensor([1, -1, 0]), -0), [-inf, inf, NaN]],
    ["division by an infinity", div(tensor([1, -3, 0]), -inf), [0, 0, 0]],
    ["division by a power of two", div(tensor([3, -5]), -8), [-0.375, 0.625]],
    ["division by one half", div(tensor([3, inf]), 0.5), [6, inf]],
    ["division of integers", div(tensor([7, 0], { dtype: "i32" }), 2), [3.5, 0]],
    ["log", log(tensor([0, 1, -1, inf])), [-inf, 0, NaN, inf]],
    ["clip", clip(tensor([NaN, -9, 9, 0.5]), { min: -1, max: 1 }), [NaN, -1, 1, 0.5]],
    ["softmax of large logits", softmax(tensor([[1e4, 1e4], [-1e4, -1e4], [1e4, -1e4]])), [[0.5, 0.5], [0.5, 0.5], [1, 0]]],
    ["softmax with a masked logit", softmax(tensor([0, -inf])), [1, 0]],
    ["softmax of infinite logits", softmax(tensor([inf, 3, inf, -inf, 3e38])), [0.5, 0, 0.5, 0, 0]],
    ["softmax of no number", softmax(tensor([0, NaN, inf])), [NaN, NaN, NaN]],
    ["logSoftmax", logSoftmax(tensor([1e4, 0])), [0, -1e4]],
    ["crossEntropy of a certain miss", crossEntropy(tensor([[1e3, 0]]), tensor([1], { dtype: "i32" })), 1000],
    ["binaryCrossEntropy of a certain miss", binaryCrossEntropy(tensor([0, 1]), tensor([1, 0])), 100],
    ["binaryCrossEntropyWithLogits", binaryCrossEntropyWithLogits(tensor([300, -300]), tensor([0, 1])), 300],
    ["maxPool2d", maxPool2d(tensor([[[[1, NaN], [-inf, 2]]]]), { kernel: [1, 2] }), [[[[NaN], [2]]]]],
    ["maxPool2d of negatives with padding", maxPool2d(full22(-5), { kernel: 2, padding: 1 }), [[[[-5, -5], [-5, -5]]]]],
    ["oneHot", oneHot(tensor([1, 2], { dtype: "i32" }), 3), [[0, 1, 0], [0, 0, 1]]],
    ["where hides what is not chosen", where(tensor([true, false]), tensor([1, NaN]), tensor([inf, 2])), [1, 2]],
    ["atan2", atan2(tensor([0, 1, -1]), tensor([1, 0, 0])), [0, Math.fround(Math.PI / 2), Math.fround(-Math.PI / 2)]],
  ];
  for (const [name, x, expected] of cases) {
    assertClose(await data(x), [expected].flat(9) as number[], { relative: 1e-6, absolute: 1e-6 }, name);
  }
});

function full22(value: number): Tensor {
  return mul(ones([1, 1, 2, 2]), value);
}

testOnDevices("derivatives at kinks, ties and edges", async () => {
  const i32 = (...values: number[]) => tensor(values, { dtype: "i32" });
  const cases: readonly [string, (x: Tensor) => Tensor, number[], number[]][] = [
    ["abs", abs, [-2, 0, 2], [-1, 0, 1]],
    ["relu", relu, [-2, 0, 2], [0, 0, 1]],
    ["leakyRelu", (x) => leakyRelu(x, { negativeSlope: 0.25 }), [-2, 0, 2], [0.25, 0.25, 1]],
    ["elu", elu, [-1e4, 0, 1e4], [0, 1, 1]],
    ["softplus", softplus, [-1e4, 0, 1e4], [0, 0.5, 1]],
    ["sigmoid", sigmoid, [-1e4, 0, 1e4], [0, 0.25, 0]],
    ["clip", (x) => clip(x, { min: -1, max: 1 }), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]],
    ["sqrt", sqrt, [0, 4], [inf, 0.25]],
    ["a whole power at 0", (x) => pow(x, 3), [0, 2], [0, 12]],
    ["the power 1 at 0", (x) => pow(x, tensor(1)), [0, 5], [1, 1]],
    ["the power 0 at 0", (x) => pow(x, tensor(0)), [0, 5], [0, 0]],
    ["an exponent over 0", (y) => pow(tensor([0, 1]), y), [2, 2], [0, 0]],
    ["max shares among ties", max, [3, 1, 3], [0.5, 0, 0.5]],
    ["min shares among ties", min, [1, 1, 3], [0.5, 0.5, 0]],
    ["maximum of equals", (x) => maximum(x, tensor([1, 2, 3])), [2, 2, 2], [1, 0.5, 0]],
    ["minimum of equals", (x) => minimum(x, tensor([1, 2, 3])), [2, 2, 2], [0, 0.5, 1]],
    ["norm of nothing but zeros", norm, [0, 0], [0, 0]],
    ["norm", norm, [3, 4], [0.6, 0.8]],
    ["maxPool2d chooses the first", (x) => maxPool2d(reshape(x, [1, 1, 1, 4]), { kernel: [1, 2] }), [1, 1, 2, 5], [1, 0, 0, 1]],
    ["take adds repeated rows up", (x) => take(x, i32(1, 1, 0, -1)), [1, 2], [1, 3]],
    ["crossEntropy", (x) => crossEntropy(reshape(x, [1, 2]), i32(0)), [0, 0], [-0.5, 0.5]],
    ["crossEntropy of large logits", (x) => crossEntropy(reshape(x, [1, 2]), i32(0)), [-1e4, 1e4], [-1, 1]],
    ["binaryCrossEntropyWithLogits at 0", (x) => binaryCrossEntropyWithLogits(x, tensor([1, 0])), [0, 0], [-0.25, 0.25]],
    ["binaryCrossEntropy of a certain miss", (x) => binaryCrossEntropy(x, tensor([1, 0])), [0, 1], [-5e11, 5e11]],
    // 1 - tanh(1 + tanh(x))^2, times 1 - tanh(x)^2: a driver once lost the exponent of such a sum.
    ["tanh of a sum with tanh", (x) => tanh(add(1, tanh(x))), [0, 0.5], [0.4199743416, 0.1521641310]],
    ["exp of exp", (x) => exp(mul(x, x)), [0, 1], [0, 2 * Math.E]],
  ];
  for (const [name, f, at, expected] of cases) {
    const slope = grad((x: Tensor) => sum(f(x)))(tensor(at));
    assertClose(await data(slope), expected, { relative: 1e-6, absolute: 1e-6 }, name);
  }
  // The second derivative of softplus at 0: both sides agree.
  const bend = grad((x: Tensor) => sum(grad((x: Tensor) => sum(softplus(x)))(x)))(tensor([0, 1e4]));
  assertClose(await data(bend), [0.25, 0], { relative: 1e-6, absolute: 1e-6 }, "softplus twice");
  assert.deepEqual(await toArray(grad((x: Tensor) => sum(x))(zeros([2, 0]))), [[], []]);
});
