/**
 * Embedding and attention: masks, dropout, padding, errors. (Values and gradients against PyTorch: tests/parity/layers_test.ts.)
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  abs,
  arange,
  data,
  DTypeError,
  full,
  grad,
  item,
  jit,
  layers,
  max,
  mean,
  mul,
  ones,
  random,
  reshape,
  scaledDotProductAttention,
  setDevice,
  ShapeError,
  slice,
  sum,
  take,
  type Tensor,
  tensor,
  toArray,
  vmap,
  zeros,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";

await setDevice("reference");

const { crossAttention, dropout, embedding, evalMode, multiHeadAttention, serial, trainMode, transformerEncoderLayer } = layers;
const key = random.key(0);
const normal = (seed: number, shape: readonly number[]) => random.normal(random.key(seed), shape);
const close = { relative: 1e-5, absolute: 1e-6 };

Deno.test("embedding starts normal, with zeros for padding", async () => {
  const { params, output } = embedding({ numEmbeddings: 200, features: 50, paddingIndex: 3 }).init(key, [7]);
  assert.deepEqual(output, [7, 50]);
  const rows = await toArray(params.weight) as number[][];
  assert.ok(rows[3].every((v) => v === 0));
  const values = rows.filter((_, i) => i !== 3).flat();
  const average = values.reduce((total, v) => total + v, 0) / values.length;
  const square = values.reduce((total, v) => total + v * v, 0) / values.length;
  assert.ok(Math.abs(average) < 0.04 && Math.abs(square - 1) < 0.06, `${average} ${square}`);
});

Deno.test("embedding refuses what it cannot look up", () => {
  assert.throws(() => embedding({ numEmbeddings: 0, features: 2 }), RangeError);
  assert.throws(() => embedding({ numEmbeddings: 2, features: 1.5 }), RangeError);
  assert.throws(() => embedding({ numEmbeddings: 2, features: 1, paddingIndex: 2 }), RangeError);
  assert.throws(() => embedding({ numEmbeddings: 2, features: 1, paddingIndex: -1 }), RangeError);
  const model = serial({ words: embedding({ numEmbeddings: 2, features: 1 }) });
  const { params } = model.init(key, [3]);
  const wrong = () => model.apply(params, {}, ones([1, 3]), evalMode);
  assert.throws(wrong, (error) => error instanceof DTypeError && error.facts.layer === "words");
});

Deno.test("dropout after embeddings: scaled in training, nothing in use", async () => {
  const model = serial({
    words: embedding({ numEmbeddings: 5, features: 64, weightInit: layers.initializers.constant(1) }),
    drop: dropout(0.5),
  });
  const { params, state } = model.init(key, [4]);
  const words = tensor([[0, 1, 2, 4]], { dtype: "i32" });
  assert.ok((await data(model.apply(params, state, words, evalMode)[0])).every((v) => v === 1));
  const values = await data(model.apply(params, state, words, trainMode(key))[0]);
  assert.deepEqual([...new Set(values)].sort(), [0, 2]);
});

Deno.test("embedding by vmap equals a batch", async () => {
  const layer = embedding({ numEmbeddings: 6, features: 3, paddingIndex: 0 });
  const { params } = layer.init(key, [4]);
  const words = tensor([[0, 1, 2, 5], [5, 0, 0, 3]], { dtype: "i32" });
  const one = (x: Tensor) => layer.apply(params, {}, x, evalMode)[0];
  assert.deepEqual(await data(vmap(one)(words)), await data(one(words)));
});

Deno.test("causal attention does not see what comes later", async () => {
  const attend = multiHeadAttention({ heads: 2, causal: true });
  const { params } = attend.init(key, [5, 4]);
  const x = normal(1, [1, 5, 4]);
  const first = (n: number) => slice(attend.apply(params, {}, slice(x, { axis: 1, stop: n }), evalMode)[0], { axis: 1, stop: 3 });
  assertClose(await data(first(5)), await data(first(3)), close, "the first three positions");
});

Deno.test("attention is the same in any order of the keys, and for a mask of bools or of -Infinity", async () => {
  const [q, k, v] = [normal(1, [2, 3, 4]), normal(2, [2, 5, 4]), normal(3, [2, 5, 4])];
  const plain = await data(scaledDotProductAttention(q, k, v));
  const order = tensor([3, 0, 4, 1, 2], { dtype: "i32" });
  assertClose(
    await data(scaledDotProductAttention(q, take(k, order, { axis: 1 }), take(v, order, { axis: 1 }))),
    plain,
    close,
    "order",
  );
  const shown = tensor([true, true, false, true, false]);
  const masked = await data(scaledDotProductAttention(q, k, v, { mask: shown }));
  assert.deepEqual(await data(scaledDotProductAttention(q, k, v, { mask: tensor([0, 0, -Infinity, 0, -Infinity]) })), masked);
  const rest = tensor([0, 1, 3], { dtype: "i32" });
  assertClose(
    await data(scaledDotProductAttention(q, take(k, rest, { axis: 1 }), take(v, rest, { axis: 1 }))),
    masked,
    close,
    "masked",
  );
});

Deno.test("a query that may take from no key gets zeros, and its gradients are finite", async () => {
  const [q, k, v] = [normal(1, [2, 4]), normal(2, [3, 4]), normal(3, [3, 4])];
  const mask = tensor([[false, false, false], [true, false, true]]);
  for (const each of [mask, tensor([[-Infinity, -Infinity, -Infinity], [0, -Infinity, 1]])]) {
    const [nothing, something] = await toArray(scaledDotProductAttention(q, k, v, { mask: each })) as number[][];
    assert.deepEqual(nothing, [0, 0, 0, 0]);
    assert.ok(something.every((y) => y !== 0));
    const pull = grad((p: { q: Tensor; k: Tensor }) => sum(mul(v.size, scaledDotProductAttention(p.q, p.k, v, { mask: each }))))({
      q,
      k,
    });
    assert.ok([...await data(pull.q), ...await data(pull.k)].every(Number.isFinite));
  }
});

Deno.test("logits of 1e4 are fine", async () => {
  const x = mul(tensor([[1, 0], [0, 1]]), 1e4);
  assertClose(await data(scaledDotProductAttention(x, x, x)), [1e4, 0, 0, 1e4], close, "one-hot weights");
});

Deno.test("dropout inside attention: weights are dropped and scaled, in training only", async () => {
  const [q, k, v] = [zeros([64, 4]), zeros([10, 4]), ones([10, 1])];
  // Equal weights of 1/10: a query's result is twice the share of its keys that are kept.
  const result = await data(scaledDotProductAttention(q, k, v, { dropout: { p: 0.5, key } }));
  const kept = Array.from(result, (y) => y * 5);
  assert.ok(kept.every((n) => Math.abs(n - Math.round(n)) < 1e-5));
  assert.ok(new Set(kept.map(Math.round)).size > 3);
  const average = await item(mean(scaledDotProductAttention(q, k, v, { dropout: { p: 0.5, key } })));
  assert.ok(Math.abs(average - 1) < 4 * Math.sqrt(1 / 640), `mean ${average}`);
  const attend = multiHeadAttention({ heads: 2, dropout: 0.5 });
  const { params } = attend.init(key, [6, 4]);
  const x = normal(1, [2, 6, 4]);
  const run = jit((y: Tensor, k: random.Key) => attend.apply(params, {}, y, trainMode(k))[0]);
  const once = await data(run(x, random.key(1)));
  assert.deepEqual(await data(run(x, random.key(1))), once, "the same key, the same result");
  assert.notDeepEqual(await data(run(x, random.key(2))), once);
  const used = await data(attend.apply(params, {}, x, evalMode)[0]);
  assert.deepEqual(await data(multiHeadAttention({ heads: 2 }).apply(params, {}, x, trainMode(key))[0]), used);
  assert.throws(() => scaledDotProductAttention(q, k, v, { dropout: { p: 2, key } }), RangeError);
});

Deno.test("multiHeadAttention starts as PyTorch's", async () => {
  const { params, output } = multiHeadAttention({ heads: 3 }).init(key, [7, 12]);
  assert.deepEqual(output, [7, 12]);
  assert.deepEqual(layers.namedParameters(params).map(([name, { shape }]) => [name, shape]), [
    ["inProjWeight", [36, 12]],
    ["inProjBias", [36]],
    ["outProj.weight", [12, 12]],
    ["outProj.bias", [12]],
  ]);
  const largest = (x: Tensor) => item(max(abs(x)));
  const bound = Math.sqrt(6 / 48);
  assert.ok(await largest(params.inProjWeight) <= bound && await largest(params.inProjWeight) > 0.95 * bound);
  assert.ok(await largest(params.outProj.weight) <= 1 / Math.sqrt(12));
  assert.equal(await item(sum(params.inProjBias)) + await item(sum(params.outProj.bias)), 0);
  const without = multiHeadAttention({ heads: 3, bias: false }).init(key, [7, 12]).params;
  assert.deepEqual(layers.namedParameters(without).map(([name]) => name), ["inProjWeight", "outProj.weight"]);
  // @ts-expect-error there is no bias
  assert.equal(without.inProjBias, undefined);
});

Deno.test("axes that do not fit are refused", () => {
  const x = ones([2, 3, 4]);
  const misfit = (q: Tensor, k: Tensor, v: Tensor, options = {}) => () => scaledDotProductAttention(q, k, v, options);
  assert.throws(misfit(x, ones([2, 3, 5]), x), ShapeError);
  assert.throws(misfit(x, x, ones([2, 4, 4])), ShapeError);
  assert.throws(misfit(ones([4]), ones([4]), ones([4])), ShapeError);
  assert.throws(misfit(x, x, x, { mask: full([5, 3], true) }), ShapeError);
  assert.throws(misfit(x, x, x, { mask: arange(3) }), DTypeError);
  const model = serial({ attend: multiHeadAttention({ heads: 3 }) });
  assert.throws(() => model.init(key, [5, 4]), (error) => error instanceof ShapeError && error.facts.layer === "attend");
  assert.throws(() => model.init(key, [5]), ShapeError);
  assert.throws(
    () => serial({ block: transformerEncoderLayer({ features: 6, heads: 2 }) }).init(key, [5, 4]),
    /Cannot apply layer "block" to input \[5, 4\]: its 4 features must be 6/,
  );
  assert.throws(() => multiHeadAttention({ heads: 0 }), RangeError);
  assert.throws(() => multiHeadAttention({ heads: 1, dropout: -1 }), RangeError);
  const { params } = multiHeadAttention({ heads: 2 }).init(key, [3, 4]);
  assert.throws(() => crossAttention(params, x, ones([2, 5, 6]), { heads: 2 }), ShapeError);
});

Deno.test("crossAttention of padded memory is that of the memory without padding", async () => {
  const { params } = multiHeadAttention({ heads: 2 }).init(key, [3, 4]);
  const [x, memory] = [normal(1, [1, 3, 4]), normal(2, [1, 5, 4])];
  const mask = reshape(tensor([true, true, true, false, false]), [1, 1, 1, 5]);
  const hidden = await data(crossAttention(params, x, memory, { heads: 2, mask }));
  assertClose(await data(crossAttention(params, x, slice(memory, { axis: 1, stop: 3 }), { heads: 2 })), hidden, close, "padding");
});
