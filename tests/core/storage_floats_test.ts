/**
 * Floats for storage (f16 and its like), on every device, and the error of a device for a type that it has not.
 *
 * What their numbers are follows from their format, as IEEE 754 has it; of halves V8's own `Float16Array` says the same.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type DType, floatFormat, fromHostArray, roundTo, toHostArray } from "../../core/dtype.ts";
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
  fromBytes,
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
  toBytes,
  type TypedArray,
  vjp,
  vmap,
  where,
  zeros,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { deviceNames, testOnDevices } from "../support/each_device.ts";
import { noise } from "../support/noise.ts";
import { reference } from "../support/run_case.ts";
import { precision, storageFloats } from "../support/storage_floats.ts";

/** Equal in every bit; a NaN is a NaN. */
function assertSameBits(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    if (!Object.is(found[i], expected[i])) assert.fail(`element ${i}: ${found[i]} instead of ${expected[i]}`);
  }
}

/** Numbers as elements of a type hold them, in the array in which they are read. */
function held(dtype: DType, values: ArrayLike<number>): TypedArray {
  return fromHostArray(dtype, toHostArray(dtype, values));
}

/** The bit patterns of a type of 16 bits, in the order of their numbers but for the sign. */
const patterns = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);

/** The number that bits stand for: a sign, an exponent and a fraction, whose first digit is not kept unless the exponent is the least. */
function numberOf(dtype: DType, bits: number): number {
  const { exponentBits, fractionBits } = floatFormat(dtype)!;
  const fraction = bits % 2 ** fractionBits;
  const exponent = Math.floor(bits / 2 ** fractionBits) % 2 ** exponentBits;
  const sign = bits < 2 ** (exponentBits + fractionBits) ? 1 : -1;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}

/** The f32 next to a number on either side, away from 0 last. */
function neighbours(x: number): [number, number] {
  const [value] = Float32Array.of(x);
  assert.equal(value, x);
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0];
  const [below, above] = new Float32Array(Uint32Array.of(bits - 1, bits + 1).buffer);
  return [below, above];
}

Deno.test("halves are those of V8", () => {
  assertSameBits(
    Float64Array.from(patterns, (bits) => numberOf("f16", bits)),
    Float64Array.from(new Float16Array(patterns.buffer)),
  );
  assertSameBits(held("f16", [0, 1, -2049, 2051, 65519, 65520, -70000]), [0, 1, -2048, 2052, 65504, Infinity, -Infinity]);
});

for (const dtype of storageFloats) {
  const all = Float64Array.from(patterns, (bits) => numberOf(dtype, bits));

  testOnDevices(`${dtype}: every bit pattern is the same f32, and comes back from it`, async () => {
    const stored = fromBytes(patterns, { dtype });
    assert.equal(stored.dtype, dtype);
    assertSameBits(await data(stored), Float32Array.from(all));
    const wide = cast(stored, "f32");
    assertSameBits(await data(wide), Float32Array.from(all));
    const back = cast(realize(wide), dtype);
    assertSameBits(await data(back), Float32Array.from(all));
    // Not a number are several patterns, which may become one.
    const numbers = patterns.filter((_, i) => !Number.isNaN(all[i]));
    const kept = new Uint16Array((await toBytes(back)).buffer).filter((_, i) => !Number.isNaN(all[i]));
    assert.deepEqual(kept, numbers);
    const moved = jit((x: Tensor) => flip(flip(reshape(x, [256, 256]), { axis: 0 }), { axis: 1 }))(stored);
    assertSameBits(await data(moved), Float32Array.from(all).reverse());
  });

  testOnDevices(`${dtype}: f32 is rounded to the nearest, ties to even`, async () => {
    const infinite = all.indexOf(Infinity);
    const largest = all[infinite - 1];
    const numbers: number[] = [0, 1e-45, 1e-40, NaN, Infinity];
    const expected: number[] = [0, 0, held(dtype, [1e-40])[0], NaN, Infinity];
    const expect = (number: number, rounded: number) => {
      numbers.push(number);
      expected.push(rounded);
    };
    // Between every number and the next: the middle, and what lies beside it.
    for (let i = 0; i < infinite; i += i < 2048 ? 1 : 7) {
      const next = i + 1 < infinite ? all[i + 1] : 2 * largest - all[i - 1];
      const middle = (all[i] + next) / 2;
      const [below, above] = neighbours(middle);
      const up = i + 1 < infinite ? next : Infinity;
      expect(middle, i % 2 === 0 ? all[i] : up);
      expect(below, all[i]);
      expect(above, up);
    }
    const values = Float32Array.from([...numbers, ...numbers.map((x) => -x)]);
    const rounded = Float32Array.from([...expected, ...expected.map((x) => -x)]);
    const x = tensor(values);
    assertSameBits(await data(cast(x, dtype)), rounded);
    // Nothing is stored between: the value is rounded all the same.
    assertSameBits(await data(cast(cast(x, dtype), "f32")), rounded);
    assertSameBits(await data(jit((y: Tensor) => cast(cast(y, dtype), "f32"))(x)), rounded);
    assertSameBits(held(dtype, values), rounded);
    assertSameBits(Float32Array.from(values, (value) => roundTo(dtype, value)), rounded);
    assertSameBits(await data(tensor(values, { dtype })), rounded);
  });

  testOnDevices(`${dtype}: integers and bool are rounded too, and come back`, async () => {
    const whole = tensor([0, 1, -2049, 2051, 65519, 65520, -70000, 2 ** 31 - 1], { dtype: "i32" });
    assert.deepEqual(await data(cast(whole, dtype)), held(dtype, await data(whole)));
    assert.deepEqual(await toArray(cast(tensor([true, false]), dtype)), [1, 0]);
    const half = tensor([1.75, -3.5, 0, 2 ** -24, NaN], { dtype });
    assert.deepEqual(await toArray(cast(half, "i32")), [1, -3, 0, 0, 0]);
    assert.deepEqual(await toArray(cast(half, "bool")), [true, true, false, true, true]);
    assert.deepEqual(await data(full([3], 0.1, { dtype })), held(dtype, [0.1, 0.1, 0.1]));
    assert.deepEqual(await data(tensor([[1, 2], [3, 1e39]], { dtype })), held(dtype, [1, 2, 3, Infinity]));
  });

  testOnDevices(`${dtype}: moved, chosen from and written over as they are, at odd places too`, async () => {
    const device = currentDevice();
    for (const [rows, columns] of [[3, 5], [4, 8]]) {
      const values = Float32Array.from({ length: rows * columns }, (_, i) => i / 8 - 1);
      const x = realize(tensor(values, { shape: [rows, columns], dtype }));
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
        assert.equal(moved.dtype, dtype, `${move}`);
        useDevice(reference);
        const expected = held(dtype, await data(move(wide)));
        useDevice(device);
        assertSameBits(await data(moved), expected);
        assertSameBits(await data(jit((y: Tensor) => move(y))(x)), expected);
      }
      assert.deepEqual(await data(argsort(x)), await data(argsort(wide)));
    }
  });

  testOnDevices(`${dtype}: kernels read them on the way to f32`, async () => {
    const device = currentDevice();
    const halves = (seed: number, ...shape: number[]) => {
      return tensor(noise(seed, shape.reduce((a, b) => a * b)), { shape, dtype });
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
      () => cast(matmul(wide(x), wide(y)), dtype),
      () => cast(full([3], 1 / 3), dtype),
      () => cast(full([5], NaN), dtype),
    ];
    for (const use of uses) {
      useDevice(reference);
      const expected = use();
      const values = await data(expected);
      useDevice(device);
      const relative = expected.dtype === dtype ? precision(dtype) : 1e-5;
      assertClose(await data(use()), values, { relative, absolute: 1e-5 }, `${use}`);
    }
  });

  testOnDevices(`${dtype}: meets other types, and is refused where it would be computed with`, async () => {
    const half = tensor([1.5, 2.5], { dtype });
    assert.equal(add(half, ones([2])).dtype, "f32");
    assert.deepEqual(await toArray(mul(half, tensor([2, 4]))), [3, 10]);
    assert.equal(concat([half, tensor([1], { dtype: "i32" })]).dtype, dtype);
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
      () => random.truncatedNormal(random.key(0), [2], { dtype }),
      () => scatterAdd(half, tensor([0, 0], { dtype: "i32" }), half),
      () => addAt(half, [0], 1),
    ];
    const says = (error: unknown) => error instanceof DTypeError && error.message.includes(dtype);
    for (const each of refused) assert.throws(each, says, `${each}`);
  });

  Deno.test(`${dtype} is printed with its type`, async () => {
    await setDevice("reference");
    assert.equal(show(tensor([1.5, -2], { dtype })), `tensor([ 1.5000, -2.0000], ${dtype}[2])`);
  });

  testOnDevices(`${dtype}: derivatives pass through in f32`, async () => {
    const x = tensor([0.1, -0.7, 1.3]);
    const weight = tensor([1e-9, 1, 3]);
    const bodies: ((x: Tensor) => Tensor)[] = [
      (y) => sum(mul(cast(cast(y, dtype), "f32"), weight)),
      (y) => sum(mul(cast(flip(cast(y, dtype)), "f32"), flip(weight))),
      (y) => {
        // Used twice, and partly: cotangents of a half are added up.
        const half = cast(y, dtype);
        const joined = concat([half, slice(half, { start: 1 })]);
        return sum(mul(cast(take(joined, tensor([0, 1, 4], { dtype: "i32" })), "f32"), weight));
      },
      checkpoint((y: Tensor) => sum(mul(cast(setAt(cast(y, dtype), [[0]], 2), "f32"), mul(weight, tensor([5, 1, 1]))))),
      (y) => {
        const [last] = scan((carry: Tensor) => [flip(carry), undefined], cast(y, dtype), undefined, { length: 2 });
        return sum(mul(cast(last, "f32"), weight));
      },
    ];
    for (const [k, f] of bodies.entries()) {
      const expected = k === 3 ? [0, 1, 3] : [1e-9, 1, 3];
      assertClose(await data(grad(f)(x)), expected, { relative: 1e-6, absolute: 0 }, `${f}`);
      const [, tangent] = jvp(f, [x], [ones([3])]);
      assertClose(await data(tangent), [expected[0] + 4], { relative: 1e-6, absolute: 0 }, `${f}`);
    }
    const [half, pull] = vjp((y: Tensor) => cast(y, dtype), x);
    assert.equal(half.dtype, dtype);
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
    const slope = grad((y: Tensor) => sum(square(y)))(tensor([3, 4], { dtype }));
    assert.equal(slope.dtype, "f32");
    assert.deepEqual(await toArray(slope), [6, 8]);
  });

  testOnDevices(`${dtype}: parameters kept in it are trained: gradients in f32, half the memory`, async () => {
    const device = currentDevice();
    const size = 2 ** 16 - 1;
    const before = device.bytesInUse;
    const kept = realize(cast(full([size], 0.123456), dtype));
    assert.ok(
      device.bytesInUse - before >= 2 * size && device.bytesInUse - before <= 2.1 * size,
      `${device.bytesInUse - before} bytes`,
    );
    assert.equal((await toBytes(kept)).byteLength, 2 * size);

    const inputs = tensor(noise(3, 24), { shape: [8, 3] });
    const wanted = matmul(inputs, tensor([[1], [-2], [0.5]]));
    const loss = (p: { weight: Tensor }) => {
      const wrong = sub(matmul(inputs, cast(p.weight, "f32")), wanted);
      return mean(mul(wrong, wrong));
    };
    let params = { weight: zeros([3, 1], { dtype }) };
    const step = jit((p: { weight: Tensor }) => {
      const { weight } = grad(loss)(p);
      assert.equal(weight.dtype, "f32");
      return { weight: cast(sub(p.weight, mul(weight, 0.2)), dtype) };
    }, { donate: [0] });
    for (let i = 0; i < 300; i++) params = step(params);
    assert.equal(params.weight.dtype, dtype);
    assertClose(await data(params.weight), [1, -2, 0.5], { relative: 0, absolute: 20 * precision(dtype) }, "weights");
  });

  testOnDevices(`${dtype}: optimizers step from it to it, and remember in f32`, async () => {
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
      const train = (dtype: DType) => {
        let params = { w: tensor([0.125, 0.25, 0.375], { dtype }) };
        let state = optimizer.init(params);
        const step = jit((p: { w: Tensor }, s: typeof state) => {
          const [updates, next] = optimizer.update(grad(loss)(p), s, p);
          return [optimizers.applyUpdates(p, updates), next] as const;
        }, { donate: [0, 1] });
        for (let i = 0; i < 4; i++) [params, state] = step(params, state);
        return params.w;
      };
      const w = train(dtype);
      assert.equal(w.dtype, dtype, name);
      assertClose(await data(w), await data(train("f32")), { relative: 0, absolute: 2 * precision(dtype) }, name);
    }
  });
}

testOnDevices("a device without a type says so", async () => {
  const refused = [
    () => data(mul(tensor([1.5], { dtype: "f64" }), 2)),
    () => data(zeros([3], { dtype: "f64" })),
    () => data(cast(tensor([1, 2]), "f64")),
    () => data(jit((x: Tensor) => flip(x))(tensor([1, 2], { dtype: "f64" }))),
    () => data(cast(cast(tensor([0.1]), "f64"), "f16")),
  ];
  for (const each of refused) {
    await assert.rejects(async () => await each(), (error) => {
      assert.ok(error instanceof DTypeError);
      assert.match(error.message, /Cannot compute f64\[\d\] on webgpu: .*cast it, or choose another device/);
      return true;
    }, `${each}`);
  }
}, deviceNames.filter((name) => name === "webgpu"));
