/**
 * Layers made of layers: connections, sharing, names, walks and summaries.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  compileCount,
  data,
  layers,
  maxPool2d,
  mul,
  ones,
  random,
  relu,
  setDevice,
  ShapeError,
  sub,
  type Tensor,
  tensor,
  toArray,
  treeLeaves,
  withArgs,
} from "../../mod.ts";

await setDevice("reference");

const { batchNorm, compose, conv2d, denseConnection, dropout, evalMode, linear, namedParameters, namedStages } = layers;
const { parallel, residual, sequential, serial, trainMode } = layers;
const key = random.key(0);
const paths = (tree: unknown) => treeLeaves(tree).map(({ path }) => path);

Deno.test("a module that adds 1 is a function", async () => {
  const model = serial({ addOne: (x: Tensor) => add(x, 1) });
  const { params, state, output } = model.init(key, []);
  assert.deepEqual(output, []);
  assert.deepEqual(await toArray(model.apply(params, state, tensor([1.0]), evalMode)[0]), [2]);
});

Deno.test("compose joins stages as its function says", async () => {
  const model = compose({ a: linear({ features: 2 }), b: linear({ features: 2 }) }, ({ a, b }, x) => sub(a(x), b(x)));
  const { params, state, output } = model.init(key, [3]);
  assert.deepEqual(output, [2]);
  assert.deepEqual(paths(params), ["a.weight", "a.bias", "b.weight", "b.bias"]);
  const x = random.normal(key, [4, 3]);
  const of = (p: typeof params.a) => linear({ features: 2 }).apply(p, {}, x, evalMode)[0];
  assert.deepEqual(
    await data(model.apply(params, state, x, evalMode)[0]),
    await data(sub(of(params.a), of(params.b))),
  );
});

Deno.test("a stage that is used twice shares its parameters, moves its state twice, and drops differently", async () => {
  const norm = batchNorm({ momentum: 0.5 });
  const model = compose({ norm, fc: linear({ features: 2 }) }, ({ norm, fc }, x) => norm(fc(norm(fc(x)))));
  const { params, state } = model.init(key, [2]);
  assert.deepEqual(paths(params), ["norm.weight", "norm.bias", "fc.weight", "fc.bias"], "in the order of the stages");
  const x = random.normal(key, [8, 2]);
  const fc = (y: Tensor) => linear({ features: 2 }).apply(params.fc, {}, y, evalMode)[0];
  const [once, first] = norm.apply(params.norm, state.norm, fc(x), trainMode(key));
  const [twice, second] = norm.apply(params.norm, first, fc(once), trainMode(key));
  const [y, after] = model.apply(params, state, x, trainMode(key));
  assert.deepEqual(await data(y), await data(twice));
  assert.deepEqual(await data(after.norm.runningMean), await data(second.runningMean));
  const drops = compose({ drop: dropout() }, ({ drop }, z) => drop(drop(z)));
  const kept = (await data(drops.apply({}, {}, ones([1, 64]), trainMode(key))[0])).filter((v) => v > 0).length;
  assert.ok(kept > 4 && kept < 32, `${kept} of 64 pass two independent masks`);
});

Deno.test("stages that are not used have no parameters", () => {
  const model = compose({ used: linear({ features: 2 }), spare: linear({ features: 3 }) }, ({ used }, x) => used(x));
  assert.deepEqual(paths(model.init(key, [3]).params), ["used.weight", "used.bias"]);
  // Names that every object has are names like others.
  assert.deepEqual(paths(serial({ constructor: linear({ features: 1 }) }).init(key, [1]).params), [
    "constructor.weight",
    "constructor.bias",
  ]);
});

Deno.test("residual adds its input, or what downsample makes of it", async () => {
  const x = random.normal(key, [2, 3]);
  const plain = residual({ fc: linear({ features: 3 }) });
  const { params } = plain.init(key, [3]);
  assert.deepEqual(paths(params), ["fc.weight", "fc.bias"]);
  const inner = linear({ features: 3 }).apply(params.fc, {}, x, evalMode)[0];
  assert.deepEqual(await data(plain.apply(params, {}, x, evalMode)[0]), await data(add(inner, x)));
  const wider = residual({ fc: linear({ features: 5 }) }, { downsample: linear({ features: 5 }), activation: relu });
  const made = wider.init(key, [3]);
  assert.deepEqual(made.output, [5]);
  assert.deepEqual(made.params.downsample.weight.shape, [5, 3]);
  const main = linear({ features: 5 }).apply(made.params.fc, {}, x, evalMode)[0];
  const beside = linear({ features: 5 }).apply(made.params.downsample, {}, x, evalMode)[0];
  assert.deepEqual(await data(wider.apply(made.params, {}, x, evalMode)[0]), await data(relu(add(main, beside))));
  assert.throws(() => residual({ downsample: relu }), RangeError);
  assert.throws(() => serial({ fc: undefined as never }), /Cannot use undefined as stage "fc"/);
  assert.throws(() => serial({ fc: [relu] as never }), TypeError);
});

Deno.test("connections report where something does not fit", () => {
  const inner = serial({ block: residual({ fc: linear({ features: 4 }) }) });
  assert.throws(() => inner.init(key, [3]), (error) => error instanceof ShapeError && error.facts.layer === "block");
  const deep = serial({ block: residual({ conv: conv2d({ features: 4, kernel: 9 }) }) });
  assert.throws(() => deep.init(key, [4, 5, 5]), (error) => error instanceof ShapeError && error.facts.layer === "block.conv");
  const sides = serial({ two: parallel({ a: withArgs(maxPool2d, { kernel: 2 }), b: relu }) });
  assert.throws(() => sides.init(key, [1, 4, 4]), (error) => error instanceof ShapeError && error.facts.layer === "two");
});

Deno.test("dense connections keep the input; parallel joins branches in order", async () => {
  const x = random.normal(key, [2, 2, 3, 3]);
  const dense = denseConnection({ act: relu, twice: (y: Tensor) => mul(y, 2) });
  assert.deepEqual(dense.init(key, [2, 3, 3]).output, [4, 3, 3]);
  const parts = await toArray(dense.apply({}, {}, x, evalMode)[0]) as number[][][][];
  assert.deepEqual(parts[1].slice(0, 2), (await toArray(x) as number[][][][])[1]);
  assert.deepEqual(parts[1].slice(2), (await toArray(mul(relu(x), 2)) as number[][][][])[1]);
  const branches = parallel({ same: (y: Tensor) => y, negative: (y: Tensor) => mul(y, -1) }, { axis: -1 });
  assert.deepEqual(branches.init(key, [2, 3, 3]).output, [2, 3, 6]);
  const [row] = (await toArray(branches.apply({}, {}, tensor([[1, 2]]), evalMode)[0])) as number[][];
  assert.deepEqual(row, [1, 2, -1, -2]);
});

Deno.test("sequential numbers its stages", () => {
  const { params } = sequential(linear({ features: 3 }), relu, sequential(linear({ features: 2 }))).init(key, [4]);
  // Of an unknown number of stages of one form the form is known.
  const same = sequential(...[3, 2].map((features) => serial({ fc: linear({ features }), norm: batchNorm() }))).init(key, [4]);
  assert.deepEqual([same.params[1].fc.weight.shape, same.state[0].norm.runningMean.shape], [[2, 3], [3]]);
  assert.deepEqual(paths(params), ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]);
  assert.deepEqual(params[2][0].weight.shape, [2, 3]);
  // @ts-expect-error relu has no parameters
  assert.equal(params[1], undefined);
});

/** The model of the second document's walk: three stages, and a named sequence of two. */
const walked = serial({
  conv1: conv2d({ features: 64, kernel: 3 }),
  conv2: conv2d({ features: 64, kernel: 3 }),
  maxpool1: withArgs(maxPool2d, { kernel: 2 }),
  features: serial({ conv3: conv2d({ features: 128, kernel: 3 }), conv4: conv2d({ features: 128, kernel: 3 }), relu1: relu }),
});

Deno.test("stages and parameters by dotted name, nested or one level only", () => {
  const outer = ["conv1", "conv2", "maxpool1", "features"];
  assert.deepEqual(namedStages(walked, { depth: 1 }).map(([name]) => name), outer);
  assert.deepEqual(
    namedStages(walked).map(([name, { kind }]) => [name, kind]),
    [
      ["conv1", "conv2d"],
      ["conv2", "conv2d"],
      ["maxpool1", "maxPool2d"],
      ["features", "serial"],
      ["features.conv3", "conv2d"],
      ["features.conv4", "conv2d"],
      ["features.relu1", "relu"],
    ],
  );
  const { params } = walked.init(key, [3, 32, 32]);
  assert.deepEqual(namedParameters(params).map(([name, { shape }]) => [name, shape]).slice(-2), [
    ["features.conv4.weight", [128, 128, 3, 3]],
    ["features.conv4.bias", [128]],
  ]);
  assert.deepEqual(namedParameters(params, { depth: 1 }), []);
  assert.deepEqual(namedParameters(params.conv1, { depth: 1 }).map(([name]) => name), ["weight", "bias"]);
});

Deno.test("a summary has every stage's output and parameters", () => {
  const before = compileCount();
  assert.equal(
    layers.summary(walked, [3, 32, 32]),
    `
stage           layer      output         parameters
conv1           conv2d     [64, 30, 30]        1,792
conv2           conv2d     [64, 28, 28]       36,928
maxpool1        maxPool2d  [64, 14, 14]            0
features.conv3  conv2d     [128, 12, 12]      73,856
features.conv4  conv2d     [128, 10, 10]     147,584
features.relu1  relu       [128, 10, 10]           0
total                      [128, 10, 10]     260,160`.slice(1),
  );
  assert.equal(
    layers.summary(walked, [3, 32, 32], { depth: 1 }).split("\n")[4],
    "features  serial     [128, 10, 10]     221,440",
  );
  assert.equal(compileCount(), before, "it computes nothing");
  assert.throws(() => layers.summary(walked, [3, 4, 4]), (error) => error instanceof ShapeError && error.facts.layer === "conv2");
});
