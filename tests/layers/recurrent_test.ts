/**
 * Recurrent layers: shapes, starts, one program for any length, dropout, errors. (Values and gradients against PyTorch: tests/parity/.)
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  abs,
  compileCount,
  data,
  flip,
  grad,
  item,
  jit,
  layers,
  max,
  mean,
  mul,
  random,
  realize,
  reshape,
  setDevice,
  ShapeError,
  slice,
  sum,
  type Tensor,
  tensor,
  treeLeaves,
  treeTensors,
  vmap,
  zeros,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";

await setDevice("wasm");

const { evalMode, gru, linear, lstm, lstmCell, namedParameters, serial, trainMode } = layers;
const key = random.key(0);
const close = { relative: 1e-5, absolute: 1e-6 };
const normal = (seed: number, shape: readonly number[]) => random.normal(random.key(seed), shape);

Deno.test("parameters have PyTorch's names and shapes, and start in +-1 / sqrt(features)", async () => {
  const { params, output } = lstm({ features: 4, layers: 2, bidirectional: true }).init(key, [7, 3]);
  assert.deepEqual(output, [7, 8]);
  const cell = (suffix: string, inputs: number) => [
    [`weight_ih_${suffix}`, [16, inputs]],
    [`weight_hh_${suffix}`, [16, 4]],
    [`bias_ih_${suffix}`, [16]],
    [`bias_hh_${suffix}`, [16]],
  ];
  assert.deepEqual(
    Object.entries(layers.stateDict(params)).map(([name, { shape }]) => [name, shape]),
    [...cell("l0", 3), ...cell("l0_reverse", 3), ...cell("l1", 8), ...cell("l1_reverse", 8)],
  );
  for (const [name, x] of namedParameters(params)) {
    const largest = await item(max(abs(x)));
    assert.ok(largest <= 0.5 && largest > 0.3, `${name}: ${largest}`);
  }
  const small = gru({ features: 5, bias: false, returnSequences: false }).init(key, [7, 3]);
  assert.deepEqual(small.output, [5]);
  assert.deepEqual(treeLeaves(small.params).map(({ path }) => path), ["weightIhL0", "weightHhL0"]);
});

Deno.test("a layer is its cell, step by step", async () => {
  const layer = lstm({ features: 4 });
  const { params } = layer.init(key, [6, 3]);
  const x = normal(1, [2, 6, 3]);
  const cell = { weightIh: params.weightIhL0, weightHh: params.weightHhL0, biasIh: params.biasIhL0, biasHh: params.biasHhL0 };
  let state: layers.LstmState = { hidden: zeros([2, 4]), cell: zeros([2, 4]) };
  for (let t = 0; t < 6; t++) state = lstmCell(cell, state, reshape(slice(x, { axis: 1, start: t, stop: t + 1 }), [2, 3]));
  const [rows] = layer.apply(params, {}, x, evalMode);
  assertClose(await data(slice(rows, { axis: 1, start: 5 })), await data(state.hidden), close, "the last step");
  const [last] = lstm({ features: 4, returnSequences: false }).apply(params, {}, x, evalMode);
  assertClose(await data(last), await data(state.hidden), close, "returnSequences: false");
});

Deno.test("the second cell walks from the end", async () => {
  const layer = gru({ features: 4, bidirectional: true });
  const { params } = layer.init(key, [6, 3]);
  const x = normal(1, [2, 6, 3]);
  const back = Object.fromEntries(
    Object.entries(params).filter(([name]) => name.endsWith("Reverse")).map(([name, w]) => [name.replace("Reverse", ""), w]),
  );
  const [both] = layer.apply(params, {}, x, evalMode);
  const [alone] = gru({ features: 4 }).apply(back, {}, flip(x, { axis: 1 }), evalMode);
  assertClose(await data(slice(both, { axis: 2, start: 4 })), await data(flip(alone, { axis: 1 })), close, "second half");
});

Deno.test("an LSTM over 100 steps is one program, gradient and all, and any number of runs compiles it once", async () => {
  const model = serial({ lstm: lstm({ features: 8, returnSequences: false }), head: linear({ features: 1 }) });
  const { params } = model.init(key, [100, 2]);
  const step = jit(grad((p: typeof params, x: Tensor) => {
    const [y] = model.apply(p, {}, x, evalMode);
    return mean(mul(y, y));
  }));
  const xs = await Promise.all([1, 2, 3].map(async (i) => tensor(await data(normal(i, [4, 100, 2])), { shape: [4, 100, 2] })));
  await realize(params);
  const before = compileCount();
  for (const x of xs) {
    for (const g of treeTensors(step(params, x))) assert.ok((await data(g)).every(Number.isFinite));
  }
  assert.equal(compileCount() - before, 1);
});

Deno.test("sequences by vmap equal a batch", async () => {
  const layer = gru({ features: 3 });
  const { params } = layer.init(key, [5, 2]);
  const x = normal(1, [4, 5, 2]);
  const one = (row: Tensor) => reshape(layer.apply(params, {}, reshape(row, [1, 5, 2]), evalMode)[0], [5, 3]);
  assertClose(await data(vmap(one)(x)), await data(layer.apply(params, {}, x, evalMode)[0]), close, "rows");
});

Deno.test("dropout between layers, not after the last, in training only", async () => {
  const x = normal(1, [2, 4, 3]);
  const one = lstm({ features: 3, dropout: 0.5 });
  const { params } = one.init(key, [4, 3]);
  assert.deepEqual(await data(one.apply(params, {}, x, trainMode(key))[0]), await data(one.apply(params, {}, x, evalMode)[0]));
  const two = lstm({ features: 3, dropout: 0.5, layers: 2 });
  const more = two.init(key, [4, 3]).params;
  const run = async (mode: layers.Mode) => Array.from(await data(two.apply(more, {}, x, mode)[0]));
  assert.deepEqual(
    await run(evalMode),
    Array.from(await data(lstm({ features: 3, layers: 2 }).apply(more, {}, x, trainMode(key))[0])),
  );
  assert.notDeepEqual(await run(trainMode(key)), await run(evalMode));
  assert.deepEqual(await run(trainMode(key)), await run(trainMode(key)));
});

Deno.test("sequences without steps or examples", async () => {
  const layer = lstm({ features: 3 });
  const { params } = layer.init(key, [0, 2]);
  assert.deepEqual(layer.apply(params, {}, zeros([2, 0, 2]), evalMode)[0].shape, [2, 0, 3]);
  const [last] = lstm({ features: 3, returnSequences: false }).apply(params, {}, zeros([2, 0, 2]), evalMode);
  assert.equal(await item(sum(last)), 0);
  assert.deepEqual(layer.apply(params, {}, zeros([0, 4, 2]), evalMode)[0].shape, [0, 4, 3]);
});

Deno.test("what does not fit is refused with the layer's name", () => {
  const model = serial({ lstm: lstm({ features: 3 }) });
  const { params } = model.init(key, [4, 2]);
  const named = (error: unknown) => error instanceof ShapeError && error.facts.layer === "lstm";
  assert.throws(() => model.init(key, [4]), named);
  assert.throws(() => model.apply(params, {}, zeros([4, 2]), evalMode), named);
  assert.throws(() => model.apply(params, {}, zeros([1, 4, 3]), evalMode), named);
  assert.throws(() => lstm({ features: 0 }), RangeError);
  assert.throws(() => gru({ features: 2, layers: 1.5 }), RangeError);
  assert.throws(() => gru({ features: 2, dropout: 2 }), RangeError);
});
