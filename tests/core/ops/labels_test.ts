/**
 * Labels and indices that name nothing: an error where their values are at hand, NaN or clamped (as documented) where they are not; and
 * labels of examples to skip.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  addAt,
  at,
  cosineEmbeddingLoss,
  crossEntropy,
  data,
  focalLoss,
  grad,
  jit,
  layers,
  mul,
  nllLoss,
  oneHot,
  ones,
  polyLoss,
  realize,
  reshape,
  scatterAdd,
  setAt,
  take,
  takeAlongAxis,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
  zeros,
} from "../../../mod.ts";
import { assertClose, type Tolerance } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";

const i32 = (...values: number[]) => tensor(values, { dtype: "i32" });
const close: Tolerance = { relative: 2e-6, absolute: 1e-6 };
const each = { reduction: "none" } as const;
const rising = tensor([[1, 2, 3], [0, 1, 0], [0, 0, 2]]);
const words = layers.embedding({ numEmbeddings: 3, features: 2 });
const vectors = (x: Tensor) => words.apply({ weight: ones([3, 2]) }, {}, x, layers.evalMode)[0];

/** What takes labels of three classes, one for each of three examples. */
const ofLabels: Readonly<Record<string, (labels: Tensor) => Tensor>> = {
  crossEntropy: (labels) => crossEntropy(rising, labels),
  "crossEntropy, each": (labels) => crossEntropy(rising, labels, each),
  "crossEntropy, sum": (labels) => crossEntropy(rising, labels, { reduction: "sum" }),
  "crossEntropy, weighed": (labels) => crossEntropy(rising, labels, { weight: tensor([1, 2, 3]) }),
  "crossEntropy, smoothed": (labels) => crossEntropy(rising, labels, { labelSmoothing: 0.1 }),
  nllLoss: (labels) => nllLoss(rising, labels),
  polyLoss: (labels) => polyLoss(rising, labels),
  focalLoss: (labels) => focalLoss(rising, labels),
  oneHot: (labels) => oneHot(labels, 3),
  "layers.embedding": vectors,
};

/** What takes indices from -3 to 2. */
const ofIndices: Readonly<Record<string, (indices: Tensor) => Tensor>> = {
  take: (indices) => take(rising, indices),
  "take along axis 1": (indices) => take(rising, indices, { axis: 1 }),
  takeAlongAxis: (indices) => takeAlongAxis(rising, reshape(indices, [1, 3])),
  at: (indices) => at(rising, [":", indices]),
  setAt: (indices) => setAt(rising, [indices], 1),
  addAt: (indices) => addAt(rising, [indices], 1),
  scatterAdd: (indices) => scatterAdd(rising, reshape(indices, [1, 3]), 1),
};

const wrongLabels: readonly (readonly [Tensor, RegExp])[] = [
  [i32(1, 2, 3), /\b3 \(element 2\)/],
  [i32(1, -1, 0), /-1 \(element 1\)/],
  [tensor(Uint8Array.of(255, 0, 0)), /\b255 \(element 0\)/],
];

testOnDevices("labels that are no class are refused, whatever they go through", () => {
  for (const [name, f] of Object.entries(ofLabels)) {
    for (const [labels, message] of wrongLabels) {
      const refused = { name: "RangeError", message };
      assert.throws(() => f(labels), refused, name);
      assert.throws(() => f(reshape(reshape(labels, [3, 1]), [3])), refused, `${name} of a reshaped tensor`);
      assert.throws(() => grad((x: Tensor) => crossEntropy(mul(rising, x), labels))(tensor(1)), refused, "captured by grad");
      assert.throws(() => jit((x: Tensor) => crossEntropy(mul(rising, x), labels))(tensor(1)), refused, "captured by jit");
    }
  }
  const batch = { x: rising, labels: i32(1, 2, 3) };
  const loss = (p: Tensor, { x, labels }: typeof batch) => crossEntropy(mul(x, p), labels);
  assert.throws(() => valueAndGrad(loss)(tensor(1), batch), { name: "RangeError", message: /label 3 \(element 2\)/ });
  const labels = tensor([1, -1, 0]);
  assert.throws(() => cosineEmbeddingLoss(rising, rising, labels), { name: "RangeError", message: /label 0 \(element 2\)/ });
});

testOnDevices("indices that name nothing are refused", () => {
  for (const [name, f] of Object.entries(ofIndices)) {
    for (const wrong of [3, -4]) {
      const message = new RegExp(`at ${wrong} along axis [01]: positions are -3 to 2, and element 1 `);
      assert.throws(() => f(i32(0, wrong, 1)), { name: "RangeError", message }, name);
    }
    f(i32(-3, 2, 0));
  }
});

testOnDevices("labels that a program computes or is given show as NaN that they are no class", async () => {
  const isNaN = (values: ArrayLike<number>) => Array.from(values).some(Number.isNaN);
  for (const [name, f] of Object.entries(ofLabels)) {
    for (const [labels] of wrongLabels) {
      assert.ok(isNaN(await data(jit(f)(labels))), `${name} inside jit`);
      assert.ok(
        isNaN(await data(f(mul(labels, tensor(1, { dtype: labels.dtype === "u8" ? "i32" : labels.dtype }))))),
        `${name}, computed`,
      );
    }
    assert.ok(!isNaN(await data(jit(f)(i32(0, 2, 1)))), `${name} of classes`);
  }
  const one = vmap((x: Tensor, label: Tensor) => crossEntropy(x, label));
  assertClose(await data(one(zeros([3, 3]), i32(0, 3, 2))), [Math.log(3), NaN, Math.log(3)], close, "examples of vmap");
  const signs = jit((labels: Tensor) => cosineEmbeddingLoss(rising, rising, labels, each));
  assertClose(await data(signs(tensor([1, -1, 0]))), [0, 1, NaN], close, "cosineEmbeddingLoss");
  for (const dtype of ["f32", "bf16"] as const) {
    const embed = jit((x: Tensor) => words.apply({ weight: ones([3, 2], { dtype }) }, {}, x, layers.evalMode)[0]);
    assertClose(await data(embed(i32(1, 7, -1))), [1, 1, NaN, NaN, NaN, NaN], close, `embedding, ${dtype}`);
  }
});

testOnDevices("indices that a program is given are clamped", async () => {
  assert.deepEqual(Array.from(await data(jit((i: Tensor) => take(tensor([10, 20, 30]), i))(i32(7, -9, -1)))), [30, 10, 30]);
  assert.deepEqual(Array.from(await data(jit((i: Tensor) => setAt(zeros([3]), [i], 1))(i32(7)))), [0, 0, 1]);
});

testOnDevices("labels that a program left are known once they are read, or where reading costs nothing", async (_, device) => {
  const labels = add(i32(0, 1, 2), 1);
  realize(labels);
  if (device === "wasm") assert.throws(() => crossEntropy(rising, labels), RangeError);
  else assertClose(await data(crossEntropy(rising, labels)), [NaN], close, device);
  await data(labels);
  assert.throws(() => crossEntropy(rising, labels), RangeError);
});

testOnDevices("examples to skip have no loss, and the mean is over the others", async () => {
  const ln3 = Math.log(3);
  const flat = zeros([3, 3]);
  const cases: readonly [string, Tensor, readonly number[]][] = [
    ["the default label", crossEntropy(flat, i32(0, -100, 2)), [ln3]],
    ["each", crossEntropy(flat, i32(0, -100, 2), each), [ln3, 0, ln3]],
    ["the sum", crossEntropy(flat, i32(0, -100, 2), { reduction: "sum" }), [2 * ln3]],
    ["another label", crossEntropy(flat, i32(0, 7, 2), { ignoreIndex: 7 }), [ln3]],
    ["a class", crossEntropy(flat, i32(0, 1, 2), { ...each, ignoreIndex: 1 }), [ln3, 0, ln3]],
    ["weighed", crossEntropy(flat, i32(0, -100, 2), { weight: tensor([1, 5, 3]) }), [ln3]],
    ["smoothed", crossEntropy(flat, i32(0, -100, 2), { ...each, labelSmoothing: 0.3 }), [ln3, 0, ln3]],
    ["nothing else", crossEntropy(flat, i32(-100, -100, -100)), [NaN]],
    ["the sum of nothing else", crossEntropy(flat, i32(-100, -100, -100), { reduction: "sum" }), [0]],
    ["nllLoss", nllLoss(tensor([[-1, -2], [-3, -4]]), i32(-100, 1)), [4]],
    ["focalLoss", focalLoss(tensor([[0, 0], [0, 0]]), i32(-100, 1), { gamma: 0 }), [Math.LN2]],
    ["polyLoss", polyLoss(tensor([[0, 0], [0, 0]]), i32(-100, 1), { epsilon: 0 }), [Math.LN2]],
    ["inside jit", jit((labels: Tensor) => crossEntropy(flat, labels))(i32(0, -100, 2)), [ln3]],
  ];
  for (const [name, loss, expected] of cases) assertClose(await data(loss), expected, close, name);
  const slope = grad((x: Tensor) => crossEntropy(x, i32(0, -100, 2)))(flat);
  assertClose(await data(slope), [-1 / 3, 1 / 6, 1 / 6, 0, 0, 0, 1 / 6, 1 / 6, -1 / 3], close, "derivative");
});
