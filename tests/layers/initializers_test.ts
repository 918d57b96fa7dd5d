/**
 * How parameters start: moments and bounds of what is drawn, fans, orthogonality, and layers that take initializers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { compileCount, data, eye, layers, matmul, random, reshape, ShapeError, tensor, transpose } from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { testOnDevices } from "../support/each_device.ts";

const { conv2d, initializers, keyFor, linear } = layers;
const { constant, gain, heNormal, heUniform, normal, orthogonal, truncatedNormal, uniform, xavierNormal, xavierUniform } =
  initializers;
const key = random.key(0);

/** Asserts mean and deviation within four standard errors; `kurtosis` is that of the distribution: 3 normal, 9 / 5 uniform. */
function assertMoments(values: ArrayLike<number>, mean: number, std: number, kurtosis: number, what: string): void {
  const all = Array.from(values);
  const count = all.length;
  const found = all.reduce((total, x) => total + x, 0) / count;
  const variance = all.reduce((total, x) => total + (x - mean) ** 2, 0) / count;
  assert.ok(Math.abs(found - mean) < 4 * std / Math.sqrt(count), `${what}: mean ${found}, expected ${mean}`);
  const slack = 4 * std ** 2 * Math.sqrt((kurtosis - 1) / count);
  assert.ok(Math.abs(variance - std ** 2) < slack, `${what}: variance ${variance}, expected ${std ** 2}`);
}

// Fan in 25 * 6 = 150, fan out 40 * 6 = 240, of a convolution's weight.
const filter = [40, 25, 2, 3];
const draws: readonly [string, layers.Initializer, { mean?: number; std: number; bound?: number; kurtosis?: number }][] = [
  ["uniform", uniform(), { mean: 0.5, std: 1 / Math.sqrt(12), bound: 1 }],
  ["uniform in an interval", uniform({ min: -3, max: 1 }), { mean: -1, std: 4 / Math.sqrt(12), bound: 3 }],
  ["normal", normal(), { std: 1 }],
  ["normal with options", normal({ mean: 2, std: 0.5 }), { mean: 2, std: 0.5 }],
  ["truncatedNormal", truncatedNormal(), { std: 0.87962566, bound: 2, kurtosis: 3 }],
  // Half of a normal distribution: mean sqrt(2 / pi), variance 1 - 2 / pi, times 0.5.
  ["half of a normal", truncatedNormal({ mean: 1, std: 0.5, min: -9, max: 1 }), {
    mean: 1 - 0.5 * Math.sqrt(2 / Math.PI),
    std: 0.5 * Math.sqrt(1 - 2 / Math.PI),
    kurtosis: 3.87,
  }],
  ["xavierUniform", xavierUniform(), { std: Math.sqrt(2 / 390), bound: Math.sqrt(6 / 390) }],
  ["xavierNormal", xavierNormal({ gain: 5 / 3 }), { std: 5 / 3 * Math.sqrt(2 / 390) }],
  ["heUniform", heUniform(), { std: Math.sqrt(2 / 150), bound: Math.sqrt(6 / 150) }],
  ["heUniform by fan out", heUniform({ gain: 1, mode: "fanOut" }), { std: 1 / Math.sqrt(240), bound: Math.sqrt(3 / 240) }],
  ["heNormal", heNormal(), { std: Math.sqrt(2 / 150) }],
  ["heNormal by fan out", heNormal({ mode: "fanOut" }), { std: Math.sqrt(2 / 240) }],
];

testOnDevices("draws have the moments and bounds of their distributions", async () => {
  for (const [name, initializer, { mean = 0, std, bound, kurtosis = bound === undefined ? 3 : 9 / 5 }] of draws) {
    const values = await data(initializer(key, filter));
    assertMoments(values, mean, std, kurtosis, name);
    if (bound !== undefined) assert.ok(values.every((x) => Math.abs(x) <= bound * 1.000001), `${name}: bound`);
    if (bound !== undefined) assert.ok(values.some((x) => Math.abs(x) > bound * 0.999), `${name}: bound is reached`);
  }
});

testOnDevices("constants, types and shapes", async () => {
  assert.deepEqual([...await data(constant(0.5)(key, [3]))], [0.5, 0.5, 0.5]);
  for (const [name, initializer] of [...draws, ["orthogonal", orthogonal()], ["constant", constant(1)]] as const) {
    const wide = initializer(key, [6, 4], { dtype: "f64" });
    assert.equal(wide.dtype, "f64", name);
    assertClose(await data(wide), await data(initializer(key, [6, 4])), { relative: 1e-5, absolute: 1e-5 }, name);
    assert.deepEqual(initializer(key, [0, 3]).shape, [0, 3], name);
    assert.deepEqual([...await data(initializer(key, [3, 0]))], [], name);
  }
}, ["reference", "wasm"]);

Deno.test("gains are PyTorch's", () => {
  assert.deepEqual((["linear", "sigmoid", "tanh", "selu"] as const).map((name) => gain(name)), [1, 1, 5 / 3, 0.75]);
  assertClose(
    [gain("relu"), gain("leakyRelu"), gain("leakyRelu", { negativeSlope: 0.5 })],
    [
      1.4142135623730951,
      1.4141428569978354,
      1.2649110640673518,
    ],
    { relative: 1e-15, absolute: 0 },
    "gains",
  );
});

testOnDevices("orthogonal matrices are orthogonal, of any form", async (_, device) => {
  const few = [[7, 7], [3, 20], [8, 2, 3, 3]];
  const many = [[1, 1], [2, 2], [24, 24], [5, 3], [16, 2, 1, 2], [100, 100]];
  for (const shape of device === "wasm" ? [...few, ...many] : few) {
    for (const seed of device === "wasm" ? [1, 2, 3] : [1]) {
      const weight = reshape(orthogonal({ gain: 2 })(random.key(seed), shape), [shape[0], -1]);
      const [rows, columns] = weight.shape;
      const product = rows < columns ? matmul(weight, transpose(weight)) : matmul(transpose(weight), weight);
      const four = (await data(eye(Math.min(rows, columns)))).map((x) => 4 * x);
      assertClose(await data(product), four, { relative: 0, absolute: 1e-5 }, `${shape} by key ${seed}`);
    }
  }
});

testOnDevices("orthogonal matrices are the polar factors of normal ones, spread evenly", async () => {
  // Q^T G is symmetric and positive for Q the polar factor of G.
  const q = orthogonal()(key, [9, 4]);
  const s = await data(matmul(transpose(q), random.normal(key, [9, 4])));
  for (let i = 0; i < 4; i++) {
    assert.ok(s[5 * i] > 0);
    for (let j = 0; j < i; j++) assert.ok(Math.abs(s[4 * i + j] - s[4 * j + i]) < 1e-5);
  }
  // By Haar's measure an element has mean 0 and variance 1 / n; and both determinants are as likely.
  const rotations = await Promise.all(Array.from({ length: 200 }, (_, i) => data(orthogonal()(random.key(i), [2, 2]))));
  assertMoments(rotations.map(([a]) => a), 0, Math.SQRT1_2, 1.5, "an element");
  const mirrors = rotations.filter(([a, b, c, d]) => a * d < b * c).length;
  assert.ok(mirrors > 70 && mirrors < 130, `${mirrors} of 200 are reflections`);
}, ["wasm"]);

testOnDevices("layers start as their initializers say, by default as PyTorch's", async () => {
  const weightInit = heUniform({ gain: gain("leakyRelu", { negativeSlope: Math.sqrt(5) }) });
  const standard = linear({ features: 6 }).init(key, [5]).params;
  assert.deepEqual(await data(standard.weight), await data(weightInit(keyFor(key, "weight"), [6, 5])));
  const chosen = linear({ features: 6, weightInit: constant(2), biasInit: constant(3) }).init(key, [5]).params;
  assert.deepEqual([...await data(chosen.bias)], [3, 3, 3, 3, 3, 3]);
  assert.ok((await data(chosen.weight)).every((x) => x === 2));
  const convolution = conv2d({ features: 4, kernel: 3, groups: 2, bias: false, weightInit: orthogonal() });
  assert.deepEqual(convolution.init(key, [6, 8, 8]).params.weight.shape, [4, 3, 3, 3]);
  const before = compileCount();
  convolution.init(key, [6, 8, 8]);
  assert.equal(compileCount(), before, "init computes nothing");
}, ["wasm"]);

Deno.test("what cannot start is refused", () => {
  for (const make of [xavierUniform, xavierNormal, heUniform, heNormal, orthogonal]) {
    assert.throws(() => make()(key, [3]), ShapeError);
    assert.throws(() => make({ gain: -1 }), RangeError);
  }
  assert.throws(() => normal({ std: -1 }), RangeError);
  assert.throws(() => truncatedNormal({ std: 0 }), RangeError);
  assert.throws(() => truncatedNormal({ min: 3 }), RangeError);
  assert.throws(() => heNormal({ mode: "both" as "fanIn" }), /heNormal with mode "both": it must be "fanIn" or "fanOut"/);
  assert.throws(() => gain("gelu" as "relu"), RangeError);
  const wrong = linear({ features: 2, biasInit: () => tensor([1, 2, 3]) });
  assert.throws(
    () => wrong.init(key, [4]),
    /ShapeError: Cannot start bias \[2\] with what its initializer gave: a tensor of shape \[3\]/,
  );
});
