/** Random numbers: known answers, the same bits on every device, and the moments they should have. */
import assert from "node:assert/strict";
import { bitcast, threefry2x32 } from "../../core/ops/bits.ts";
import * as host from "../../core/threefry.ts";
import {
  add,
  arange,
  argmin,
  bitwiseXor,
  broadcastTo,
  compileCount,
  data,
  datasets,
  DTypeError,
  item,
  jit,
  log,
  mean,
  mul,
  oneHot,
  random,
  realize,
  type Scalar,
  ShapeError,
  slice,
  sort,
  stack,
  sub,
  sum,
  type Tensor,
  tensor,
  toArray,
  topK,
  vmap,
  zeros,
} from "../../mod.ts";
import { testOnDevices } from "../support/each_device.ts";
import { hash } from "../support/noise.ts";

const word = (...values: number[]) => tensor(Uint32Array.from(values));

testOnDevices("the hash gives the known answers of Random123, and those of the host", async () => {
  const ones = 0xffffffff;
  const known: readonly (readonly number[])[] = [
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [ones, ones, ones, ones, 0x1cb996fc, 0xbb002be7],
    [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
  ];
  const others = Array.from({ length: 50 }, (_, i) => {
    const [k0, k1, c0, c1] = [0, 1, 2, 3].map((stream) => hash(stream, i));
    return [k0, k1, c0, c1, ...host.threefry2x32([k0, k1], [c0, c1])];
  });
  const columns = Array.from({ length: 6 }, (_, j) => word(...[...known, ...others].map((row) => row[j])));
  const [x, y] = threefry2x32([columns[0], columns[1]], [columns[2], columns[3]]);
  assert.deepEqual(await data(x), await data(columns[4]));
  assert.deepEqual(await data(y), await data(columns[5]));
});

testOnDevices("split and foldIn agree with JAX", async () => {
  // jax.random.split(jax.random.key(0)) and jax.random.fold_in(jax.random.key(0), 1)
  const [first, second] = random.split(random.key(0));
  assert.deepEqual(await toArray(first), [1797259609, 2579123966]);
  assert.deepEqual(await toArray(second), [928981903, 3453687069]);
  assert.deepEqual(await toArray(random.foldIn(random.key(0), 1)), [928981903, 3453687069]);
  // A number, a tensor, and the number of a compiled function are the same to it.
  const folded = await toArray(random.foldIn(random.key(5), 7));
  assert.deepEqual(folded, host.foldInKey(host.keyFromSeed(5), 7));
  assert.deepEqual(await toArray(random.foldIn(random.key(5), tensor(7, { dtype: "i32" }))), folded);
  assert.deepEqual(
    await toArray(jit((k: Tensor, i: Scalar) => random.foldIn(k, i))(random.key(5), 7)),
    folded,
  );
  assert.deepEqual(await toArray(random.key(2 ** 40 + 5)), [256, 5]);
  // A key that is still to be computed is split and folded by the program that reads it, with the same words.
  const pending = () => bitwiseXor(random.key(5), 0);
  assert.deepEqual(await toArray(random.foldIn(pending(), 7)), folded);
  assert.deepEqual(await toArray(random.foldIn(pending(), -7)), await toArray(random.foldIn(random.key(5), -7)));
  const split = (k: Tensor) => Promise.all(random.split(k, 3).map(toArray));
  assert.deepEqual(await split(pending()), await split(random.key(5)));
  const many = await Promise.all(random.split(random.key(1), 50).map(toArray));
  assert.equal(new Set(many.map(String)).size, 50);
});

testOnDevices("a loop that folds in its steps compiles nothing", () => {
  const [k, other] = [random.key(0), random.key(1)];
  const fold = (step: number) => realize([random.foldIn(k, step), random.foldIn(bitwiseXor(other, 0), step)]);
  fold(0);
  const before = compileCount();
  for (const step of [1, 2, 3, 70, 2 ** 31]) fold(step);
  assert.equal(compileCount(), before);
});

testOnDevices("bits depend on the key and the position alone", async () => {
  const k = random.key(42);
  const bits = await data(random.bits(k, [2, 3]));
  const expected = Array.from({ length: 6 }, (_, i) => {
    const [x, y] = host.threefry2x32([0, 42], [0, i]);
    return (x ^ y) >>> 0;
  });
  assert.deepEqual([...bits], expected);
  assert.deepEqual(await data(random.bits(k, [6])), bits);
  assert.deepEqual(await data(jit((k: Tensor) => random.bits(k, [6]))(k)), bits);
  // Under vmap each key gives what it gives alone.
  const keys = tensor(Uint32Array.of(0, 42, 7, 9), { shape: [2, 2] });
  const rows = vmap((k: Tensor) => random.bits(k, [6]))(keys);
  assert.deepEqual((await data(rows)).slice(0, 6), bits);
});

testOnDevices("uniform numbers are the fractions their bits say, on every device", async () => {
  const k = random.key(3);
  const bits = await data(random.bits(k, [1000]));
  assert.deepEqual(await data(random.uniform(k, [1000])), Float32Array.from(bits, (each) => (each >>> 9) / 2 ** 23));
  const wide = await data(random.uniform(k, [1000], { min: -3, max: 5 }));
  assert.ok(wide.every((x) => x >= -3 && x <= 5));
  assert.deepEqual(await data(bitcast(bitcast(random.uniform(k, [9]), "u32"), "f32")), await data(random.uniform(k, [9])));
});

testOnDevices("numbers stay in their interval, however few floats lie in it", async () => {
  const intervals: readonly [min: number, max: number][] = [
    [1e7, 1e7 + 1],
    [1e7, 1e7 + 2],
    [0.1, 0.1 + 2e-8],
    [16777217, 16777219],
    [-1, -1 + 1e-7],
    [-1 - 2e-7, -1],
    [-3e38, 3e38],
    [-1e-38, 2e-38],
    [-1, 0],
    [0, 1e-30],
    [1 / 3, 2 / 3],
  ];
  for (const [min, max] of intervals) {
    const values = await data(random.uniform(random.key(5), [2000], { min, max }));
    const outside = values.filter((x) => !(x >= min && x < max));
    assert.deepEqual([...outside.slice(0, 3)], [], `[${min}, ${max})`);
  }
  for (const [min, max] of [[-2, 2], [-1.3, 0.7], [0.101, 0.105], [2.51, 2.53]]) {
    const values = await data(random.truncatedNormal(random.key(6), [2000], { min, max }));
    assert.deepEqual([...values.filter((x) => !(x >= min && x <= max)).slice(0, 3)], [], `normal, [${min}, ${max}]`);
  }
  assert.throws(() => random.uniform(random.key(0), [1], { min: 16777217, max: 16777217.5 }), RangeError);
  assert.throws(() => random.uniform(random.key(0), [1], { min: 2, max: 1 }), RangeError);
});

Deno.test("numbers of a stream stay in their interval, however few doubles lie in it", () => {
  const stream = datasets.randomStream([0, 1]);
  for (const [low, high] of [[1e16, 1e16 + 2], [1, 1 + 2 ** -51], [-1 - 2 ** -51, -1]]) {
    for (let i = 0; i < 100; i++) {
      const x = stream.uniform(low, high);
      assert.ok(x >= low && x < high, `${x} in [${low}, ${high})`);
    }
  }
});

async function moments(x: Tensor): Promise<{ mean: number; variance: number }> {
  const average = mean(x);
  const distance = sub(x, average);
  return { mean: await item(average), variance: await item(mean(mul(distance, distance))) };
}

testOnDevices("uniform, normal and Bernoulli numbers have their moments", async () => {
  const size = 20_000;
  // Five standard errors: sqrt(variance / size) of the mean, about sqrt((kurtosis - 1) / size) of the variance.
  const near = (actual: number, expected: number, error: number) =>
    assert.ok(Math.abs(actual - expected) < 5 * error / Math.sqrt(size), `${actual} instead of ${expected}`);
  const uniform = await moments(random.uniform(random.key(1), [size], { min: -1, max: 3 }));
  near(uniform.mean, 1, Math.sqrt(16 / 12));
  near(uniform.variance, 16 / 12, 16 / 12 * Math.sqrt(0.8));
  const normal = await moments(random.normal(random.key(2), [size]));
  near(normal.mean, 0, 1);
  near(normal.variance, 1, Math.SQRT2);
  const wide = await moments(random.normal(random.key(4), [size], { mean: -3, std: 2 }));
  near(wide.mean, -3, 2);
  near(wide.variance, 4, 4 * Math.SQRT2);
  const values = await data(random.normal(random.key(2), [size]));
  assert.ok(values.every(Number.isFinite));
  near(values.filter((x) => x > 1).length / size, 0.15866, Math.sqrt(0.1587 * 0.8413));
  const coins = await data(random.bernoulli(random.key(3), 0.3, [size]));
  near(Array.from(coins).reduce((sum, x) => sum + x, 0) / size, 0.3, Math.sqrt(0.21));
});

testOnDevices("truncated normal numbers lie between their bounds and have their moments", async () => {
  const size = 20_000;
  const density = (x: number) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  // The probability of each interval, and the moments that follow from it and the density at its ends.
  for (const [low, high, share] of [[-2, 2, 0.9544997], [0.5, 3, 0.3071876], [-1, Infinity, 0.8413447]]) {
    const x = random.truncatedNormal(random.key(5), [size], low === -2 ? {} : { min: low, max: high });
    const values = await data(x);
    assert.ok(values.every((each) => each >= low && each <= high));
    const end = Number.isFinite(high) ? high * density(high) : 0;
    const expected = (density(low) - density(high)) / share;
    const spread = 1 + (low * density(low) - end) / share - expected ** 2;
    const { mean, variance } = await moments(x);
    assert.ok(Math.abs(mean - expected) < 5 / Math.sqrt(size), `${mean} instead of ${expected}`);
    assert.ok(Math.abs(variance - spread) < 10 / Math.sqrt(size), `${variance} instead of ${spread}`);
  }
  assert.throws(() => random.truncatedNormal(random.key(0), [1], { min: 1, max: 1 }), RangeError);
  assert.throws(() => random.truncatedNormal(random.key(0), [1], { min: 8 }), RangeError);
  assert.throws(() => random.truncatedNormal(random.key(0), [1], { dtype: "i32" }), DTypeError);
  assert.equal(random.truncatedNormal(random.key(0), [1], { dtype: "f64" }).dtype, "f64");
});

testOnDevices("permutations hold every number once, each position as often", async () => {
  for (const size of [0, 1, 7, 3000]) {
    const order = random.permutation(random.key(size), size);
    assert.deepEqual([...await data(sort(order))], Array.from({ length: size }, (_, i) => i), `${size}`);
    assert.equal(order.dtype, "i32");
  }
  // Where 0 comes to lie among 5 positions, for 1000 keys.
  const firstOf = (i: Tensor) => argmin(random.permutation(random.foldIn(random.key(1), i), 5));
  const first = await data(vmap(firstOf)(arange(1000)));
  for (let position = 0; position < 5; position++) {
    const count = first.filter((each) => each === position).length;
    assert.ok(Math.abs(count - 200) < 65, `${count} at ${position}`);
  }
  const columns = random.permutation(random.key(2), tensor([[1, 2, 3], [4, 5, 6]]), { axis: 1 });
  assert.deepEqual(await toArray(sort(columns)), [[1, 2, 3], [4, 5, 6]]);
  assert.deepEqual(await toArray(sub(slice(columns, { start: 1 }), slice(columns, { stop: 1 }))), [[3, 3, 3]]);
  assert.throws(() => random.permutation(random.key(0), 1.5), RangeError);
  for (const draw of [random.bits, random.uniform, random.normal]) {
    assert.throws(() => draw(0 as never, [2]), /Cannot use 0 as a random key/);
    const keys = random.split(random.key(0), 3);
    assert.throws(
      () => draw(keys as never, [2]),
      /Cannot use a list of 3 keys as a random key: take one of those.*stack\(random\.split/,
    );
    assert.throws(() => draw([2, 3] as never, undefined as never), /Cannot use \[2, 3\] as a random key/);
  }
  assert.throws(() => random.permutation(random.key(0), tensor(1)), ShapeError);
});

testOnDevices("integers lie in their interval and are about equally frequent", async () => {
  const values = await data(random.randint(random.key(1), [7000], { min: -2, max: 5 }));
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  assert.deepEqual([...counts.keys()].sort((a, b) => a - b), [-2, -1, 0, 1, 2, 3, 4]);
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 150, `${[...counts]}`);
});

testOnDevices("Gumbel's numbers have his distribution", async () => {
  const values = (await data(random.gumbel(random.key(3), [40_000]))).toSorted();
  // The largest distance of the distribution function from e^-e^-x: 1.63 / sqrt(n) in one of a hundred samples.
  const distance = Math.max(...values.map((x, i) => Math.abs((i + 0.5) / values.length - Math.exp(-Math.exp(-x)))));
  assert.ok(distance < 1.63 / 200, `${distance}`);
  assert.ok(values.every(Number.isFinite));
});

testOnDevices("the largest of Gumbel's numbers are as fine as the others", async () => {
  // Of two million numbers the largest are near ln 2e6 = 14.5, and all different.
  const top = await data(topK(random.gumbel(random.key(4), [2_000_000]), 200).values);
  assert.ok(top[0] > 12 && top[0] < 24 && new Set(top).size > 195, `${top[0]}, ${new Set(top).size}`);
}, ["wasm"]);

testOnDevices("classes are drawn as often as softmax says, along any axis, and none of logit -Infinity", async () => {
  const [p, count] = [[0.5, 0.2, 0, 0.3], 20_000];
  const logits = add(log(tensor(p)), 5);
  const rows = broadcastTo(logits, [count, 4]);
  const drawn = random.categorical(random.key(1), rows);
  assert.equal(drawn.dtype, "i32");
  for (const each of [drawn, random.categorical(random.key(3), logits, { shape: [count] })]) {
    const counts = await toArray(sum(oneHot(each, 4), { axis: 0 })) as number[];
    // Four standard deviations.
    const near = counts.every((each, i) => Math.abs(each - count * p[i]) <= 4 * Math.sqrt(count * p[i] * (1 - p[i])));
    assert.ok(near, `${counts}`);
  }
  const draw = (k: Tensor) => random.categorical(k, logits);
  const keys = random.split(random.key(2), 16);
  const one = await Promise.all(keys.map((k) => item(draw(k))));
  assert.deepEqual([...await data(jit(vmap(draw))(stack(keys)))], one);
  assert.deepEqual(random.categorical(random.key(0), zeros([2, 3, 4]), { axis: 1 }).shape, [2, 4]);
  assert.deepEqual(random.categorical(random.key(0), zeros([2, 3, 4]), { axis: 1, shape: [5, 2, 4] }).shape, [5, 2, 4]);
  assert.throws(() => random.categorical(random.key(0), zeros([2, 3]), { shape: [3, 2, 1] }), /must end with \[2\]/);
  assert.throws(() => random.categorical(random.key(0), zeros([2, 0])), ShapeError);
  assert.throws(() => random.categorical(random.key(0), zeros([2]), { axis: 1 }), ShapeError);
});

testOnDevices("what is no key or no interval is refused", () => {
  assert.throws(() => random.bits(word(1), [2]), ShapeError);
  assert.throws(() => random.bits(tensor([1, 2]), [2]), DTypeError);
  assert.throws(() => random.uniform(random.key(0), [-1]), ShapeError);
  for (const seed of [-1, 0.5, NaN, 2 ** 60]) assert.throws(() => random.key(seed), RangeError);
  assert.throws(() => random.randint(random.key(0), [1], { min: 3, max: 3 }), RangeError);
  assert.throws(() => random.randint(random.key(0), [1], { max: 0.5 }), RangeError);
}, ["reference"]);
