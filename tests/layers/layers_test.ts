/**
 * Layers: shapes, initial values, names, modes, state, errors, and what TypeScript knows of them. (Values and gradients against PyTorch:
 * tests/parity/.)
 *
 * @module
 */
import assert from "node:assert/strict";
import { models } from "../../examples/parts/models.ts";
import {
  add,
  cast,
  checkpoint,
  compileCount,
  data,
  div,
  DTypeError,
  flatten,
  grad,
  jit,
  jvp,
  layerNorm as normalizeLayer,
  layers,
  maxPool2d,
  mean,
  mul,
  ones,
  OptionError,
  random,
  relu,
  reshape,
  setDevice,
  ShapeError,
  sin,
  softmax,
  sqrt,
  stack,
  sub,
  sum,
  take,
  type Tensor,
  toArray,
  treeLeaves,
  valueAndGradAux,
  variance,
  vmap,
  withArgs,
  zeros,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { testOnDevices } from "../support/each_device.ts";

await setDevice("reference"); // the fixed choice of all tests but the last

const { batchNorm, conv2d, dropout, dropout2d, evalMode, linear, serial, trainMode } = layers;
const key = random.key(0);
const paths = (tree: unknown) => treeLeaves(tree).map(({ path }) => path);
const size = (tree: unknown) => treeLeaves(tree).reduce((total, { value }) => total + (value as Tensor).size, 0);

/** Compiles only if both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function isTrue<_T extends true>(): void {}

/** The error that a function throws, checked to be of a kind. */
// deno-lint-ignore no-explicit-any -- constructors of errors take what they like
function thrown<E extends Error>(kind: abstract new (...args: any[]) => E, run: () => unknown): E {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof kind, `${error}`);
    return error;
  }
  assert.fail(`no ${kind.name} was thrown`);
}

Deno.test("the four networks have PyTorch's parameters: names, shapes, counts", () => {
  const counts = Object.entries(models).map(([name, model]) => [name, size(model.init(key, [1, 28, 28]).params)]);
  assert.deepEqual(counts, [["cnn", 8490], ["simple", 1199882], ["fcn", 575050], ["lenet", 44426]]);
  const { params, state, output } = models.cnn.init(key, [1, 28, 28]);
  assert.deepEqual(paths(params), ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "head.weight", "head.bias"]);
  assert.deepEqual(params.head.weight.shape, [10, 320]);
  assert.deepEqual(output, [10]);
  assert.deepEqual(state, {});
});

Deno.test("init computes nothing", () => {
  const before = compileCount();
  models.simple.init(key, [1, 28, 28]);
  assert.equal(compileCount(), before);
});

Deno.test("output shapes of init are those of apply", () => {
  const stages = {
    conv: conv2d({ features: 6, kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 }),
    norm: batchNorm(),
    act: relu,
    max: layers.maxPool2d({ kernel: 2, ceilMode: true }),
    average: layers.avgPool2d({ kernel: 2, stride: 1 }),
    drop: dropout2d(0.1),
    flatten: layers.flatten(),
    fc: linear({ features: 5, bias: false }),
    last: dropout(),
  };
  let shape: readonly number[] = [4, 11, 12];
  for (const [name, stage] of Object.entries(stages)) {
    const layer = (typeof stage === "function" ? layers.fromFunction(stage) : stage) as layers.Layer<object, object>;
    const { params, state, output } = layer.init(key, shape);
    const [y] = layer.apply(params, state, ones([2, ...shape]), trainMode(key));
    assert.deepEqual(y.shape, [2, ...output], name);
    shape = output;
  }
  assert.deepEqual(serial(stages).init(key, [4, 11, 12]).output, [5]);
});

Deno.test("weights and biases start uniform in +-1 / sqrt(fan in), as PyTorch's", async () => {
  const check = async (x: Tensor, fanIn: number) => {
    const bound = 1 / Math.sqrt(fanIn);
    const values = Array.from(await data(x), (v) => v / bound);
    assert.ok(values.every((v) => v >= -1 && v < 1));
    const average = values.reduce((total, v) => total + v, 0) / values.length;
    const square = values.reduce((total, v) => total + v * v, 0) / values.length;
    // Four standard errors of a uniform variable in [-1, 1).
    assert.ok(Math.abs(average) < 4 / Math.sqrt(3 * values.length), `mean ${average}`);
    assert.ok(Math.abs(square - 1 / 3) < 4 * 0.3 / Math.sqrt(values.length), `mean square ${square}`);
  };
  const { weight, bias } = linear({ features: 200 }).init(key, [50]).params;
  await check(weight, 50);
  await check(bias, 50);
  const filter = conv2d({ features: 64, kernel: [3, 5], groups: 2 }).init(key, [8, 9, 9]).params;
  assert.deepEqual(filter.weight.shape, [64, 4, 3, 5]);
  await check(filter.weight, 60);
  assert.notDeepEqual((await data(weight)).slice(0, 10), (await data(bias)).slice(0, 10));
});

Deno.test("a stage's numbers depend on its name and the key, not on its position", async () => {
  const fc = linear({ features: 3 });
  const first = serial({ a: fc, b: fc }).init(key, [3]).params;
  const second = serial({ extra: relu, b: fc, a: fc }).init(key, [3]).params;
  assert.deepEqual(await data(first.a.weight), await data(second.a.weight));
  assert.deepEqual(await data(first.b.bias), await data(second.b.bias));
  assert.notDeepEqual(await data(first.a.weight), await data(first.b.weight));
  const other = serial({ a: fc }).init(random.key(1), [3]).params;
  assert.notDeepEqual(await data(first.a.weight), await data(other.a.weight));
});

Deno.test("TypeScript knows parameters and state by name", () => {
  const block = serial({ conv: conv2d({ features: 4, kernel: 3 }), norm: batchNorm(), act: relu });
  const model = serial({ block, flatten: layers.flatten(), norm: batchNorm(), head: linear({ features: 2, bias: false }) });
  const { params, state } = model.init(key, [1, 5, 5]);
  isTrue<Same<typeof params.block.conv.weight, Tensor>>();
  isTrue<Same<keyof typeof params, "block" | "norm" | "head">>();
  isTrue<Same<keyof typeof params.block, "conv" | "norm">>();
  isTrue<Same<keyof typeof params.head, "weight">>();
  isTrue<Same<keyof typeof state, "block" | "norm">>();
  isTrue<Same<typeof state.block, { readonly norm: layers.BatchNormState }>>();
  assert.deepEqual(Object.keys(params), ["block", "norm", "head"]);
  assert.deepEqual(Object.keys(state.block), ["norm"]);
  const x = ones([2, 1, 5, 5]);
  // @ts-expect-error flatten has no parameters
  assert.equal(params.flatten, undefined);
  // @ts-expect-error training needs a key
  assert.throws(() => serial({ drop: dropout() }).apply({}, {}, x, { kind: "train" }));
  // @ts-expect-error a stage is a layer or a function from tensor to tensor
  assert.throws(() => serial({ name: "relu" }).init(key, [1]));
  // @ts-expect-error features are needed
  assert.throws(() => linear({}), OptionError);
});

Deno.test("a model can be declared with an interface, and layers can be written by hand", async () => {
  interface Params {
    readonly head: { readonly weight: Tensor; readonly bias: Tensor };
  }
  const model: layers.Layer<Params> = serial({ flatten: layers.flatten(), head: linear({ features: 2 }) });
  const residual = <P extends object, S extends object>(inner: layers.Layer<P, S>): layers.Layer<P, S> => ({
    init: inner.init,
    apply: (params, state, x, mode) => {
      const [y, next] = inner.apply(params, state, x, mode);
      return [add(x, y), next];
    },
  });
  const whole = serial({ model, skip: residual(serial({ fc: linear({ features: 2 }) })) });
  const { params } = whole.init(key, [3]);
  isTrue<Same<typeof params.skip.fc.weight, Tensor>>();
  const [y] = whole.apply(params, {}, ones([1, 3]), evalMode);
  assert.equal((await data(y)).length, 2);
});

Deno.test("plain functions are stages", async () => {
  const model = serial({ pool: withArgs(maxPool2d, { kernel: 2 }), all: withArgs(flatten, { start: 1 }), soft: softmax });
  const { params, output } = model.init(key, [1, 4, 4]);
  assert.deepEqual(params, {});
  assert.deepEqual(output, [4]);
  const [y] = model.apply(params, {}, zeros([3, 1, 4, 4]), evalMode);
  assert.deepEqual(await toArray(y), Array(3).fill([0.25, 0.25, 0.25, 0.25]));
});

Deno.test("an empty serial changes nothing", () => {
  const x = ones([2, 3]);
  assert.deepEqual(serial({}).init(key, [3]), { params: {}, state: {}, output: [3], stages: {} });
  assert.equal(serial({}).apply({}, {}, x, evalMode)[0], x);
});

Deno.test("stage names with dots or mixed with numbers are refused", () => {
  thrown(RangeError, () => serial({ "a.b": relu }));
  thrown(RangeError, () => serial({ conv: relu, 0: relu }));
  assert.deepEqual(paths(serial({ 0: linear({ features: 2 }), 1: relu }).init(key, [2]).params), ["0.weight", "0.bias"]);
});

Deno.test("dropout: zeros and scaled elements in training, nothing else", async () => {
  const x = ones([100, 100]);
  const drop = dropout(0.2);
  assert.equal(drop.apply({}, {}, x, evalMode)[0], x);
  const values = await data(drop.apply({}, {}, x, trainMode(key))[0]);
  assertClose([...new Set(values)].sort(), [0, 1.25], { relative: 1e-6, absolute: 0 }, "values");
  const share = values.filter((v) => v === 0).length / values.length;
  assert.ok(Math.abs(share - 0.2) < 4 * Math.sqrt(0.16 / 10000), `${share} are 0`);
  assert.deepEqual(await data(drop.apply({}, {}, x, trainMode(key))[0]), values, "the same key, the same mask");
  assert.notDeepEqual(await data(drop.apply({}, {}, x, trainMode(random.key(1)))[0]), values);
});

Deno.test("dropout keeps all with p 0 and none with p 1, in gradients, too", async () => {
  const x = ones([2, 3]);
  assert.deepEqual(await data(dropout(0).apply({}, {}, x, trainMode(key))[0]), await data(x));
  const gradient = grad((v: Tensor) => sum(mul(v, dropout(1).apply({}, {}, v, trainMode(key))[0])))(x);
  assert.deepEqual(await data(gradient), new Float32Array(6));
  for (const p of [-0.1, 1.1, NaN]) {
    thrown(RangeError, () => dropout(p));
    thrown(RangeError, () => dropout2d(p));
  }
});

Deno.test("dropout2d drops whole channels of single examples", async () => {
  const x = ones([40, 30, 2, 3]);
  const [y] = dropout2d(0.5).apply({}, {}, x, trainMode(key));
  const planes = await data(mean(y, { axis: [2, 3] }));
  assert.deepEqual([...new Set(planes)].sort(), [0, 2]);
  const share = planes.filter((v) => v === 0).length / planes.length;
  assert.ok(Math.abs(share - 0.5) < 4 * 0.5 / Math.sqrt(1200), `${share} are 0`);
  assert.deepEqual(thrown(ShapeError, () => dropout2d().init(key, [30])).facts.shape, [1, 30]);
});

Deno.test("stages of one model drop differently, and steps do", async () => {
  const model = serial({ a: dropout(), b: serial({ a: dropout() }) });
  const x = ones([1, 64]);
  const first = await data(model.apply({}, {}, x, trainMode(key))[0]);
  const kept = first.filter((v) => v === 4).length;
  assert.ok(kept > 4 && kept < 32, `${kept} of 64 pass two independent masks`);
  assert.notDeepEqual(await data(model.apply({}, {}, x, trainMode(random.foldIn(key, 1)))[0]), first);
});

Deno.test("dropout inside jit takes its key as an argument", async () => {
  const step = jit((x: Tensor, k: random.Key) => dropout(0.5).apply({}, {}, x, trainMode(k))[0]);
  const x = ones([4, 16]);
  const plain = await data(dropout(0.5).apply({}, {}, x, trainMode(random.key(3)))[0]);
  assert.deepEqual(await data(step(x, random.key(3))), plain);
  const before = compileCount();
  assert.notDeepEqual(await data(step(x, random.key(4))), plain);
  assert.equal(compileCount(), before, "a new key compiles nothing");
});

Deno.test("state: layers without one hand it through, batchNorm's moves in training only", async () => {
  const model = serial({ fc: linear({ features: 3 }), norm: batchNorm({ momentum: 0.5 }), act: relu });
  const { params, state } = model.init(key, [2]);
  const x = random.normal(random.key(5), [8, 2]);
  assert.equal(model.apply(params, state, x, evalMode)[1], state, "the same record in use");
  const after = model.apply(params, state, x, trainMode(key))[1];
  assert.notEqual(after, state);
  assert.deepEqual(await data(state.norm.runningVar), Float32Array.of(1, 1, 1));
  const hidden = model.apply(params, { norm: after.norm }, x, evalMode)[0];
  assert.deepEqual(hidden.shape, [8, 3]);
  assert.notDeepEqual(await data(after.norm.runningMean), await data(state.norm.runningMean));
  const stateless = serial({ fc: linear({ features: 3 }) });
  const empty = {};
  assert.equal(stateless.apply({ fc: params.fc }, empty, x, trainMode(key))[1], empty);
});

Deno.test("the derivatives of variances and normalisations are those of their formulas, up to the third", async () => {
  const normal = (i: number, shape: number[]) => cast(random.normal(random.foldIn(key, i), shape), "f64");
  const [x, t] = [normal(1, [3, 2, 4]), normal(2, [3, 2, 4])];
  type Params = Readonly<Record<"weight" | "bias", Tensor>>;
  type Normalize = (params: Params, x: Tensor) => Tensor;
  const parts = (x: Tensor, axis: number[]) => {
    const distance = sub(x, mean(x, { axis, keepDims: true }));
    return [distance, mean(mul(distance, distance), { axis, keepDims: true })];
  };
  const formula = (axis: number[], shape: number[]): Normalize => ({ weight, bias }, x) => {
    const [distance, squares] = parts(x, axis);
    return add(mul(div(distance, sqrt(add(squares, 1e-5))), reshape(weight, shape)), reshape(bias, shape));
  };
  const norm = batchNorm({ trackRunningStats: false });
  const cases: readonly (readonly [name: string, extents: number[], f: Normalize, formula: Normalize])[] = [
    ["batchNorm", [2], (p, x) => norm.apply(p, {}, x, trainMode(key))[0], formula([0, 2], [2, 1])],
    ["layerNorm", [2, 4], (p, x) => normalizeLayer(x, { ...p, axis: [1, 2] }), formula([1, 2], [2, 4])],
    [
      "variance",
      [2, 4],
      ({ weight, bias }, x) => add(mul(weight, variance(x, { axis: 0 })), bias),
      ({ weight, bias }, x) => add(mul(weight, parts(x, [0])[1]), bias),
    ],
  ];
  const values = (f: Normalize, params: Params) => {
    const loss = (p: Params, x: Tensor) => sum(sin(f(p, x)));
    const gradient = (x: Tensor) => grad((x: Tensor) => loss(params, x))(x);
    const along = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad((x: Tensor) => sum(mul(t, f(x))))(x);
    const ofParams = grad((p: Params) => sum(mul(t, grad((x: Tensor) => loss(p, x))(x))))(params);
    return {
      ...grad((p: Params) => loss(p, x))(params),
      tangent: jvp((x: Tensor) => f(params, x), [x], [t])[1],
      first: gradient(x),
      second: along(gradient)(x),
      forwards: jvp(gradient, [x], [t])[1],
      third: along(along(gradient))(x),
      secondOfWeight: ofParams.weight,
      each: vmap(gradient)(stack([x, t])),
      again: checkpoint((x: Tensor) => f(params, x))(x),
      againFirst: grad(checkpoint((x: Tensor) => loss(params, x)))(x),
    };
  };
  for (const [name, extents, f, formula] of cases) {
    const params = { weight: normal(3, extents), bias: normal(4, extents) };
    const expected = values(formula, params);
    for (const [what, value] of Object.entries(values(f, params))) {
      const wanted = await data(expected[what as keyof typeof expected]);
      assertClose(await data(value), wanted, { relative: 1e-12, absolute: 1e-12 }, `${name}: ${what}`);
    }
  }
});

Deno.test("batchNorm gives every channel mean 0 and deviation 1 in training", async () => {
  const x = add(mul(random.normal(random.key(6), [16, 3, 4, 5]), 7), 100);
  const { params, state } = batchNorm().init(key, [3, 4, 5]);
  const [y] = batchNorm().apply(params, state, x, trainMode(key));
  assertClose(await data(mean(y, { axis: [0, 2, 3] })), [0, 0, 0], { relative: 0, absolute: 1e-5 }, "means");
  assertClose(await data(mean(mul(y, y), { axis: [0, 2, 3] })), [1, 1, 1], { relative: 1e-5, absolute: 0 }, "squares");
  const alone = thrown(ShapeError, () => batchNorm().apply(params, state, ones([1, 3]), trainMode(key)));
  assert.deepEqual(alone.facts.shape, [1, 3]);
  thrown(ShapeError, () => batchNorm().init(key, []));
  thrown(ShapeError, () => batchNorm().apply(params, state, ones([4, 2]), evalMode));
  thrown(RangeError, () => batchNorm({ momentum: 2 }));
  thrown(RangeError, () => batchNorm({ epsilon: 0 }));
});

Deno.test("options out of their ranges are refused when a layer is made", () => {
  for (const features of [0, 1.5, -1, NaN]) thrown(RangeError, () => linear({ features }));
  thrown(RangeError, () => conv2d({ features: 0, kernel: 3 }));
  thrown(RangeError, () => conv2d({ features: 4, kernel: 0 }));
  thrown(RangeError, () => conv2d({ features: 4, kernel: 3, groups: 3 }));
  thrown(RangeError, () => conv2d({ features: 4, kernel: 3, stride: 0 }));
  thrown(RangeError, () => conv2d({ features: 4, kernel: 3, padding: -1 }));
});

Deno.test("errors of apply name the layer, its input and the remedy", () => {
  const model = serial({ block: serial({ conv1: conv2d({ features: 2, kernel: 3 }) }) });
  const { params } = model.init(key, [1, 28, 28]);
  const error = thrown(ShapeError, () => model.apply(params, {}, ones([64, 28, 28]), evalMode));
  assert.equal(
    error.message,
    'Cannot apply layer "block.conv1" to input [64, 28, 28]: conv2d needs 4 axes [batch, channels, height, width], ' +
      "add one with reshape(x, [64, 1, 28, 28])",
  );
  assert.equal(error.facts.layer, "block.conv1");
  assert.deepEqual(error.facts.input, [64, 28, 28]);
  assert.deepEqual(error.facts.shape, [64, 28, 28]);
  assert.match((error.cause as Error).message, /^Cannot apply conv2d to input/);
});

Deno.test("init refuses impossible shapes with the path", () => {
  const deep = (input: readonly number[]) => () =>
    serial({
      conv1: conv2d({ features: 2, kernel: 5 }),
      pool: layers.maxPool2d({ kernel: 4 }),
      inner: serial({ flatten: layers.flatten(), norm: batchNorm(), conv2: conv2d({ features: 2, kernel: 1 }) }),
    }).init(key, input);
  const cases: [readonly number[], string, readonly number[]][] = [
    [[28, 28], "conv1", [28, 28]],
    [[1, 4, 4], "conv1", [1, 4, 4]],
    [[1, 6, 6], "pool", [2, 2, 2]],
    [[1, 28, 28], "inner.conv2", [72]],
  ];
  for (const [input, layer, at] of cases) {
    const { facts, message } = thrown(ShapeError, deep(input));
    assert.equal(facts.layer, layer);
    assert.deepEqual(facts.input, at);
    assert.ok(message.startsWith(`Cannot apply layer "${layer}" to input [${at.join(", ")}]: `), message);
  }
  const groups = serial({ conv: conv2d({ features: 4, kernel: 1, groups: 2 }) });
  assert.equal(thrown(ShapeError, () => groups.init(key, [3, 4, 4])).facts.groups, 2);
});

Deno.test("a function that loses the batch axis or gives no tensor is no stage", () => {
  const error = thrown(ShapeError, () => serial({ flat: flatten }).init(key, [2, 3]));
  assert.equal(error.facts.layer, "flat");
  assert.match(error.message, /layers\.flatten\(\)/);
  const wrong = (() => 1) as unknown as (x: Tensor) => Tensor;
  assert.match(thrown(TypeError, () => serial({ wrong }).init(key, [2])).message, /^Cannot apply layer "wrong"/);
});

Deno.test("wrong parameters and types are reported with the layer", () => {
  const model = serial({ head: linear({ features: 2 }) });
  const { params } = model.init(key, [3]);
  const misfit = thrown(ShapeError, () => model.apply(params, {}, ones([1, 4]), evalMode));
  assert.deepEqual(misfit.facts.weight, [2, 3]);
  const missing = thrown(TypeError, () => model.apply({} as typeof params, {}, ones([1, 3]), evalMode));
  assert.match(missing.message, /^Cannot apply layer "head" to input \[1, 3\]: /);
  const pick = serial({ pick: (x: Tensor) => take(x, ones([1]), { axis: 1 }) });
  assert.equal(thrown(DTypeError, () => pick.init(key, [3])).facts.layer, "pick");
});

/** One step of a model with everything that randomness and state go through: loss, gradients and new state, leaf by leaf. */
async function noisyStep(): Promise<Map<string, ArrayLike<number>>> {
  const model = serial({
    conv: conv2d({ features: 6, kernel: 3, padding: 1 }),
    norm: batchNorm(),
    act: relu,
    drop: dropout2d(0.3),
    flatten: layers.flatten(),
    fc: linear({ features: 8 }),
    norm2: batchNorm(),
    drop2: dropout(0.4),
  });
  const { params, state } = model.init(key, [2, 6, 5]);
  const step = jit((p: typeof params, s: typeof state, x: Tensor, k: random.Key) =>
    valueAndGradAux((q: typeof params) => {
      const [y, next] = model.apply(q, s, x, trainMode(k));
      return [mean(mul(y, y)), next];
    })(p)
  );
  const leaves = treeLeaves(step(params, state, random.normal(random.key(1), [5, 2, 6, 5]), random.key(2)));
  return new Map(await Promise.all(leaves.map(async ({ path, value }) => [path, await data(value as Tensor)] as const)));
}

Deno.test("a seed in the place of a key is refused, and the error says how to make one", () => {
  const start = () => serial({ fc: linear({ features: 2 }) }).init(0 as never, [3]);
  assert.throws(
    start,
    /^TypeError: Cannot call init of serial with key 0: it must be a random key, made by random\.key\(seed\)$/,
  );
});

testOnDevices("a step with dropout and batchNorm gives the same everywhere", async (_, device) => {
  const found = await noisyStep();
  await setDevice("reference");
  for (const [path, expected] of await noisyStep()) {
    assertClose(found.get(path)!, expected, { relative: 1e-4, absolute: 1e-5 }, `${path} on ${device}`);
  }
});
