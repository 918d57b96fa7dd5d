/**
 * Losses: the laws, extreme inputs, refusals. (Values and gradients against PyTorch: tests/parity/losses_test.ts.)
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  binaryCrossEntropyWithLogits,
  binaryFocalLoss,
  cosineEmbeddingLoss,
  cosineSimilarity,
  crossEntropy,
  data,
  DTypeError,
  focalLoss,
  grad,
  huberLoss,
  jit,
  klDivergence,
  l1Loss,
  logSoftmax,
  mul,
  neg,
  nllLoss,
  oneHot,
  ones,
  polyLoss,
  reshape,
  ShapeError,
  smoothL1Loss,
  softmax,
  stack,
  sub,
  sum,
  type Tensor,
  tensor,
  tripletMarginLoss,
  zeros,
} from "../../../mod.ts";
import { assertClose, type Tolerance } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const positive = (...shape: number[]): Input => ({ shape, domain: "positive", dtype: "float" });
const unit = (...shape: number[]): Input => ({ shape, domain: "unit", dtype: "float" });
const labels: Input = { shape: [3], domain: "integer", dtype: "i32", range: [0, 4] };
const signs: Input = { shape: [3], domain: "integer", dtype: "i32", range: [0, 1] };
const i32 = (...values: number[]) => tensor(values, { dtype: "i32" });

const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

const subjects: readonly Subject[] = [
  subject(
    "crossEntropy, weighed and smoothed",
    [float(3, 5), labels, positive(5)],
    (x, classes, weight) => crossEntropy(x, classes, { weight, labelSmoothing: 0.2, ignoreIndex: 1 }),
  ),
  subject("crossEntropy of probabilities", [float(3, 5), unit(3, 5)], (x, p) => crossEntropy(x, p, { labelSmoothing: 0.1 })),
  subject(
    "nllLoss of pictures",
    [float(3, 4, 2), { ...labels, shape: [3, 2], range: [0, 3] }],
    (x, classes) => nllLoss(x, classes),
  ),
  subject("polyLoss", [float(3, 5), labels], (x, classes) => polyLoss(x, classes, { epsilon: 2, reduction: "none" })),
  subject("focalLoss", [float(3, 5), labels], (x, classes) => focalLoss(x, classes, { gamma: 1.5 })),
  subject("binaryFocalLoss", [float(4, 2), unit(4, 2)], (x, y) => binaryFocalLoss(x, y, { reduction: "sum" })),
  subject("l1", [float(3, 2), float(3, 2)], (x, y) => l1Loss(x, y)),
  subject("huber", [float(4, 4), float(4, 4)], (x, y) => huberLoss(x, y, { delta: 0.7, reduction: "none" })),
  subject("smoothL1", [float(4, 4), float(4, 4)], (x, y) => smoothL1Loss(x, y, { beta: 0.3 })),
  subject(
    "klDivergence",
    [float(3, 4), positive(3, 4)],
    (x, t) => klDivergence(logSoftmax(x), t, { reduction: "batchmean" }),
  ),
  subject("klDivergence of logarithms", [float(3, 4), float(3, 4)], (x, t) => klDivergence(x, t, { logTarget: true })),
  subject("cosineSimilarity", [float(3, 1, 4), float(2, 4)], (x, y) => cosineSimilarity(x, y)),
  subject(
    "cosineEmbeddingLoss",
    [float(3, 4), float(3, 4), signs],
    (x, y, sign) => cosineEmbeddingLoss(x, y, sub(mul(sign, 2), 1), { reduction: "sum" }),
  ),
  subject("tripletMarginLoss", [float(3, 4), float(3, 4), float(3, 4)], (a, p, n) => tripletMarginLoss(a, p, n)),
];

testSubjects(subjects);

const close: Tolerance = { relative: 1e-5, absolute: 1e-6 };

testOnDevices("the gradient of the cross-entropy is softmax(z) - y", async () => {
  const z = tensor([[2, -1, 0.5], [0, 0, 3]]);
  const classes = i32(2, 0);
  const expected = await data(sub(softmax(z), oneHot(classes, 3)));
  assertClose(await data(grad((x: Tensor) => crossEntropy(x, classes, { reduction: "sum" }))(z)), expected, close, "labels");
  const y = tensor([[0.25, 0.25, 0.5], [1, 0, 0]]);
  const soft = grad((x: Tensor) => crossEntropy(x, y, { reduction: "sum" }))(z);
  assertClose(await data(soft), await data(sub(softmax(z), y)), close, "probabilities");
});

testOnDevices("logits of 1e4 have right losses and gradients", async () => {
  const logits = tensor([[1e4, -1e4, 0], [1e4, 1e4, -1e4]]);
  const wrong = i32(1, 2);
  const right = i32(0, 0);
  const each = { reduction: "none" } as const;
  const half = Math.log(2);
  const cases: readonly [string, (x: Tensor) => Tensor, number[], number[]][] = [
    ["crossEntropy, wrong", (x) => crossEntropy(x, wrong, each), [2e4, 2e4 + half], [1, -1, 0, 0.5, 0.5, -1]],
    ["crossEntropy, right", (x) => crossEntropy(x, right, each), [0, half], [0, 0, 0, -0.5, 0.5, 0]],
    ["polyLoss, wrong", (x) => polyLoss(x, wrong, each), [2e4 + 1, 2e4 + 1 + half], [1, -1, 0, 0.5, 0.5, -1]],
    ["polyLoss, right", (x) => polyLoss(x, right, each), [0, half + 0.5], [0, 0, 0, -0.75, 0.75, 0]],
    ["focalLoss, wrong", (x) => focalLoss(x, wrong, each), [2e4, 2e4 + half], [1, -1, 0, 0.5, 0.5, -1]],
    ["focalLoss, right", (x) => focalLoss(x, right, { ...each, gamma: 0.5 }), [0, half * Math.SQRT1_2], [
      0,
      0,
      0,
      -Math.SQRT1_2 * (0.5 + half / 4),
      Math.SQRT1_2 * (0.5 + half / 4),
      0,
    ]],
    ["smoothed", (x) => crossEntropy(x, right, { ...each, labelSmoothing: 0.3 }), [3000, 2000 + half], [
      0.2,
      -0.1,
      -0.1,
      -0.3,
      0.4,
      -0.1,
    ]],
    [
      "binaryFocalLoss",
      (x) => sum(binaryFocalLoss(x, zeros([2, 3]), { ...each, gamma: 0.5 }), { axis: 1 }),
      [7500 + 0.75 * half * Math.SQRT1_2, 15000],
      [0.75, 0, 0.75 * Math.SQRT1_2 * (0.5 + half / 4), 0.75, 0.75, 0],
    ],
  ];
  for (const [name, loss, values, slopes] of cases) {
    assertClose(await data(loss(logits)), values, close, name);
    assertClose(await data(grad((x: Tensor) => sum(loss(x)))(logits)), slopes, close, `gradient of ${name}`);
  }
});

testOnDevices("scores in memory and scores that are computed have the same losses and gradients", async () => {
  const cases: [shape: number[], labels: Tensor][] = [
    [[3], tensor(2, { dtype: "i32" })],
    [[4, 3], i32(2, 0, 1, 1)],
    [[2, 3, 2], tensor([[0, 2], [1, 1]], { dtype: "i32" })],
  ];
  for (const [shape, classes] of cases) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const values = Array.from({ length: size }, (_, i) => [-1.5, NaN, -0.25, -3, -Infinity][i * 3 % 5]);
    const scores = reshape(tensor(values), shape);
    for (const options of [{}, { ignoreIndex: 1 }, { reduction: "none" }] as const) {
      const loss = (x: Tensor) => sum(nllLoss(x, classes, options));
      const computed = (x: Tensor) => loss(neg(neg(x)));
      const same = async (a: Tensor, b: Tensor) => {
        const [got, want] = [await data(a), await data(b)].map((values) => Array.from(values, (x) => x + 0));
        assert.deepEqual(got, want, `${shape} ${JSON.stringify(options)}`);
      };
      await same(loss(scores), computed(scores));
      await same(jit(loss)(scores), computed(scores));
      await same(grad(loss)(scores), grad(computed)(scores));
    }
  }
});

testOnDevices("special points", async () => {
  const cases: readonly [string, Tensor, number[]][] = [
    ["a factor of 0 hides an infinite logit", nllLoss(tensor([[-Infinity, -1]]), i32(1), { weight: tensor([0, 1]) }), [1]],
    ["focalLoss with gamma 0 is crossEntropy", focalLoss(tensor([[1e4, 0]]), i32(0), { gamma: 0 }), [0]],
    ["huber of infinities", huberLoss(tensor([Infinity, NaN]), zeros([2]), { reduction: "none" }), [Infinity, NaN]],
    ["klDivergence of a zero", klDivergence(tensor([-5, -1]), tensor([0, 1]), { reduction: "none" }), [0, 1]],
    ["cosineSimilarity with a zero vector", cosineSimilarity(zeros([3]), ones([3])), [0]],
    ["cosineSimilarity of large vectors", cosineSimilarity(tensor([1e15, 0]), tensor([1e15, 1e15])), [Math.SQRT1_2]],
    ["the slope of cosineSimilarity at 0", grad((x: Tensor) => cosineSimilarity(x, tensor([0, 0])))(zeros([2])), [0, 0]],
    ["the slope of huber at 0 and far away", slopes((x) => huberLoss(x, 0, { delta: 2 })), [0, -2, 2]],
    ["the slope of l1 at 0 and far away", slopes((x) => l1Loss(x, 0)), [0, -1, 1]],
    ["the slope of klDivergence in a target of 0", grad((t: Tensor) => klDivergence(tensor(-5), t))(tensor(0)), [5]],
  ];
  for (const [name, x, expected] of cases) assertClose(await data(x), expected, close, name);
});

testOnDevices("small losses of large logits keep their digits", async () => {
  const [x, ones2, zeros2] = [tensor([10, 20]), ones([2]), zeros([2])];
  const expected = [Math.log1p(Math.exp(-10)), Math.log1p(Math.exp(-20))];
  const digits = { relative: 2e-6, absolute: 0 };
  const each = { reduction: "none" } as const;
  assertClose(await data(binaryCrossEntropyWithLogits(x, ones2, each)), expected, digits, "targets of 1");
  assertClose(await data(binaryCrossEntropyWithLogits(neg(x), zeros2, each)), expected, digits, "targets of 0");
  const focal = binaryFocalLoss(x, ones2, { ...each, alpha: null, gamma: 1 });
  assertClose(await data(focal), expected.map((loss, i) => loss / (1 + Math.exp(x10[i]))), digits, "focal loss");
  const slopes = grad((z: Tensor) => binaryCrossEntropyWithLogits(z, ones2, { reduction: "sum" }))(x);
  assertClose(await data(slopes), x10.map((z) => -1 / (1 + Math.exp(z))), digits, "derivative");
});
const x10 = [10, 20];

/** The derivatives at 0, -Infinity and 1e30. */
function slopes(f: (x: Tensor) => Tensor): Tensor {
  return stack([0, -Infinity, 1e30].map((x) => grad(f)(tensor(x))));
}

Deno.test("what does not fit is refused", () => {
  const facts = (kind: typeof ShapeError | typeof DTypeError, expected: object) => (error: unknown) => {
    assert.ok(error instanceof kind, `${error}`);
    assert.deepEqual(error.facts, expected);
    return true;
  };
  const x = zeros([2, 3]);
  const refused: readonly [() => unknown, Parameters<typeof assert.throws>[1] & object][] = [
    [() => crossEntropy(x, zeros([2])), facts(DTypeError, { dtype: "f32" })],
    [() => crossEntropy(x, zeros([3, 2])), facts(DTypeError, { dtype: "f32" })],
    [() => crossEntropy(x, i32(0)), facts(ShapeError, { shape: [2, 3], labels: [1] })],
    [() => nllLoss(x, x), facts(DTypeError, { dtype: "f32" })],
    [() => crossEntropy(x, i32(0, 1), { weight: ones([2]) }), facts(ShapeError, { shape: [2, 3], weight: [2] })],
    [() => cosineEmbeddingLoss(x, x, i32(1)), facts(ShapeError, { shape: [2, 3], labels: [1] })],
    [() => huberLoss(x, zeros([3])), facts(ShapeError, { shapes: [[2, 3], [3]] })],
    [() => klDivergence(zeros([]), zeros([]), { reduction: "batchmean" }), facts(ShapeError, { shape: [] })],
    [() => cosineSimilarity(x, zeros([2])), ShapeError],
    [() => crossEntropy(x, x, { ignoreIndex: 0 }), RangeError],
    [() => crossEntropy(x, x, { labelSmoothing: 1.5 }), RangeError],
    [() => focalLoss(x, i32(0, 1), { gamma: -1 }), RangeError],
    [() => binaryFocalLoss(x, x, { alpha: 2 }), RangeError],
    [() => huberLoss(x, x, { delta: 0 }), RangeError],
    [() => smoothL1Loss(x, x, { beta: -1 }), RangeError],
    [() => l1Loss(x, x, { reduction: "max" as "sum" }), RangeError],
  ];
  for (const [run, expected] of refused) assert.throws(run, expected, `${run}`);
});
