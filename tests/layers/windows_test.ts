/**
 * Layers of windows and normalisation: parameters, shapes, state, and errors with their paths. (The operations they call:
 * tests/core/ops/windows_test.ts, tests/parity/.)
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  conv2d,
  convTranspose2d,
  data,
  div,
  layers,
  mean,
  mul,
  ones,
  OptionError,
  random,
  relu,
  reshape,
  setDevice,
  ShapeError,
  sqrt,
  sub,
  type Tensor,
  treeLeaves,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";

await setDevice("reference");

const { batchNorm, evalMode, groupNorm, instanceNorm, layerNorm, serial, trainMode } = layers;
const key = random.key(0);
const close = { relative: 1e-5, absolute: 1e-5 };
const shapes = (params: object) =>
  Object.fromEntries(treeLeaves(params).map(({ path, value }) => [path, (value as Tensor).shape]));

/** Compiles only if both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function isTrue<_T extends true>(): void {}

Deno.test("parameters have PyTorch's shapes, and init knows what apply gives", () => {
  const cases: readonly [layers.AnyLayer, readonly number[], readonly number[], Record<string, readonly number[]>][] = [
    [layers.conv1d({ features: 6, kernel: 4, stride: 3, groups: 2, padding: [2, 1] }), [4, 11], [6, 4], {
      weight: [6, 2, 4],
      bias: [6],
    }],
    [layers.conv1d({ features: 2, kernel: 4, padding: "same", bias: false, paddingMode: "circular" }), [3, 9], [2, 9], {
      weight: [2, 3, 4],
    }],
    [layers.conv2d({ features: 2, kernel: [2, 3], padding: "same", dilation: 2 }), [3, 5, 6], [2, 5, 6], {
      weight: [2, 3, 2, 3],
      bias: [2],
    }],
    [layers.conv2d({ features: 2, kernel: 3, padding: [[0, 2], 1], paddingMode: "reflect" }), [3, 5, 6], [2, 5, 6], {
      weight: [2, 3, 3, 3],
      bias: [2],
    }],
    [
      layers.convTranspose2d({ features: 6, kernel: [3, 2], stride: 2, padding: [1, 0], outputPadding: [1, 0], groups: 2 }),
      [4, 5, 6],
      [6, 10, 12],
      { weight: [4, 3, 3, 2], bias: [6] },
    ],
    [layers.convTranspose1d({ features: 2, kernel: 4, stride: 2, padding: 1, bias: false }), [4, 5], [2, 10], {
      weight: [4, 2, 4],
    }],
    [layers.maxPool1d({ kernel: 2, ceilMode: true }), [3, 7], [3, 4], {}],
    [layers.avgPool1d({ kernel: 2 }), [3, 7], [3, 3], {}],
    [layers.adaptiveAvgPool2d([3, 1]), [2, 5, 7], [2, 3, 1], {}],
    [layers.adaptiveMaxPool2d(3), [2, 5, 7], [2, 3, 3], {}],
    [layers.globalAvgPool2d(), [10, 5, 5], [10], {}],
    [layers.globalAvgPool2d({ keepDims: true }), [10, 5, 5], [10, 1, 1], {}],
    [layerNorm(), [3, 4], [3, 4], { weight: [4], bias: [4] }],
    [layerNorm({ axis: [-1, -2], affine: false }), [3, 4], [3, 4], {}],
    [layerNorm({ axis: 1 }), [3, 4, 5], [3, 4, 5], { weight: [3], bias: [3] }],
    [layers.rmsNorm(), [3, 4], [3, 4], { weight: [4] }],
    [layers.rmsNorm({ axis: [-1, -2], affine: false }), [3, 4], [3, 4], {}],
    [groupNorm({ groups: 2 }), [4, 3], [4, 3], { weight: [4], bias: [4] }],
    [instanceNorm(), [4, 3], [4, 3], {}],
    [instanceNorm({ affine: true }), [4, 3, 2], [4, 3, 2], { weight: [4], bias: [4] }],
    [batchNorm({ affine: false }), [4, 3], [4, 3], {}],
  ];
  for (const [layer, input, expected, parameters] of cases) {
    const { kind = "layer" } = layer;
    const { params, state, output } = layer.init(key, input);
    assert.deepEqual(shapes(params), parameters, kind);
    assert.deepEqual(output, expected, kind);
    assert.deepEqual(layer.apply(params, state, ones([2, ...input]), trainMode(key))[0].shape, [2, ...expected], kind);
  }
});

Deno.test("a transposed convolution starts as PyTorch's: uniform by the size of what one input channel reaches", async () => {
  const { weight, bias } = layers.convTranspose2d({ features: 128, kernel: 3, groups: 2 }).init(key, [16, 4, 4]).params;
  const bound = 1 / Math.sqrt(64 * 9);
  for (const [x, most] of [[weight, 0.99], [bias, 0.9]] as const) {
    const largest = Math.max(...(await data(x)).map(Math.abs));
    assert.ok(largest <= bound && largest > most * bound, `${largest} of ${bound}`);
  }
});

Deno.test("layers compute what their operations do", async () => {
  const x = random.normal(key, [2, 3, 5, 4]);
  const conv = layers.conv2d({ features: 2, kernel: 3, padding: 1, paddingMode: "replicate" });
  const { params } = conv.init(key, [3, 5, 4]);
  const expected = conv2d(x, params.weight, { bias: params.bias, padding: 1, paddingMode: "replicate" });
  assert.deepEqual(await data(conv.apply(params, {}, x, evalMode)[0]), await data(expected));
  const back = layers.convTranspose2d({ features: 2, kernel: 3, stride: 2, outputPadding: 1 });
  const start = back.init(key, [3, 5, 4]).params;
  const enlarged = convTranspose2d(x, start.weight, { bias: start.bias, stride: 2, outputPadding: 1 });
  assert.deepEqual(await data(back.apply(start, {}, x, evalMode)[0]), await data(enlarged));
});

/** Batch normalisation as the document writes it out, step by step. */
function byHand(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  movingMean: Tensor,
  movingVar: Tensor,
  momentum: number,
  epsilon: number,
) {
  const axis = x.rank === 2 ? [0] : [0, 2, 3];
  const average = mean(x, { axis, keepDims: true });
  const distance = sub(x, average);
  const variance = mean(mul(distance, distance), { axis, keepDims: true });
  const standard = div(distance, sqrt(add(variance, epsilon)));
  const count = x.size / x.shape[1];
  const sampleVariance = mul(variance, count / (count - 1));
  return {
    y: add(mul(reshape(gamma, average.shape), standard), reshape(beta, average.shape)),
    movingMean: add(mul(1 - momentum, movingMean), mul(momentum, reshape(average, movingMean.shape))),
    movingVar: add(mul(1 - momentum, movingVar), mul(momentum, reshape(sampleVariance, movingVar.shape))),
  };
}

Deno.test("batchNorm is the formula written out by hand, over features and over channels", async () => {
  for (const shape of [[6, 3], [4, 3, 2, 5]]) {
    const draw = (name: string, extents: readonly number[]) => random.normal(layers.keyFor(key, name), extents);
    const x = add(mul(draw("x", shape), 3), 2);
    const params = { weight: draw("weight", [3]), bias: draw("bias", [3]) };
    const state = { runningMean: draw("mean", [3]), runningVar: mul(draw("var", [3]), draw("var", [3])) };
    const norm = batchNorm({ momentum: 0.3, epsilon: 1e-3 });
    const hand = byHand(x, params.weight, params.bias, state.runningMean, state.runningVar, 0.3, 1e-3);
    const [y, next] = norm.apply(params, state, x, trainMode(key));
    assertClose(await data(y), await data(hand.y), close, "output");
    assertClose(await data(next.runningMean), await data(hand.movingMean), close, "mean");
    assertClose(await data(next.runningVar), await data(hand.movingVar), close, "variance");
    const spread = sqrt(add(next.runningVar, 1e-3));
    const perChannel = (t: Tensor) => reshape(t, [3, ...shape.slice(2).map(() => 1)]);
    const standard = div(sub(x, perChannel(next.runningMean)), perChannel(spread));
    const used = add(mul(standard, perChannel(params.weight)), perChannel(params.bias));
    assertClose(await data(norm.apply(params, next, x, evalMode)[0]), await data(used), close, "in use");
  }
});

Deno.test("batchNorm without parameters is the one whose deviation is 1 and mean 0", async () => {
  const x = random.normal(key, [5, 3, 2]);
  const full = batchNorm();
  const bare = batchNorm({ affine: false });
  const { params, state } = bare.init(key, [3, 2]);
  isTrue<Same<typeof params, layers.Empty>>();
  const initial = full.init(key, [3, 2]);
  for (const mode of [trainMode(key), evalMode]) {
    const [y, next] = bare.apply(params, state, x, mode);
    const [expected, nextOfFull] = full.apply(initial.params, initial.state, x, mode);
    assertClose(await data(y), await data(expected), close, mode.kind);
    assertClose(await data(next.runningVar), await data(nextOfFull.runningVar), close, mode.kind);
  }
});

Deno.test("batchNorm without running statistics uses the batch's own after training, too", async () => {
  const x = random.normal(key, [5, 3]);
  const norm = batchNorm({ trackRunningStats: false });
  const { params, state } = norm.init(key, [3]);
  isTrue<Same<typeof state, layers.Empty>>();
  const [y, next] = norm.apply(params, state, x, evalMode);
  assert.equal(next, state);
  assert.deepEqual(await data(y), await data(norm.apply(params, state, x, trainMode(key))[0]));
  assertClose(await data(mean(mul(y, y), { axis: 0 })), [1, 1, 1], { relative: 1e-4, absolute: 0 }, "squares");
  assert.throws(() => norm.apply(params, state, ones([1, 3]), evalMode), ShapeError);
});

Deno.test("types: parameters are there if they are asked for", () => {
  const norm = batchNorm().init(key, [3]);
  isTrue<Same<typeof norm.params, { readonly weight: Tensor; readonly bias: Tensor }>>();
  isTrue<Same<typeof norm.state, layers.RunningStatistics>>();
  const model = serial({ up: layers.convTranspose2d({ features: 4, kernel: 2, bias: false }), norm: instanceNorm(), act: relu });
  const { params } = model.init(key, [3, 4, 4]);
  isTrue<Same<keyof typeof params, "up">>();
  isTrue<Same<keyof typeof params.up, "weight">>();
  // @ts-expect-error groups are needed
  assert.throws(() => groupNorm({}), OptionError);
});

Deno.test("network in network: the shapes of all its stages", () => {
  const { conv2d, dropout, flatten, globalAvgPool2d, maxPool2d } = layers;
  const pointwise = (features: number) => conv2d({ features, kernel: 1 });
  const block = (features: number, kernel: number, stride: number, padding: number) =>
    serial({
      conv: conv2d({ features, kernel, stride, padding }),
      act: relu,
      first: pointwise(features),
      act1: relu,
      second: pointwise(features),
      act2: relu,
    });
  const stages = [
    block(96, 11, 4, 0),
    maxPool2d({ kernel: 3, stride: 2 }),
    block(256, 5, 1, 2),
    maxPool2d({ kernel: 3, stride: 2 }),
    block(384, 3, 1, 1),
    maxPool2d({ kernel: 3, stride: 2 }),
    dropout(0.5),
    block(10, 3, 1, 1),
    globalAvgPool2d({ keepDims: true }),
    flatten(),
  ];
  let shape: readonly number[] = [1, 224, 224];
  const outputs = stages.map((stage) => shape = (stage as layers.AnyLayer).init(key, shape).output);
  assert.deepEqual(outputs, [
    [96, 54, 54],
    [96, 26, 26],
    [256, 26, 26],
    [256, 12, 12],
    [384, 12, 12],
    [384, 5, 5],
    [384, 5, 5],
    [10, 5, 5],
    [10, 1, 1],
    [10],
  ]);
});

Deno.test("what does not fit is refused with the path", () => {
  const refused: readonly [layers.AnyLayer, readonly number[], string][] = [
    [
      layers.conv1d({ features: 2, kernel: 3 }),
      [8],
      "conv1d needs 2 axes [channels, length] beside the batch, give the shape [1, 8] for one channel",
    ],
    [
      layers.conv1d({ features: 2, kernel: 9 }),
      [3, 8],
      "cannot apply conv1d with kernel [9] to input [1, 3, 8]: the window (with its " +
      "dilation) is larger than the padded input",
    ],
    [layers.conv2d({ features: 2, kernel: 3, groups: 2 }), [3, 8, 8], "its 3 channels are not divisible by 2 groups"],
    [
      layers.convTranspose2d({ features: 2, kernel: 2, padding: 4 }),
      [1, 3, 3],
      "cannot apply convTranspose2d to input [1, 1, 3, 3] " +
      "with weight [1, 2, 2, 2]: there would be nothing left, an output of extents [-4, -4]",
    ],
    [layers.adaptiveAvgPool2d(2), [10], "adaptiveAvgPool2d needs 4 axes [batch, channels, height, width]"],
    [groupNorm({ groups: 3 }), [4, 2], "its 4 channels are not divisible by 3 groups"],
    [instanceNorm(), [4, 1, 1], "instanceNorm needs at least two elements per channel for a variance"],
    [layerNorm({ axis: [1, 3] }), [4, 5], "cannot apply layerNorm along axis 3: the tensor has 3 axes"],
    [layers.rmsNorm({ axis: 3 }), [4, 5], "cannot apply rmsNorm along axis 3: the tensor has 3 axes"],
    [
      layers.conv2d({ features: 1, kernel: 5, padding: 4, paddingMode: "reflect" }),
      [1, 3, 3],
      'cannot pad axis 2 of [1, 1, 3, 3] by 4 in mode "reflect": its extent allows 2',
    ],
  ];
  for (const [layer, input, why] of refused) {
    assert.throws(() => serial({ net: serial({ stage: layer }) }).init(key, input), {
      name: "ShapeError",
      message: `Cannot apply layer "net.stage" to input [${input.join(", ")}]: ${why}`,
    });
  }
});

Deno.test("options out of their ranges are refused when a layer is made", () => {
  const made: readonly (() => unknown)[] = [
    () => layers.conv1d({ features: 2, kernel: 0 }),
    () => layers.conv1d({ features: 2, kernel: 2, padding: -1 }),
    () => layers.conv1d({ features: 2, kernel: 2, padding: "same", stride: 2 }),
    () => layers.conv2d({ features: 2, kernel: 2, padding: [[1], 2] as never }),
    () => layers.conv2d({ features: 2, kernel: 2, padding: "full" as never }),
    () => layers.convTranspose2d({ features: 3, kernel: 2, groups: 2 }),
    () => layers.convTranspose2d({ features: 2, kernel: 2, outputPadding: -1 }),
    () => layers.convTranspose1d({ features: 2, kernel: 2, stride: 1.5 }),
    () => layers.adaptiveAvgPool2d([0, 1]),
    () => layers.adaptiveMaxPool2d(1.5),
    () => layerNorm({ epsilon: 0 }),
    () => layers.rmsNorm({ epsilon: -1 }),
    () => groupNorm({ groups: 0 }),
    () => instanceNorm({ epsilon: NaN }),
  ];
  for (const make of made) assert.throws(make, RangeError, make.toString());
});
