/**
 * f16: numbers of 16 bits as storage, on the devices that have it, and the error on the one that has not.
 *
 * What a half is, V8's own `Float16Array` says.
 *
 * @module
 */
import assert from "node:assert/strict";
import { currentDevice, useDevice } from "../../core/execution/current_device.ts";
import {
  add,
  addAt,
  argsort,
  at,
  bitwiseAnd,
  cast,
  checkpoint,
  concat,
  conv2d,
  cummax,
  customVjp,
  data,
  div,
  DTypeError,
  exp,
  flip,
  full,
  grad,
  item,
  jit,
  jvp,
  matmul,
  max,
  maxPool2d,
  mean,
  mul,
  neg,
  ones,
  optimizers,
  pad,
  permute,
  random,
  realize,
  reshape,
  scan,
  scatterAdd,
  setAt,
  setDevice,
  show,
  slice,
  softmax,
  sort,
  sub,
  sum,
  take,
  takeAlongAxis,
  type Tensor,
  tensor,
  toArray,
  vjp,
  vmap,
  where,
  zeros,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { deviceNames, testOnDevices } from "../support/each_device.ts";
import { noise } from "../support/noise.ts";
import { reference } from "../support/run_case.ts";

const having = deviceNames.filter((name) => name !== "wasm");
const all = new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).buffer);

/** Equal in every bit; a NaN is a NaN. */
function assertSameBits(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    if (!Object.is(found[i], expected[i])) assert.fail(`element ${i}: ${found[i]} instead of ${expected[i]}`);
  }
}

testOnDevices("every half is the same f32, and comes back from it", async () => {
  const halves = tensor(all);
  assert.equal(halves.dtype, "f16");
  const wide = cast(halves, "f32");
  assertSameBits(await data(wide), Float32Array.from(all));
  const back = await data(cast(realize(wide), "f16"));
  assert.ok(back instanceof Float16Array);
  assertSameBits(back, all);
}, having);

testOnDevices("f32 is rounded to the nearest half, ties to even, as V8 rounds it", async () => {
  const numbers: number[] = [65504, 65519.996, 65520, 65536, 1e10, 3e38, Infinity, NaN, 0, 1e-40];
  for (const size of [2 ** -24, 2 ** -25, 2 ** -26, 2 ** -14]) numbers.push(size, size * (1 + 2 ** -23), size * (1 - 2 ** -24));
  // Between every half and the next: the middle, and what lies beside it.
  for (let i = 0; i < 0x7bff; i += 7) {
    const middle = (all[i] + all[i + 1]) / 2;
    numbers.push(middle, middle * (1 + 2 ** -23), middle * (1 - 2 ** -23));
  }
  numbers.push(...noise(1, 1000));
  const values = Float32Array.from([...numbers, ...numbers.map((x) => -x)]);
  const expected = Float16Array.from(values);
  const x = tensor(values);
  assertSameBits(await data(cast(x, "f16")), expected);
  // Nothing is stored between: the value is rounded all the same.
  assertSameBits(await data(cast(cast(x, "f16"), "f32")), Float32Array.from(expected));
  assertSameBits(await data(jit((y: Tensor) => cast(cast(y, "f16"), "f32"))(x)), Float32Array.from(expected));
}, having);

testOnDevices("integers and bool become halves and come back", async () => {
  const whole = tensor([0, 1, -2049, 2051, 65519, 65520, -70000, 2 ** 31 - 1], { dtype: "i32" });
  assert.deepEqual(await toArray(cast(whole, "f16")), [0, 1, -2048, 2052, 65504, Infinity, -Infinity, Infinity]);
  assert.deepEqual(await toArray(cast(tensor([true, false]), "f16")), [1, 0]);
  const half = tensor([1.75, -3.5, 0, 2 ** -24, NaN], { dtype: "f16" });
  assert.deepEqual(await toArray(cast(half, "i32")), [1, -3, 0, 0, 0]);
  assert.deepEqual(await toArray(cast(half, "bool")), [true, true, false, true, true]);
  assert.deepEqual(await data(full([3], 0.1, { dtype: "f16" })), Float16Array.of(0.1, 0.1, 0.1));
  assert.deepEqual(await data(tensor([[1, 2], [3, 1e6]], { dtype: "f16" })), Float16Array.of(1, 2, 3, Infinity));
}, having);

testOnDevices("halves are moved, chosen from and written over as they are, at odd places too", async () => {
  const device = currentDevice();
  for (const [rows, columns] of [[3, 5], [4, 8]]) {
    const values = Float16Array.from({ length: rows * columns }, (_, i) => i / 8 - 1);
    const x = realize(tensor(values, { shape: [rows, columns] }));
    const wide = cast(x, "f32");
    const index = tensor([rows - 1, 0], { dtype: "i32" });
    const along = tensor(new Int32Array(rows * columns).map((_, i) => i * 7 % columns), { shape: [rows, columns] });
    const moves: ((y: Tensor) => Tensor)[] = [
      (y) => permute(y, [1, 0]),
      (y) => flip(y, { axis: 1 }),
      (y) => slice(reshape(y, [rows * columns]), { start: (rows * columns) >> 1 }),
      (y) => pad(y, { low: [0, 1], high: [1, 2], value: 0.1 }),
      (y) => concat([y, flip(y, { axis: 0 }), slice(y, { axis: 1, stop: 1 })], { axis: 1 }),
      (y) => take(y, index),
      (y) => takeAlongAxis(y, along, { axis: 1 }),
      (y) => at(y, [index]),
      (y) => setAt(y, [rows - 1], 0.3),
      (y) => setAt(y, [[0, 0]], reshape(take(y, index), [2, columns])),
      (y) => where(tensor([true]), y, 1 / 3),
      (y) => where(mul(cast(y, "f32"), 2), y, 0),
      (y) => vmap((row: Tensor) => concat([row, row]))(y),
      (y) => sort(y, { axis: 1, descending: true }),
      (y) => cummax(y),
    ];
    for (const move of moves) {
      const moved = move(x);
      assert.equal(moved.dtype, "f16", `${move}`);
      useDevice(reference);
      const expected = Float16Array.from(await data(move(wide)));
      useDevice(device);
      assertSameBits(await data(moved), expected);
      assertSameBits(await data(jit((y: Tensor) => move(y))(x)), expected);
    }
    assert.deepEqual(await data(argsort(x)), await data(argsort(wide)));
  }
}, having);

testOnDevices("kernels read halves on the way to f32", async () => {
  const device = currentDevice();
  const halves = (seed: number, ...shape: number[]) => {
    return tensor(Float16Array.from(noise(seed, shape.reduce((a, b) => a * b))), { shape });
  };
  const [x, y, images, filters] = [halves(1, 12, 20), halves(2, 20, 8), halves(3, 2, 3, 9, 12), halves(4, 4, 3, 3, 3)].map((
    each,
  ) => realize(each));
  const wide = (each: Tensor) => cast(each, "f32");
  const uses: (() => Tensor)[] = [
    () => sum(wide(x), { axis: 1 }),
    () => max(mul(wide(x), 2), { axis: 0 }),
    () => matmul(wide(x), wide(y)),
    () => conv2d(wide(images), wide(filters), { padding: 1 }),
    () => maxPool2d(wide(images), { kernel: 2 }),
    () => softmax(wide(x)),
    () => cast(matmul(wide(x), wide(y)), "f16"),
    () => cast(full([3], 1 / 3), "f16"),
    () => cast(full([5], NaN), "f16"),
  ];
  for (const use of uses) {
    useDevice(reference);
    const expected = use();
    const values = await data(expected);
    useDevice(device);
    const relative = expected.dtype === "f16" ? 2 ** -10 : 1e-5;
    assertClose(await data(use()), values, { relative, absolute: 1e-5 }, `${use}`);
  }
}, having);

testOnDevices("halves meet other types, and are refused where they would be computed with", async () => {
  const half = tensor([1.5, 2.5], { dtype: "f16" });
  assert.equal(add(half, ones([2])).dtype, "f32");
  assert.deepEqual(await toArray(mul(half, tensor([2, 4]))), [3, 10]);
  assert.equal(concat([half, tensor([1], { dtype: "i32" })]).dtype, "f16");
  for (
    const [x, expected] of [[sum(half), 4], [mean(half), 2], [sum(div(half, half)), 2], [
      sum(exp(sub(cast(half, "f32"), half))),
      2,
    ]] as const
  ) {
    assert.equal(x.dtype, "f32");
    assert.equal(await item(x), expected);
  }
  const refused = [
    () => add(half, half),
    () => mul(half, 2),
    () => neg(half),
    () => matmul(reshape(half, [1, 2]), reshape(half, [2, 1])),
    () => bitwiseAnd(half, half),
    () => take(half, half),
    () => random.truncatedNormal(random.key(0), [2], { dtype: "f16" }),
    () => scatterAdd(half, tensor([0, 0], { dtype: "i32" }), half),
    () => addAt(half, [0], 1),
  ];
  for (const each of refused) assert.throws(each, (error) => error instanceof DTypeError && /f16/.test(error.message), `${each}`);
}, having);

Deno.test("halves are printed with their type", async () => {
  await setDevice("reference");
  assert.equal(show(tensor([1.5, -2], { dtype: "f16" })), "tensor([ 1.5000, -2.0000], f16[2])");
});

testOnDevices("derivatives pass through halves in f32", async () => {
  const x = tensor([0.1, -0.7, 1.3]);
  const weight = tensor([1e-9, 1, 3]);
  const bodies: ((x: Tensor) => Tensor)[] = [
    (y) => sum(mul(cast(cast(y, "f16"), "f32"), weight)),
    (y) => sum(mul(cast(flip(cast(y, "f16")), "f32"), flip(weight))),
    (y) => {
      // Used twice, and partly: cotangents of a half are added up.
      const half = cast(y, "f16");
      const joined = concat([half, slice(half, { start: 1 })]);
      return sum(mul(cast(take(joined, tensor([0, 1, 4], { dtype: "i32" })), "f32"), weight));
    },
    checkpoint((y: Tensor) => sum(mul(cast(setAt(cast(y, "f16"), [[0]], 2), "f32"), mul(weight, tensor([5, 1, 1]))))),
    (y) => {
      const [last] = scan((carry: Tensor) => [flip(carry), undefined], cast(y, "f16"), undefined, { length: 2 });
      return sum(mul(cast(last, "f32"), weight));
    },
  ];
  for (const [k, f] of bodies.entries()) {
    const expected = k === 3 ? [0, 1, 3] : [1e-9, 1, 3];
    assertClose(await data(grad(f)(x)), expected, { relative: 1e-6, absolute: 0 }, `${f}`);
    const [, tangent] = jvp(f, [x], [ones([3])]);
    assertClose(await data(tangent), [expected[0] + 4], { relative: 1e-6, absolute: 0 }, `${f}`);
  }
  const [half, pull] = vjp((y: Tensor) => cast(y, "f16"), x);
  assert.equal(half.dtype, "f16");
  assertClose(
    await data(pull(tensor([0.1, 1e-9, 1e6]) as typeof half)[0]),
    [0.1, 1e-9, 1e6],
    { relative: 1e-7, absolute: 0 },
    "vjp",
  );
  const square = customVjp(
    (y: Tensor) => [mul(cast(y, "f32"), cast(y, "f32")), y] as const,
    (y, g) => [mul(g, mul(2, cast(y, "f32")))] as const,
  );
  const slope = grad((y: Tensor) => sum(square(y)))(tensor([3, 4], { dtype: "f16" }));
  assert.equal(slope.dtype, "f32");
  assert.deepEqual(await toArray(slope), [6, 8]);
}, having);

testOnDevices("parameters kept in halves are trained: gradients in f32, half the memory", async () => {
  const device = currentDevice();
  const size = 2 ** 16 - 1;
  const before = device.bytesInUse;
  const kept = realize(cast(full([size], 0.123456), "f16"));
  assert.ok(
    device.bytesInUse - before >= 2 * size && device.bytesInUse - before <= 2.1 * size,
    `${device.bytesInUse - before} bytes`,
  );
  assert.equal((await data(kept)).byteLength, 2 * size);

  const inputs = tensor(noise(3, 24), { shape: [8, 3] });
  const wanted = matmul(inputs, tensor([[1], [-2], [0.5]]));
  const loss = (p: { weight: Tensor }) => {
    const wrong = sub(matmul(inputs, cast(p.weight, "f32")), wanted);
    return mean(mul(wrong, wrong));
  };
  let params = { weight: zeros([3, 1], { dtype: "f16" }) };
  const step = jit((p: { weight: Tensor }) => {
    const { weight } = grad(loss)(p);
    assert.equal(weight.dtype, "f32");
    return { weight: cast(sub(p.weight, mul(weight, 0.2)), "f16") };
  }, { donate: [0] });
  for (let i = 0; i < 300; i++) params = step(params);
  assert.equal(params.weight.dtype, "f16");
  assertClose(await data(params.weight), [1, -2, 0.5], { relative: 0, absolute: 0.02 }, "weights");
}, having);

testOnDevices("optimizers step from halves to halves, and remember in f32", async () => {
  const learningRate = 0.01;
  const every = {
    sgd: optimizers.sgd({ learningRate, momentum: 0.9 }),
    adam: optimizers.adam({ learningRate }),
    rmsprop: optimizers.rmsprop({ learningRate, centered: true, momentum: 0.5 }),
    adagrad: optimizers.adagrad({ learningRate, initialAccumulatorValue: 0.1 }),
    lion: optimizers.lion({ learningRate }),
    adadelta: optimizers.adadelta({ learningRate }),
    accumulate: optimizers.accumulateGradients(optimizers.adam({ learningRate }), 2),
  };
  const loss = (p: { w: Tensor }) => sum(mul(cast(p.w, "f32"), tensor([1, -2, 3])));
  for (const [name, optimizer] of Object.entries(every) as [string, optimizers.Optimizer][]) {
    const train = (dtype: "f16" | "f32") => {
      let params = { w: tensor([1, 2, 3], { dtype }) };
      let state = optimizer.init(params);
      const step = jit((p: { w: Tensor }, s: typeof state) => {
        const [updates, next] = optimizer.update(grad(loss)(p), s, p);
        return [optimizers.applyUpdates(p, updates), next] as const;
      }, { donate: [0, 1] });
      for (let i = 0; i < 4; i++) [params, state] = step(params, state);
      return params.w;
    };
    const w = train("f16");
    assert.equal(w.dtype, "f16", name);
    assertClose(await data(w), await data(train("f32")), { relative: 0, absolute: 0.005 }, name);
  }
}, having);

testOnDevices("a device without halves says so", async () => {
  const refused = [
    () => data(mul(cast(tensor([1.5], { dtype: "f16" }), "f32"), 2)),
    () => data(zeros([3], { dtype: "f16" })),
    () => data(cast(tensor([1, 2]), "f16")),
    () => data(jit((x: Tensor) => flip(x))(tensor([1, 2], { dtype: "f16" }))),
    () => data(cast(cast(tensor([0.1]), "f16"), "f32")),
  ];
  for (const each of refused) {
    await assert.rejects(async () => await each(), (error) => {
      assert.ok(error instanceof DTypeError);
      assert.match(error.message, /Cannot compute f16\[\d\] on wasm: .*cast it, or choose another device/);
      return true;
    }, `${each}`);
  }
}, deviceNames.filter((name) => name === "wasm"));
