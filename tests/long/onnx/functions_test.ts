/**
 * Functions of several records in another runtime: those that become one op, and those that do not; extents that grow with the batch.
 *
 * @module
 */
import {
  adaptiveAvgPool2d,
  add,
  argsort,
  avgPool2d,
  broadcastTo,
  celu,
  clip,
  concat,
  conv1d,
  cumsum,
  dynamicSlice,
  elu,
  flip,
  gelu,
  groupNorm,
  hardSigmoid,
  hardSwish,
  hardTanh,
  instanceNorm,
  jit,
  layerNorm,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  logSumExp,
  matmul,
  maxPool2d,
  mean,
  mish,
  mul,
  norm,
  oneHot,
  ones,
  pad,
  prelu,
  random,
  relu6,
  remainder,
  reshape,
  scan,
  selu,
  setDevice,
  type Shape,
  slice,
  softmax,
  softplus,
  sort,
  stack,
  std,
  sum,
  takeAlongAxis,
  Tensor,
  tensor,
  topK,
  transpose,
  variance,
  where,
} from "../../../mod.ts";
import { encode } from "../../../onnx/mod.ts";
import { assertSame } from "./run.ts";

await setDevice("wasm");

const image: Shape = [4, 6, 6];
const perChannel = { weight: tensor([1, 2, 3, 4]), bias: tensor([5, 6, 7, 8]) };
const ofSix = { weight: tensor([1, 2, 3, 4, 5, 6]), bias: tensor([6, 5, 4, 3, 2, 1]) };

/** Functions of a batch of rows [6], or of images. */
const functions: Readonly<Record<string, readonly [(x: Tensor) => unknown, Shape?]>> = {
  softmax: [(x) => softmax(x)],
  "softmax along another axis": [(x) => softmax(x, { axis: 1 }), image],
  "softmax over the batch": [(x) => softmax(x, { axis: 0 })],
  logSoftmax: [(x) => logSoftmax(x)],
  logSumExp: [(x) => logSumExp(x, { axis: 1 })],
  layerNorm: [(x) => layerNorm(x, ofSix), image],
  "layerNorm of two axes": [(x) => layerNorm(x, { axis: [-2, -1] }), image],
  "layerNorm of channels": [(x) => layerNorm(x, { axis: 1 }), image],
  groupNorm: [(x) => groupNorm(x, { groups: 2, ...perChannel }), image],
  instanceNorm: [(x) => instanceNorm(x, perChannel), image],
  "mean of the batch": [(x) => mean(x)],
  "variance of the batch": [(x) => variance(x, { axis: 0 })],
  std: [(x) => std(x, { axis: 1, correction: 1 })],
  norm: [(x) => norm(x, { axis: 1 })],
  leakyRelu: [(x) => leakyRelu(x, { negativeSlope: 0.2 })],
  prelu: [(x) => prelu(x, tensor([0.1, 0.2, 0.3, 0.4])), image],
  elu: [(x) => elu(x, { alpha: 0.7 })],
  celu: [(x) => celu(x, { alpha: 0.7 })],
  selu: [(x) => selu(x)],
  gelu: [(x) => gelu(x)],
  "gelu by tanh": [(x) => gelu(x, { approximate: true })],
  softplus: [(x) => softplus(mul(x, 30))],
  logSigmoid: [(x) => logSigmoid(x)],
  mish: [(x) => mish(x)],
  relu6: [(x) => relu6(mul(x, 5))],
  hardTanh: [(x) => hardTanh(x)],
  hardSigmoid: [(x) => hardSigmoid(mul(x, 3))],
  hardSwish: [(x) => hardSwish(mul(x, 3))],
  clip: [(x) => clip(x, { min: -0.5, max: 0.5 })],
  "clip on one side": [(x) => clip(x, { max: 0.5 })],
  "conv1d": [(x) => conv1d(x, ones([2, 4, 3]), { padding: 1, bias: tensor([1, 2]) }), [4, 7]],
  "maxPool2d in ceil mode": [(x) => maxPool2d(x, { kernel: 3, stride: 2, padding: 1, ceilMode: true }), image],
  "avgPool2d in ceil mode": [(x) => avgPool2d(x, { kernel: 3, stride: 2, padding: 1, ceilMode: true }), [4, 7, 6]],
  "avgPool2d without padding": [
    (x) => avgPool2d(x, { kernel: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
    [4, 7, 6],
  ],
  "avgPool2d by a divisor": [(x) => avgPool2d(x, { kernel: 2, divisorOverride: 3 }), image],
  adaptiveAvgPool2d: [(x) => adaptiveAvgPool2d(x, [4, 3]), image],
  "products of batches": [(x) => matmul(x, transpose(x)), image],
  "a product with one matrix": [(x) => matmul(x, ones([6, 2])), image],
  "a product with a broadcast one": [(x) => matmul(broadcastTo(ones([1, 3, 6]), [4, 3, 6]), x), image],
  "a gram matrix": [(x) => matmul(transpose(x), x)],
  cumsum: [(x) => cumsum(x, { axis: 1 })],
  sort: [(x) => sort(x)],
  "argsort of the batch": [(x) => argsort(x, { axis: 0, descending: true })],
  topK: [(x) => topK(x, 3)],
  takeAlongAxis: [(x) => takeAlongAxis(x, argsort(x), { axis: 1 })],
  dynamicSlice: [(x) => dynamicSlice(x, [0, tensor(2, { dtype: "i32" })], [x.shape[0], 3])],
  oneHot: [(x) => oneHot(argsort(x), 6)],
  "pad in each mode": [
    (x) => ["reflect", "replicate", "circular"].map((mode) => pad(x, { low: [0, 2], high: [0, 1], mode: mode as "reflect" })),
  ],
  "pad between": [(x) => pad(x, { low: [0, 1], high: [0, 2], interior: [1, 2], value: 3 })],
  "flip of the batch": [(x) => flip(x, { axis: [0, 1] })],
  "the last of the batch": [(x) => slice(x, { start: -1 })],
  "every second of the batch": [(x) => [slice(concat([x, x]), { step: 2 })]],
  "batch and rows in one": [(x) => reshape(x, [x.shape[0] * 2, 3])],
  "rows by batch": [(x) => reshape(transpose(x), [6, 1, x.shape[0]])],
  "more than the batch": [(x) => concat([ones([3, 6]), x])],
  "the size of the batch": [(x) => mul(sum(x, { axis: 0 }), x.shape[0])],
  stack: [(x) => stack([x, add(x, 1)], { axis: 1 })],
  remainder: [(x) => remainder(x, 0.3)],
  where: [(x) => where(x, x, -1)],
  "a jitted function": [jit((x: Tensor) => softmax(add(x, 1)))],
  "a loop over the batch": [(x) => scan((s: Tensor, each: Tensor) => [add(mul(s, 0.5), each), s], ones([6]), x)],
  "a loop from the end": [
    (x) => scan((s: Tensor, each: Tensor) => [add(mul(s, 0.5), each), [s, each]], ones([6]), x, { reverse: true }),
  ],
  "a loop without rows": [(x) => scan((s: Tensor) => [mul(s, 0.5), sum(s)], x, null, { length: 4 })],
  "a loop in a loop": [(x) => {
    const inner = (s: Tensor) => scan((t: Tensor) => [add(t, s), null], s, null, { length: 2 })[0];
    return scan((s: Tensor, each: Tensor) => [inner(add(s, each)), null], mul(x, 0), stack([x, x]))[0];
  }],
};

for (const [name, [f, shape = [6]]] of Object.entries(functions)) {
  Deno.test(name, async () => {
    const bytes = await encode(f, [{ shape: [2, ...shape] }]);
    for (const size of [1, 4]) await assertSame(f, bytes, [random.normal(random.key(size), [size, ...shape])]);
  });
}
