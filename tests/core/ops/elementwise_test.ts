/** Functions of single numbers, activations and tensors from nothing: the laws, special points, types and errors. */
import assert from "node:assert/strict";
import {
  acosh,
  add,
  arange,
  asinh,
  atanh,
  cbrt,
  celu,
  data,
  DTypeError,
  empty,
  erf,
  erfc,
  erfinv,
  exp2,
  eye,
  floorDivide,
  fullLike,
  glu,
  grad,
  gudermannian,
  hardSigmoid,
  hardSwish,
  hardTanh,
  hypot,
  isFinite,
  isInf,
  isru,
  linspace,
  log10,
  log2,
  logAddExp,
  logSigmoid,
  logSoftmax,
  meshgrid,
  mish,
  prelu,
  relu6,
  rem,
  remainder,
  rsqrt,
  selu,
  ShapeError,
  softmax,
  softsign,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  toArray,
  zeros,
} from "../../../mod.ts";
import { assertClose, type Tolerance } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const at = (domain: Input["domain"], ...shape: number[]): Input => ({ shape, domain, dtype: "float" });
const of = (name: string, f: (x: Tensor) => Tensor, domain: Input["domain"] = "nonzero"): Subject => ({
  name,
  inputs: [at(domain, 2, 4)],
  f,
});

testSubjects([
  of("square", square),
  of("rsqrt", rsqrt, "positive"),
  of("exp2", exp2),
  of("log2", log2, "positive"),
  of("log10", log10, "positive"),
  of("isFinite", isFinite),
  of("isInf", isInf),
  of("celu", (x) => celu(x, { alpha: 0.7 })),
  of("selu", selu),
  of("mish", mish),
  of("logSigmoid", logSigmoid),
  of("hardTanh", (x) => hardTanh(x, { min: -0.6, max: 1.2 })),
  of("relu6", relu6),
  of("hardSigmoid", hardSigmoid),
  of("hardSwish", hardSwish),
  of("glu", glu),
  of("glu along the first axis", (x) => glu(x, { axis: 0 })),
  { name: "prelu", inputs: [at("nonzero", 2, 3, 2), at("any", 3)], f: prelu },
  { name: "remainder", inputs: [at("any", 9), at("nonzero", 9)], f: remainder },
  { name: "hypot broadcast", inputs: [at("any", 3, 1), at("any", 2)], f: hypot },
]);

const inf = Infinity;
const close: Tolerance = { relative: 2e-6, absolute: 0 };

testOnDevices("functions of one number at their special points, and for numbers huge and tiny", async () => {
  const cases: readonly [string, (x: Tensor) => Tensor, readonly number[], readonly number[]][] = [
    ["asinh", asinh, [0, 1e-30, -1e-5, 1, -1e30, inf, -inf, NaN], [
      0,
      1e-30,
      -1e-5,
      Math.asinh(1),
      -Math.asinh(1e30),
      inf,
      -inf,
      NaN,
    ]],
    ["acosh", acosh, [1, 2, 1e30, inf, 0.5, -5, -1e30, -inf, NaN], [
      0,
      Math.acosh(2),
      Math.acosh(1e30),
      inf,
      NaN,
      NaN,
      NaN,
      NaN,
      NaN,
    ]],
    ["atanh", atanh, [0, 1e-30, 0.5, -0.5, 1, -1, 2, inf, NaN], [
      0,
      1e-30,
      Math.atanh(0.5),
      -Math.atanh(0.5),
      inf,
      -inf,
      NaN,
      NaN,
      NaN,
    ]],
    ["cbrt", cbrt, [0, 27, -64, 1e30, 1e-30, inf, -inf, NaN], [0, 3, -4, 1e10, 1e-10, inf, -inf, NaN]],
    ["exp2", exp2, [0, 10, -3, 0.5, 127, 200, -200, inf, -inf, NaN], [1, 1024, 0.125, Math.SQRT2, 2 ** 127, inf, 0, inf, 0, NaN]],
    ["log2", log2, [1, 8, 0.25, 0, -1, inf], [0, 3, -2, -inf, NaN, inf]],
    ["log10", log10, [1, 1000, 0, -1, inf], [0, 3, -inf, NaN, inf]],
    ["rsqrt", rsqrt, [4, 0, inf, -1], [0.5, inf, 0, NaN]],
    ["erfc", erfc, [0, 0.5, -0.5, 3, 9, -9, inf, -inf, NaN], [
      1,
      0.4795001,
      1.5204999,
      2.209049700e-5,
      4.1370317e-37,
      2,
      0,
      2,
      NaN,
    ]],
    ["erfinv", erfinv, [0, 1e-10, 0.5, -0.9, 0.99999994, 1, -1, 1.5, NaN], [
      0,
      8.8622693e-11,
      0.47693628,
      -1.1630871,
      3.832507,
      inf,
      -inf,
      NaN,
      NaN,
    ]],
    ["gudermannian", gudermannian, [0, 1e-20, 1, 100, inf, -inf, NaN], [
      0,
      1e-20,
      0.8657695,
      Math.PI / 2,
      Math.PI / 2,
      -Math.PI / 2,
      NaN,
    ]],
    ["isru", isru, [0, 1e-30, 1, -3e30, inf, NaN], [0, 1e-30, Math.SQRT1_2, -1, 1, NaN]],
    ["softsign", softsign, [0, 1e-30, 1, -1e30, NaN], [0, 1e-30, 0.5, -1, NaN]],
    ["isFinite", isFinite, [0, 3e38, inf, -inf, NaN], [1, 1, 0, 0, 0]],
    ["isInf", isInf, [0, 3e38, inf, -inf, NaN], [0, 0, 1, 1, 0]],
    ["mish", mish, [0, 100, -80, 1e30, NaN], [0, 100, -80 * Math.exp(-80), 1e30, NaN]],
    ["logSigmoid", logSigmoid, [0, 1e4, -1e4, -inf, inf, NaN], [-Math.LN2, 0, -1e4, -inf, 0, NaN]],
    ["celu", celu, [0, 1e4, -1e4, -inf, inf, NaN], [0, 1e4, -1, -1, inf, NaN]],
    ["selu", selu, [0, 100, -inf, NaN], [0, 105.07009873554805, -1.7580993408473766, NaN]],
    ["hardTanh", hardTanh, [-inf, -1, 0.5, 1, 3, NaN], [-1, -1, 0.5, 1, 1, NaN]],
    ["relu6", relu6, [-inf, 0, 3, 6, 7, NaN], [0, 0, 3, 6, 6, NaN]],
    ["hardSigmoid", hardSigmoid, [-inf, -3, 0, 3, inf, NaN], [0, 0, 0.5, 1, 1, NaN]],
    ["hardSwish", hardSwish, [-100, -3, 0, 3, 100, NaN], [0, 0, 0, 3, 100, NaN]],
  ];
  for (const [name, f, xs, expected] of cases) {
    assertClose(await data(f(tensor([...xs]))), expected.map(Math.fround), close, name);
  }
});

testOnDevices("functions of two numbers at their special points", async () => {
  const x = tensor([7, -7, 7, -7, 1, 5, -inf, 3, -1]);
  const y = tensor([2, 2, -2, -2, 0.1, 0, 2, inf, inf]);
  assertClose(await data(floorDivide(x, y)), [3, -4, -4, 3, 9, inf, NaN, 0, -1], close, "floorDivide");
  const rest = await data(remainder(x, y));
  const short = Math.fround(1) % Math.fround(0.1);
  assertClose(rest, [1, 1, -1, -1, short, NaN, NaN, 3, inf], { relative: 1e-5, absolute: 0 }, "remainder");
  const i32 = (values: number[]) => tensor(values, { dtype: "i32" });
  const [n, d] = [i32([7, -7, 7, -7, 2 ** 31 - 1, -6]), i32([2, 2, -2, -2, 3, 3])];
  assert.deepEqual([...await data(floorDivide(n, d))], [3, -4, -4, 3, 715827882, -2]);
  assert.deepEqual([...await data(remainder(n, d))], [1, 1, -1, -1, 1, 0]);
  assert.equal(square(n).dtype, "i32");
  assertClose(
    await data(hypot(tensor([3, 3e30, 0, -inf, NaN, 1e-30]), tensor([4, 4e30, 0, 1, 1, 0]))),
    [5, 5e30, 0, inf, NaN, 1e-30].map(Math.fround),
    close,
    "hypot",
  );
  assertClose(
    await data(logAddExp(tensor([0, 1e4, -inf, inf, -inf, NaN, 0]), tensor([0, 1e4, -inf, inf, 3, 1, -1e4]))),
    [Math.LN2, 1e4 + Math.LN2, -inf, inf, 3, NaN, 0].map(Math.fround),
    close,
    "logAddExp",
  );
});

testOnDevices("derivatives at kinks, ends and far out", async () => {
  const cases: readonly [string, (x: Tensor) => Tensor, readonly number[], readonly number[]][] = [
    ["relu6", relu6, [-1, 0, 3, 6, 9], [0, 0, 1, 0, 0]],
    ["hardTanh", hardTanh, [-2, -1, 0, 1, 2], [0, 0, 1, 0, 0]],
    ["softsign", softsign, [-3, 0, 1e4], [0.0625, 1, 1e-8 / 1.00020001]],
    ["isru", isru, [0, 1e4, 1e30], [1, 1e-12, 0]],
    ["gudermannian", gudermannian, [0, 20, 1e4], [1, 1 / Math.cosh(20), 0]],
    ["erfc", erfc, [0, 5], [-2 / Math.sqrt(Math.PI), -2 / Math.sqrt(Math.PI) * Math.exp(-25)]],
    ["erfinv", erfinv, [0, 0.5], [Math.sqrt(Math.PI) / 2, 1.1125849]],
    ["logSigmoid", logSigmoid, [-1e4, 0, 1e4], [1, 0.5, 0]],
    ["celu", celu, [-1e4, 0, 1e4], [0, 1, 1]],
    ["hypot", (x) => hypot(x, zeros([3])), [-2, 0, 2], [-1, 0, 1]],
    ["logAddExp", (x) => logAddExp(x, tensor([-inf, 0, 1e4])), [-inf, 0, 0], [0.5, 0.5, 0]],
    ["hardSwish", hardSwish, [-9, 0, 9], [0, 0.5, 1]],
    ["asinh", asinh, [0, 1e10, -1e10], [1, 1e-10, 1e-10]],
  ];
  for (const [name, f, xs, expected] of cases) {
    const slope = await data(grad((x: Tensor) => sum(f(x)))(tensor([...xs])));
    assertClose(slope, expected, { relative: 1e-5, absolute: 1e-37 }, name);
  }
});

testOnDevices("the derivative of a remainder has the quotient of its value", async () => {
  // 1 / 0.1 rounds to 10, but 10 * 0.1 is more than 1, so that the remainder is that of 9.
  const [x, y] = [tensor([1, -1, 6, -7]), tensor([0.1, 0.1, -0.2, 0.7])];
  for (const [name, f] of [["rem", rem], ["remainder", remainder]] as const) {
    const quotients = Array.from(await data(sub(x, f(x, y))), (whole, i) => whole / [0.1, 0.1, -0.2, 0.7][i]);
    const slopes = await data(grad((each: Tensor) => sum(f(x, each)))(y));
    assert.deepEqual(Array.from(slopes), quotients.map((quotient) => -Math.round(quotient)), name);
  }
});

testOnDevices("softmax of nothing is nothing", async () => {
  assert.deepEqual(await toArray(softmax(zeros([2, 0]))), [[], []]);
  assert.deepEqual(await toArray(logSoftmax(zeros([0, 2]), { axis: 0 })), []);
});

testOnDevices("erfinv and erfc keep double precision", async () => {
  const xs = [1e-8, 0.01, 0.3, 0.6, 1, 2, 3.5, 5];
  const x = tensor(xs, { dtype: "f64" });
  const there = { relative: 1e-13, absolute: 1e-15 };
  assertClose(await data(add(erf(x), erfc(x))), xs.map(() => 1), there, "erf + erfc");
  // Near 1 the doubles are so sparse that the way back is less certain.
  assertClose(await data(sub(erfinv(erf(x)), x)).then((list) => list.slice(0, 5)), [0, 0, 0, 0, 0], {
    relative: 0,
    absolute: 1e-15,
  }, "erfinv");
  assertClose(await data(erfc(erfinv(sub(1, erfc(x))))), await data(erfc(x)), { relative: 0, absolute: 3e-16 }, "erfc of erfinv");
}, ["reference", "wasm"]);

testOnDevices("tensors from nothing", async () => {
  const cases: readonly [Tensor, unknown, string][] = [
    [linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1], "f32"],
    [linspace(3, -3, 3, { dtype: "i32" }), [3, 0, -3], "i32"],
    [linspace(0, 1, 4, { endpoint: false }), [0, 0.25, 0.5, 0.75], "f32"],
    [linspace(7, 9, 1), [7], "f32"],
    [linspace(7, 9, 0), [], "f32"],
    [empty([2]), [0, 0], "f32"],
    [fullLike(zeros([2], { dtype: "i32" }), 7), [7, 7], "i32"],
    [fullLike(zeros([1]), 1, { dtype: "bool" }), [true], "bool"],
    [eye(2, { columns: 3, offset: 1 }), [[0, 1, 0], [0, 0, 1]], "f32"],
    [eye(2, { dtype: "i32", offset: -1 }), [[0, 0], [1, 0]], "i32"],
    [arange(3, { dtype: "f32" }), [0, 1, 2], "f32"],
    [arange(1, 3, { dtype: "f32" }), [1, 2], "f32"],
    [arange(1, 6, 2, { dtype: "f32" }), [1, 3, 5], "f32"],
    [meshgrid([arange(2), arange(3)])[1], [[0, 1, 2], [0, 1, 2]], "i32"],
    [meshgrid([arange(2), arange(3)], { indexing: "xy" })[1], [[0, 0], [1, 1], [2, 2]], "i32"],
    [meshgrid([arange(2)], { indexing: "xy" })[0], [0, 1], "i32"],
  ];
  for (const [x, expected, dtype] of cases) {
    assert.deepEqual(await toArray(x), expected);
    assert.equal(x.dtype, dtype);
  }
  const many = await data(linspace(0.1, 0.7, 7));
  assert.deepEqual([many[0], many[6]], [Math.fround(0.1), Math.fround(0.7)]);
});

Deno.test("what makes no sense is refused", () => {
  assert.throws(() => linspace(0, 1, -1), RangeError);
  assert.throws(() => linspace(0, Infinity, 3), RangeError);
  assert.throws(() => arange(NaN), RangeError);
  assert.throws(() => eye(-1), ShapeError);
  assert.throws(() => meshgrid([zeros([2, 2])]), ShapeError);
  assert.throws(() => glu(zeros([3])), ShapeError);
  assert.throws(() => prelu(zeros([2, 3]), zeros([2])), ShapeError);
  assert.throws(() => floorDivide(tensor([true]), tensor([true])), DTypeError);
});
