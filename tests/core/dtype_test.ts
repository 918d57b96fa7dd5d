/**
 * The table of element types: laws that every row obeys, alone, with the others and on every device, and what is said of types that
 * there are not.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  computeType,
  deviceBytes,
  dtypeOfArray,
  dtypes,
  extremes,
  floatBelow,
  floatFormat,
  floatFrom,
  fromHostArray,
  hostArray,
  isBool,
  isFloat,
  isStorage,
  promote,
  roundTo,
  tangentType,
  toHostArray,
  wholeRange,
} from "../../core/dtype.ts";
import { currentDevice } from "../../core/execution/current_device.ts";
import { bitcast } from "../../core/ops/bits.ts";
import {
  arange,
  cast,
  compileCount,
  concat,
  data,
  type DType,
  DTypeError,
  eye,
  flip,
  fromBytes,
  full,
  grad,
  item,
  jit,
  layers,
  linspace,
  mul,
  ones,
  onesLike,
  random,
  realize,
  ShapeError,
  sum,
  type Tensor,
  tensor,
  toArray,
  toBytes,
  zeros,
} from "../../mod.ts";
import { testOnDevices } from "../support/each_device.ts";
import { withFacts } from "../support/with_facts.ts";

/** Numbers that say something about any type: its ends, 0, and some between. */
function samples(dtype: DType): number[] {
  const [least, most] = wholeRange(dtype);
  const special = floatFormat(dtype) ? [0.5, -0.25, -0, Infinity, -Infinity, NaN] : [];
  return [least, most, 0, 1, Math.trunc(most / 3), ...special];
}

function sameNumbers(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.deepEqual(Array.from(found), Array.from(expected), what);
}

Deno.test("every row tells apart the whole numbers that it says, and rounds to what its array holds", () => {
  for (const dtype of dtypes) {
    const [least, most] = wholeRange(dtype);
    for (const whole of [least, least + 1, 0, most - 1, most]) assert.equal(roundTo(dtype, whole), whole, `${dtype}: ${whole}`);
    // Beyond 2^53 these numbers themselves end.
    if (!isBool(dtype) && most + 1 > most) assert.notEqual(roundTo(dtype, most + 1), most + 1, `${dtype}: ${most + 1}`);
    const values = samples(dtype);
    const held = toHostArray(dtype, values);
    assert.equal(held.constructor, hostArray(dtype, 0).constructor);
    const numbers = fromHostArray(dtype, held);
    sameNumbers(numbers, values, dtype);
    sameNumbers(numbers, values.map((value) => roundTo(dtype, value)), dtype);
    assert.equal(dtypeOfArray(numbers), isBool(dtype) ? "u8" : held === numbers ? dtype : computeType(dtype));
    sameNumbers(extremes(dtype), tangentType(dtype) ? [-Infinity, Infinity] : [least, most], dtype);
  }
});

Deno.test("a type is computed with, or stored and computed in one that is and holds all its numbers", () => {
  for (const dtype of dtypes) {
    const wide = computeType(dtype);
    assert.equal(computeType(wide), wide);
    assert.equal(isStorage(wide) || isBool(wide), false);
    for (const value of samples(dtype)) assert.equal(roundTo(wide, value), value);
    assert.equal(tangentType(dtype), floatFormat(dtype) ? wide : undefined);
    assert.equal(isFloat(dtype), tangentType(dtype) === dtype);
    if (isStorage(dtype)) assert.ok(deviceBytes(dtype) < deviceBytes(wide));
  }
});

/** What PyTorch's promote_types says, which has no u32. */
const promoted: Readonly<Record<string, string>> = {
  bool: "bool u8 i32 f16 bf16 f32 f64",
  u8: "u8 u8 i32 f16 bf16 f32 f64",
  i32: "i32 i32 i32 f16 bf16 f32 f64",
  f16: "f16 f16 f16 f16 f32 f32 f64",
  bf16: "bf16 bf16 bf16 f32 bf16 f32 f64",
  f32: "f32 f32 f32 f32 f32 f32 f64",
  f64: "f64 f64 f64 f64 f64 f64 f64",
};

Deno.test("types meet as in PyTorch, in either order, however they are grouped", () => {
  const names = Object.keys(promoted) as DType[];
  assert.deepEqual([...names, "u32"].sort(), dtypes.toSorted());
  for (const a of names) assert.deepEqual(names.map((b) => promote(a, b)), promoted[a].split(" "), a);
  const meet = (...types: DType[]) => {
    try {
      return types.reduce(promote);
    } catch (error) {
      assert.ok(error instanceof DTypeError);
      return undefined;
    }
  };
  for (const a of dtypes) {
    assert.equal(promote(a, a), a);
    for (const b of dtypes) {
      assert.equal(meet(a, b), meet(b, a), `${a}, ${b}`);
      const both = meet(a, b);
      // Above both: meeting either again changes nothing.
      if (both) assert.deepEqual([meet(both, a), meet(both, b)], [both, both], `${a}, ${b}`);
      for (const c of dtypes) {
        const [left, right] = [meet(a, b, c), meet(b, c, a)];
        if (left && right && both && meet(b, c)) assert.equal(left, right, `${a}, ${b}, ${c}`);
      }
    }
  }
  assert.throws(() => promote("i32", "u32"), withFacts(DTypeError, { dtypes: ["i32", "u32"] }));
});

testOnDevices("every type a device has is written, moved, cast and read there", async () => {
  for (const dtype of currentDevice().dtypes) {
    const values = samples(dtype);
    const held = fromHostArray(dtype, toHostArray(dtype, values));
    const x = tensor(values, { dtype });
    assert.equal(x.dtype, dtype);
    assert.deepEqual(await data(x), held);
    // Used for the second time, the values lie on the device.
    realize([flip(x), concat([x, x])]);
    const moved = await data(jit((y: Tensor) => concat([flip(y), y]))(x));
    assert.equal(moved.constructor, held.constructor);
    sameNumbers(moved, [...values.toReversed(), ...values], dtype);
    const wide = computeType(dtype);
    const there = realize(cast(x, wide));
    sameNumbers(await data(there), values, `${dtype} to ${wide}`);
    // Numbers, not bits: a device has its own NaN.
    const narrowed = await data(cast(there, dtype));
    assert.equal(narrowed.constructor, held.constructor);
    sameNumbers(narrowed, Array.from(held), `${wide} to ${dtype}`);
    assert.deepEqual(await data(zeros([2], { dtype })), fromHostArray(dtype, hostArray(dtype, 2)));
    sameNumbers(await data(onesLike(x)), values.map(() => 1), dtype);
  }
});

testOnDevices("derivatives by a type have the type that its row says", async () => {
  for (const dtype of currentDevice().dtypes) {
    const type = tangentType(dtype);
    const f = (x: Tensor) => sum(mul(cast(x, type ?? "f32"), 3));
    if (!type) assert.throws(() => grad(f)(ones([2], { dtype })), DTypeError, dtype);
    else {
      const slope = grad(f)(ones([2], { dtype }));
      assert.equal(slope.dtype, type);
      assert.deepEqual(await toArray(slope), [3, 3]);
    }
  }
});

testOnDevices("another number of any float is the same program", async () => {
  for (const dtype of currentDevice().dtypes) {
    const type = tangentType(dtype);
    if (!type) continue;
    const compute = async (i: number) => {
      const value = 1 / (i + 3);
      assert.equal(await item(sum(mul(cast(full([2], value, { dtype }), type), 4))), 8 * roundTo(dtype, value), dtype);
    };
    await compute(0);
    const before = compileCount();
    for (let i = 1; i < 5; i++) await compute(i);
    assert.equal(compileCount(), before, dtype);
  }
});

testOnDevices("tensors become bytes and come back", async () => {
  for (const dtype of currentDevice().dtypes) {
    const x = tensor(samples(dtype), { dtype });
    const bytes = await toBytes(concat([x, x]));
    const held = toHostArray(dtype, [...samples(dtype), ...samples(dtype)]);
    assert.deepEqual(bytes, new Uint8Array(held.buffer), dtype);
    // At an odd offset in a file.
    const file = new Uint8Array(bytes.length + 5);
    file.set(bytes, 3);
    const back = fromBytes(file.subarray(3, 3 + bytes.length), { dtype, shape: [2, x.size] });
    assert.deepEqual([back.dtype, back.shape], [dtype, [2, x.size]]);
    sameNumbers((await data(back)).subarray(x.size), samples(dtype), dtype);
    assert.deepEqual(await data(fromBytes(bytes.slice().buffer, { dtype })), await data(concat([x, x])));
    assert.deepEqual(await toBytes(realize(back)), bytes);
  }
  assert.deepEqual(await toArray(fromBytes(Uint8Array.of(0, 1, 2), { dtype: "bool" })), [false, true, true]);
  assert.throws(() => fromBytes(new Uint8Array(6), { dtype: "f32" }), withFacts(ShapeError, { bytes: 6 }));
  assert.throws(() => fromBytes(new Uint8Array(8), { dtype: "f32", shape: [3] }), ShapeError);
});

Deno.test("types that there are not are refused by name, with what there is instead", () => {
  const makers: ((dtype: DType) => unknown)[] = [
    (dtype) => tensor([1], { dtype }),
    (dtype) => tensor(Float32Array.of(1), { dtype }),
    (dtype) => zeros([2], { dtype }),
    (dtype) => full([2], 1, { dtype }),
    (dtype) => arange(3, { dtype }),
    (dtype) => linspace(0, 1, 3, { dtype }),
    (dtype) => eye(2, { dtype }),
    (dtype) => fromBytes(new Uint8Array(8), { dtype }),
    (dtype) => cast(ones([2]), dtype),
    (dtype) => cast(1, dtype),
    (dtype) => bitcast(ones([2]), dtype),
    (dtype) => random.truncatedNormal(random.key(0), [2], { dtype }),
    (dtype) => layers.initializers.heNormal()(random.key(0), [2, 2], { dtype }),
  ];
  for (const make of makers) {
    for (const name of ["float32", "int", "toString", "complex64"]) {
      assert.throws(() => make(name as DType), withFacts(DTypeError, { dtype: name }), `${make}`);
    }
    for (const name of ["i64", "int64", "u64"]) {
      assert.throws(() => make(name as DType), (error) => {
        assert.ok(error instanceof DTypeError);
        assert.match(error.message, new RegExp(`type ${name}: there are bool, u8, i32, .*; .*i32.* 2\\^53 into f64`));
        return true;
      }, `${make}`);
    }
  }
});

Deno.test("arrays that no type stands for are refused with what to do", () => {
  const refused = (values: ArrayBufferView, message: RegExp) => {
    assert.throws(() => tensor(values as Uint8Array), (error) => {
      assert.ok(error instanceof DTypeError);
      assert.match(error.message, message);
      assert.deepEqual(error.facts, { array: values.constructor.name });
      return true;
    });
  };
  refused(new BigInt64Array(1), /BigInt64Array.*i32.*2\^53 into f64/);
  refused(new BigUint64Array(1), /BigUint64Array.*i32.*2\^53 into f64/);
  refused(new Uint16Array(1), /Uint16Array.*Int32Array\.from.*fromBytes/);
  refused(new Int8Array(1), /Int8Array.*Int32Array\.from/);
  refused(new DataView(new ArrayBuffer(4)), /DataView.*fromBytes/);
});

Deno.test("the floats beside a number are found in every floating type", () => {
  const cases: readonly [DType, bound: number, from: number, below: number][] = [
    ["f32", 1, 1, 1 - 2 ** -24],
    ["f32", 0.1, Math.fround(0.1), Math.fround(0.1) - 2 ** -27],
    ["f32", 16777217, 16777218, 16777216],
    ["f32", -1, -1, -1 - 2 ** -23],
    ["f32", -0.1, -Math.fround(0.1) + 2 ** -27, -Math.fround(0.1)],
    ["f32", 0, 0, -(2 ** -126)],
    ["f32", 2 ** -126, 2 ** -126, 0],
    ["f32", 1e-40, 2 ** -126, 0],
    ["f32", -1e-40, 0, -(2 ** -126)],
    ["f32", -(2 ** -126), -(2 ** -126), -(2 ** -126) - 2 ** -149],
    ["f16", 1, 1, 1 - 2 ** -11],
    ["f16", 0.1, Math.f16round(0.1) + 2 ** -14, Math.f16round(0.1)],
    ["f16", 2049, 2050, 2048],
    ["bf16", 1, 1, 1 - 2 ** -8],
    ["bf16", 3.005, 3.015625, 3],
    ["f64", 1, 1, 1 - 2 ** -53],
    ["f64", 2 ** 53 + 2, 2 ** 53 + 2, 2 ** 53],
  ];
  for (const [dtype, bound, from, below] of cases) {
    assert.deepEqual([floatFrom(dtype, bound) + 0, floatBelow(dtype, bound)], [from, below], `${dtype} beside ${bound}`);
  }
});
