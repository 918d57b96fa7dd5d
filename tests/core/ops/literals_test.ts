/**
 * Numbers that a program writes: where elements are integers, they become the same number or an error, whatever function takes them.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  arange,
  at,
  bitwiseAnd,
  bitwiseOr,
  bitwiseXor,
  cast,
  data,
  datasets,
  type DType,
  DTypeError,
  dynamicUpdateSlice,
  eq,
  full,
  fullLike,
  ge,
  gt,
  jit,
  layers,
  le,
  linspace,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  pad,
  random,
  rem,
  reshape,
  scatterAdd,
  setAt,
  sub,
  take,
  type Tensor,
  tensor,
  toArray,
  where,
  zeros,
} from "../../../mod.ts";
import { computeType, dtypes, holds, isInteger, wholeRange } from "../../../core/dtype.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { share } from "../../support/share.ts";
import { withFacts } from "../../support/with_facts.ts";

const integers = dtypes.filter(isInteger);

const { randomCrop, randomErasing, randomRotation } = datasets.transforms;

/** An image of one pixel, and what becomes of it. */
function transformed(dtype: DType, transform: (images: Tensor, key: random.Key) => Tensor): Tensor {
  return reshape(transform(zeros([1, 1, 1, 1], { dtype }), random.key(0)), [-1]);
}

/** A step that leads from a number to another one. */
function beyond(value: number): number {
  return Math.max(1, Math.abs(value));
}

/** Every function that puts a number it is given into elements of a type: the first element of the result is the number. */
const sinks: Readonly<Record<string, (value: number, dtype: DType) => Tensor>> = {
  "tensor of a number": (value, dtype) => reshape(tensor(value, { dtype }), [1]),
  "tensor of nested arrays": (value, dtype) => reshape(tensor([[value], [0]], { dtype }), [2]),
  "tensor of a typed array": (value, dtype) => tensor(Float64Array.of(value, 1), { dtype }),
  "tensor of a typed array that is not copied": (value, dtype) => tensor(Float64Array.of(value, 1), { dtype, copy: false }),
  "full": (value, dtype) => full([2], value, { dtype }),
  "fullLike": (value, dtype) => fullLike(zeros([2], { dtype }), value),
  "fullLike of another type": (value, dtype) => fullLike(zeros([2]), value, { dtype }),
  "arange of one": (value, dtype) => arange(value, value + beyond(value), beyond(value), { dtype }),
  "arange upwards": (value, dtype) => at(arange(value - 3, value + 1, 1, { dtype }), { step: -1 }),
  "arange downwards": (value, dtype) => at(arange(value + 3, value - 1, -1, { dtype }), { step: -1 }),
  "linspace": (value, dtype) => linspace(value, value, 2, { dtype }),
  "linspace from afar": (value, dtype) => at(linspace(0, value, 2, { dtype }), { step: -1 }),
  "setAt": (value, dtype) => setAt(zeros([2], { dtype }), 0, value),
  "setAt of a list": (value, dtype) => setAt(zeros([2], { dtype }), [[0]], value),
  "setAt of a range": (value, dtype) => setAt(zeros([2], { dtype }), { stop: 1 }, value),
  "scatterAdd": (value, dtype) => scatterAdd(zeros([2], { dtype }), tensor([0], { dtype: "i32" }), value),
  "dynamicUpdateSlice": (value, dtype) => reshape(dynamicUpdateSlice(zeros([], { dtype }), value, []), [1]),
  "pad": (value, dtype) => pad(zeros([1], { dtype }), { low: [1], high: [0], value }),
  "pad between": (value, dtype) => at(pad(zeros([2], { dtype }), { low: [0], high: [0], interior: [1], value }), { start: 1 }),
  "randomErasing": (value, dtype) =>
    transformed(dtype, (x, key) => randomErasing({ p: 1, value, scale: [0.2, 0.3] })(pad2(x), key)),
  "randomErasing by channel": (value, dtype) =>
    transformed(dtype, (x, key) => randomErasing({ p: 1, value: [value], scale: [0.2, 0.3] })(pad2(x), key)),
  "randomCrop": (fill, dtype) => transformed(dtype, (x) => randomCrop({ size: 1, padding: 5, fill })(x, random.key(3))),
};

/** Images large enough for a rectangle. */
function pad2(x: Tensor): Tensor {
  return pad(x, { low: [0, 0, 2, 2], high: [0, 0, 3, 3] });
}

/** Numbers that elements of a type hold, and such as they do not. */
function samples(dtype: DType): { readonly good: readonly number[]; readonly bad: readonly number[] } {
  const [least, most] = wholeRange(dtype);
  return {
    good: [least, 7, most],
    bad: [most + 1, least - 1, 2 ** 40, -(2 ** 53), 1e300, 0.5, 1.5, most - 0.5, NaN, Infinity, -Infinity],
  };
}

testOnDevices("integers are the numbers that were given, or an error", async (_, device) => {
  for (const dtype of integers) {
    const { good, bad } = samples(dtype);
    for (const [name, make] of share(device, Object.entries(sinks), () => "all")) {
      // There is no arithmetic with types for storage.
      if (name === "scatterAdd" && computeType(dtype) !== dtype) continue;
      for (const value of good) {
        const around = name.startsWith("arange ") && [-3, 3].some((by) => !holds(dtype, value + by));
        if (around && name !== "arange of one") continue;
        const found = make(value, dtype);
        assert.equal(found.dtype, dtype, name);
        const numbers = [...await data(found)];
        const holdsIt = /random/.test(name) ? numbers.includes(value) : numbers[0] === value;
        assert.ok(holdsIt, `${name} makes ${numbers[0]} of ${value} in ${dtype}`);
      }
      for (const value of bad) {
        // There is no number beside this one.
        if (value === 1e300 && /arange .*wards/.test(name)) continue;
        // A range has no numbers that are not finite.
        const refused = Number.isFinite(value) || !/arange|linspace|random/.test(name) ? DTypeError : /^(DType|Range)Error/;
        assert.throws(() => make(value, dtype), refused, `${name} of ${value} in ${dtype}`);
      }
    }
  }
});

/** Functions that combine a number with a tensor, and what they are for exact numbers. */
const combinations: Readonly<Record<string, readonly [(x: Tensor, y: number) => Tensor, (x: number, y: number) => number]>> = {
  "add": [add, (x, y) => x + y],
  "sub": [sub, (x, y) => x - y],
  "mul": [mul, (x, y) => x * y],
  "rem": [rem, (x, y) => x % y],
  "maximum": [maximum, Math.max],
  "minimum": [minimum, Math.min],
  "where": [(x, y) => where(tensor([false]), x, y), (_, y) => y],
  "where the other way": [(x, y) => where(tensor([true]), y, x), (_, y) => y],
  "eq": [eq, (x, y) => Number(x === y)],
  "ne": [ne, (x, y) => Number(x !== y)],
  "lt": [lt, (x, y) => Number(x < y)],
  "le": [le, (x, y) => Number(x <= y)],
  "gt": [gt, (x, y) => Number(x > y)],
  "ge": [ge, (x, y) => Number(x >= y)],
};

testOnDevices("a whole number beside integers is itself, or an error", async (_, device) => {
  for (const dtype of integers.filter((each) => computeType(each) === each)) {
    const { good, bad } = samples(dtype);
    for (const [name, [of, expected]] of share(device, Object.entries(combinations), () => "all")) {
      for (const y of good) {
        const value = expected(5, y);
        if (!holds(dtype, value)) continue;
        assert.equal((await data(of(tensor([5], { dtype }), y)))[0] + 0, value + 0, `${name} of 5 and ${y} in ${dtype}`);
      }
      for (const y of bad.filter(Number.isInteger)) {
        assert.throws(() => of(tensor([5], { dtype }), y), withFacts(DTypeError, { dtype, value: y }), `${name} of ${y}`);
      }
      // Numbers with fractions make fractions of integers.
      assert.equal(of(tensor([5], { dtype }), 0.5).dtype, name.length === 2 && name !== "rem" ? "bool" : "f32");
    }
    for (const bitwise of [bitwiseAnd, bitwiseOr, bitwiseXor]) {
      for (const y of bad.filter(Number.isInteger)) assert.throws(() => bitwise(tensor([5], { dtype }), y), DTypeError);
    }
  }
});

testOnDevices("numbers among booleans are numbers; alone they are whether they are 0", async () => {
  assert.deepEqual(await toArray(tensor([3, true, false])), [3, 1, 0]);
  assert.deepEqual(await toArray(tensor([[true], [2]])), [[1], [2]]);
  assert.equal(tensor([3, true]).dtype, "f32");
  assert.equal(tensor([true, false]).dtype, "bool");
  assert.equal(tensor([]).dtype, "f32");
  assert.deepEqual(await toArray(tensor([3, true, 0, NaN, 0.5, -0], { dtype: "bool" })), [true, true, false, true, true, false]);
  assert.deepEqual(await toArray(tensor([3, true, 0], { dtype: "i32" })), [3, 1, 0]);
  assert.deepEqual(await toArray(full([1], 3, { dtype: "bool" })), [true]);
});

Deno.test("what is no number makes no tensor", () => {
  for (const value of [5n, "5", null, undefined, {}, Symbol("5"), () => 5] as never[]) {
    assert.throws(() => tensor(value), TypeError);
    assert.throws(() => tensor([value]), TypeError);
    assert.throws(() => full([1], value), TypeError);
    assert.throws(() => fullLike(zeros([1]), value), TypeError);
    assert.throws(() => add(zeros([1]), value), TypeError);
    assert.throws(() => setAt(zeros([1]), 0, value), TypeError);
    assert.throws(() => cast(value, "i32"), TypeError);
    if (value !== undefined) assert.throws(() => pad(zeros([1]), { low: [1], high: [0], value }), TypeError);
  }
  assert.throws(() => tensor(BigInt64Array.of(5n) as never), DTypeError);
  assert.throws(() => tensor(new BigUint64Array(1) as never, { dtype: "i32" }), DTypeError);
});

testOnDevices("a cast of a number is a cast of the exact number", async (_, device) => {
  const cases: readonly (readonly [number, DType, number])[] = [
    [16777217, "i32", 16777217],
    [-2147483647, "i32", -2147483647],
    [4294967295, "u32", 4294967295],
    [1.7, "i32", 1],
    [-1.7, "i32", -1],
    [2 ** 31, "i32", 2 ** 31 - 1],
    [-Infinity, "i32", -(2 ** 31)],
    [-5, "u32", 0],
    [NaN, "i32", 0],
    [300, "u8", 44],
    [-1, "u8", 255],
    [300.7, "u8", 44],
    [3, "bool", 1],
    [0.1, "f32", Math.fround(0.1)],
    [0.1, "f16", Math.f16round(0.1)],
    ...(device === "webgpu" ? [] : [[0.1, "f64", 0.1] as const]),
  ];
  for (const [value, dtype, expected] of cases) {
    assert.equal(Number((await data(cast(value, dtype)))[0]), expected, `${value} as ${dtype}`);
    // As a tensor that holds the number is cast.
    const wide = device === "webgpu" ? "f32" : "f64";
    const held = tensor([value], { dtype: wide });
    if ((await data(held))[0] === value || Number.isNaN(value)) {
      assert.equal(Number((await data(cast(held, dtype)))[0]), expected, `a tensor of ${value} as ${dtype}`);
    }
  }
});

testOnDevices("positions beyond the whole numbers of f32 are exact", async () => {
  const many = arange(2 ** 24 + 3);
  assert.equal(await toArray(take(many, 2 ** 24 + 1)), 2 ** 24 + 1);
  assert.equal(await toArray(at(many, 2 ** 24 + 1)), 2 ** 24 + 1);
});

testOnDevices("ranges beyond 2^31 do not wrap around", async (_, device) => {
  const [begin, end] = [2 ** 31 - 2, 2 ** 31 + 3];
  const numbers = [0, 1, 2, 3, 4].map((i) => begin + i);
  assert.deepEqual([...await data(arange(begin, end, 1, { dtype: "u32" }))], numbers);
  assert.deepEqual([...await data(arange(begin, end, 1, { dtype: "f32" }))], numbers.map(Math.fround));
  assert.deepEqual([...await data(arange(-end, -begin, 2, { dtype: "f32" }))], [0, 2, 4].map((i) => Math.fround(i - end)));
  assert.deepEqual([...await data(arange(2 ** 32 - 1, 2 ** 32 - 4, -1, { dtype: "u32" }))], [1, 2, 3].map((i) => 2 ** 32 - i));
  assert.deepEqual([...await data(arange(-(2 ** 31), -(2 ** 31) + 2))], [-(2 ** 31), -(2 ** 31) + 1]);
  if (device !== "webgpu") {
    assert.deepEqual([...await data(arange(begin, end, 1, { dtype: "f64" }))], numbers);
    assert.deepEqual([...await data(arange(2 ** 52, 2 ** 52 + 3, 1, { dtype: "f64" }))], [0, 1, 2].map((i) => 2 ** 52 + i));
  }
  assert.throws(() => arange(begin, end), withFacts(DTypeError, { dtype: "i32", value: 2 ** 31 + 2 }));
  assert.throws(() => arange(3, 0, -1, { dtype: "u32" }) && arange(3, -2, -1, { dtype: "u32" }), DTypeError);
  assert.deepEqual([...await data(arange(0, 1, 2 ** 40))], [0]);
  assert.deepEqual([...await data(arange(5, 5))], []);
  assert.deepEqual([...await data(arange(0, 1, 0.25, { dtype: "f16" }))], [0, 0.25, 0.5, 0.75]);
  assert.deepEqual([...await data(linspace(0, 255, 256, { dtype: "u8" }))], Array.from({ length: 256 }, (_, i) => i));
});

testOnDevices("random integers fill all of i32, and lie in their interval", async () => {
  const key = random.key(1);
  const draw = async (min: number, max: number) => [...await data(random.randint(key, [200], { min, max }))];
  const [least, most] = wholeRange("i32");
  for (const [min, max] of [[least, most + 1], [least, most], [0, most + 1], [most, most + 1], [least, least + 1], [-3, most]]) {
    const drawn = await draw(min, max);
    assert.ok(drawn.every((x) => x >= min && x < max), `[${min}, ${max})`);
    if (max - min > 2 ** 31) {
      assert.ok(drawn.some((x) => x < min + 2 ** 30) && drawn.some((x) => x > max - 2 ** 30), `[${min}, ${max}) is filled`);
    }
  }
  for (const [min, max] of [[0, most + 2], [least - 1, 0], [0, 2 ** 40], [0, 0.5], [NaN, 1], [0, Infinity], [2, 2]]) {
    assert.throws(() => random.randint(key, [2], { min, max }), RangeError, `[${min}, ${max})`);
  }
});

Deno.test("what is folded into a key has 32 bits", async () => {
  const key = random.key(0);
  for (const data of [0.5, 2 ** 32, -(2 ** 31) - 1, NaN, Infinity]) assert.throws(() => random.foldIn(key, data), RangeError);
  assert.deepEqual(await toArray(random.foldIn(key, -1)), await toArray(random.foldIn(key, tensor(-1, { dtype: "i32" }))));
  assert.notDeepEqual(await toArray(random.foldIn(key, -1)), await toArray(random.foldIn(key, 1)));
});

Deno.test("bilinear transforms take a fill that the images hold", () => {
  const bytes = zeros([1, 1, 4, 4], { dtype: "u8" });
  for (const interpolation of ["nearest", "bilinear"] as const) {
    assert.throws(() => randomRotation(10, { fill: 300, interpolation })(bytes, random.key(0)), DTypeError);
  }
});

Deno.test("a state dict whose numbers do not fit integers gives Left", () => {
  const like = { params: {}, state: { count: zeros([1], { dtype: "i32" }) } };
  for (const value of [0.5, NaN, 2 ** 31]) {
    assert.equal(layers.loadStateDict(like, { count: { shape: [1], data: [value] } })._tag, "Left");
  }
});

testOnDevices("integers of results wrap around, they are no numbers that were given", async () => {
  const most = tensor([2 ** 31 - 1], { dtype: "i32" });
  assert.deepEqual(await toArray(add(most, 1)), [-(2 ** 31)]);
  assert.deepEqual(await toArray(jit((x: Tensor) => mul(add(x, 1), 2))(most)), [0]);
  assert.deepEqual(await toArray(add(full([1], 2 ** 31 - 1, { dtype: "i32" }), full([1], 1, { dtype: "i32" }))), [-(2 ** 31)]);
});
