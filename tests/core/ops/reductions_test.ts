/** Reductions and running sums that are made of operations, and products: the laws, special points, types and errors. */
import assert from "node:assert/strict";
import {
  all,
  any,
  countNonzero,
  cummax,
  cummin,
  cumprod,
  cumsum,
  data,
  DTypeError,
  grad,
  gt,
  jit,
  jvp,
  logCumSumExp,
  logSumExp,
  mul,
  norm,
  prod,
  reshape,
  ShapeError,
  sum,
  type Tensor,
  tensor,
  toArray,
  variance,
  zeros,
} from "../../../mod.ts";
import { assertClose, exact } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const of = (name: string, shape: readonly number[], f: (x: Tensor) => Tensor): Subject => ({
  name,
  inputs: [float(...shape)],
  f,
});

testSubjects([
  of("prod", [2, 5, 3], (x) => prod(x, { axis: [0, 2], keepDims: true })),
  of("norm of order 1", [3, 4], (x) => norm(x, { ord: 1, axis: 0 })),
  of("norm of order 2.5", [3, 4], (x) => norm(x, { ord: 2.5, axis: 1, keepDims: true })),
  of("norm of order infinity", [3, 4], (x) => norm(x, { ord: Infinity, axis: 1 })),
  of("norm of order -infinity", [7], (x) => norm(x, { ord: -Infinity })),
  of("Frobenius norm", [2, 3, 4], (x) => norm(x, { ord: "fro", axis: [-2, -1] })),
  of("norm of order 0", [5], (x) => norm(x, { ord: 0 })),
  of("logSumExp", [2, 3, 4], (x) => logSumExp(x, { axis: [0, 2] })),
  of("logSumExp of all", [2, 3], (x) => logSumExp(x, { keepDims: true })),
  of("any", [3, 4], (x) => any(gt(x, 1), { axis: 1 })),
  of("all", [3, 4], (x) => all(gt(x, -1), { axis: 0, keepDims: true })),
  of("countNonzero", [3, 4], (x) => countNonzero(gt(x, 0), { axis: 1 })),
  of("cumsum", [2, 5], cumsum),
  of("cumsum of many", [70], cumsum),
  of("cumsum along the first axis, backwards", [11, 2], (x) => cumsum(x, { axis: 0, reverse: true })),
  of("cumsum without the element", [3, 9, 2], (x) => cumsum(x, { axis: 1, exclusive: true })),
  of("cumprod", [2, 13], cumprod),
  of("cumprod backwards without the element", [6], (x) => cumprod(x, { reverse: true, exclusive: true })),
  of("cummax", [40], cummax),
  of("cummin", [3, 10], (x) => cummin(x, { axis: 1 })),
  of("logCumSumExp", [2, 10], logCumSumExp),
]);

const inf = Infinity;
const close = { relative: 2e-6, absolute: 1e-6 };

testOnDevices("values at special points", async () => {
  const rows = tensor([[-inf, -inf], [inf, 0], [NaN, 0], [1e4, 1e4], [-inf, 3]]);
  const cases: readonly [string, Tensor, readonly number[]][] = [
    ["prod of nothing", prod(zeros([2, 0]), { axis: 1 }), [1, 1]],
    ["prod with infinities", prod(tensor([[2, inf], [0, inf], [NaN, 1]]), { axis: 1 }), [inf, NaN, NaN]],
    ["logSumExp", logSumExp(rows, { axis: 1 }), [-inf, inf, NaN, 1e4 + Math.LN2, 3]],
    ["logSumExp of nothing", logSumExp(zeros([2, 0]), { axis: 1 }), [-inf, -inf]],
    ["logSumExp of no rows", logSumExp(zeros([0, 2]), { axis: 1 }), []],
    ["any", any(tensor([[0, 0], [0, NaN]]), { axis: 1 }), [0, 1]],
    ["any of nothing", any(zeros([0])), [0]],
    ["all", all(tensor([[1, 0], [2, NaN]]), { axis: 1 }), [0, 1]],
    ["all of nothing", all(zeros([0])), [1]],
    ["norm of order 1 of infinities", norm(tensor([-inf, 1]), { ord: 1 }), [inf]],
    ["norm of order infinity", norm(tensor([[-3, 2], [NaN, 1]]), { ord: inf, axis: 1 }), [3, NaN]],
    ["norm of order 0.5", norm(tensor([1, 0, 4]), { ord: 0.5 }), [9]],
    ["norm of nothing", norm(zeros([0])), [0]],
    ["variance of a sample", variance(tensor([1, 2, 3, 4]), { correction: 1 }), [5 / 3]],
    ["cumsum", cumsum(tensor([1, inf, -inf, 1])), [1, inf, NaN, NaN]],
    ["cumprod", cumprod(tensor([2, 0, inf, 1])), [2, 0, NaN, NaN]],
    ["cummax", cummax(tensor([-inf, 1, 0, NaN, 5])), [-inf, 1, 1, NaN, NaN]],
    ["cummin", cummin(tensor([inf, 1, 2, -inf, 5])), [inf, 1, 1, -inf, -inf]],
    ["cummax backwards", cummax(tensor([1, 3, 2]), { reverse: true }), [3, 3, 2]],
    ["cummax without the element", cummax(tensor([1, 3, 2]), { exclusive: true }), [-inf, 1, 3]],
    ["logCumSumExp", logCumSumExp(tensor([-inf, 1e4, 1e4, -inf, inf])), [-inf, 1e4, 1e4 + Math.LN2, 1e4 + Math.LN2, inf]],
    ["cumsum of one", cumsum(tensor([5])), [5]],
    ["cumsum of nothing", cumsum(zeros([2, 0])), []],
    ["cumsum over nothing", cumsum(zeros([0, 2]), { axis: 1 }), []],
  ];
  for (const [name, x, expected] of cases) assertClose(await data(x), expected.map(Math.fround), close, name);
});

testOnDevices("integers and bools", async () => {
  const i32 = tensor([3, -1, 2, 0, 5, 1, 1, 1, 1, -7], { dtype: "i32" });
  const cases: readonly [Tensor, string, readonly number[]][] = [
    [prod(tensor([3, -4], { dtype: "i32" })), "i32", [-12]],
    [prod(tensor([true, false])), "i32", [0]],
    [cumsum(i32), "i32", [3, 2, 4, 4, 9, 10, 11, 12, 13, 6]],
    [cumsum(tensor([true, true, false])), "i32", [1, 2, 2]],
    [cumprod(tensor([3, -1, 2], { dtype: "i32" })), "i32", [3, -3, -6]],
    [cummax(i32), "i32", [3, 3, 3, 3, 5, 5, 5, 5, 5, 5]],
    [cummin(i32), "i32", [3, -1, -1, -1, -1, -1, -1, -1, -1, -7]],
    [cummax(tensor([3, 1, 4], { dtype: "u32" }), { exclusive: true }), "u32", [0, 3, 3]],
    [cummin(tensor([9, 200, 4], { dtype: "u8" })), "u8", [9, 9, 4]],
    [cummax(tensor([false, true, false])), "bool", [0, 1, 1]],
    [countNonzero(i32), "i32", [9]],
    [any(i32), "bool", [1]],
  ];
  for (const [x, dtype, expected] of cases) {
    assert.equal(x.dtype, dtype);
    assert.deepEqual([...await data(x)], expected);
  }
});

testOnDevices("derivatives with zeros, ties and infinities", async () => {
  const cases: readonly [string, (x: Tensor) => Tensor, readonly number[], readonly number[]][] = [
    ["prod", prod, [2, 3, 4], [12, 8, 6]],
    ["prod with a zero", prod, [2, 0, 4], [0, 8, 0]],
    ["prod with two zeros", prod, [0, 0, 4], [0, 0, 0]],
    ["cumprod with a zero", cumprod, [2, 0, 4], [1, 2 + 2 * 4, 0]],
    ["cummax takes the last of equals", cummax, [1, 1, 0, 1], [1, 2, 0, 1]],
    ["logSumExp of nothing but -infinity", logSumExp, [-inf, -inf], [0, 0]],
    ["logSumExp with -infinity", logSumExp, [0, -inf], [1, 0]],
    ["norm of order 3 at 0", (x) => norm(x, { ord: 3 }), [0, 0], [0, 0]],
    ["norm of order 1", (x) => norm(x, { ord: 1 }), [-2, 0, 3], [-1, 0, 1]],
    ["norm of order infinity", (x) => norm(x, { ord: inf }), [-2, 1, 2], [-0.5, 0, 0.5]],
  ];
  for (const [name, f, at, expected] of cases) {
    assertClose(await data(grad((x: Tensor) => sum(f(x)))(tensor([...at]))), expected, close, name);
  }
  // Along (1, 1, 1) the derivative (yz, xz, xy) of a product changes by (y + z, x + z, x + y), zeros or not.
  for (const at of [[2, 0, 4], [0, 0, 4], [0, 0, 0], [1, 2, 3]]) {
    const [, bend] = jvp(grad((x: Tensor) => prod(x)), [tensor(at)], [tensor([1, 1, 1])]);
    assertClose(await data(bend), at.map((x) => at.reduce((a, b) => a + b) - x), close, `prod twice at ${at}`);
    const [, running] = jvp(grad((x: Tensor) => sum(mul(cumprod(x), tensor([0, 0, 1])))), [tensor(at)], [tensor([1, 1, 1])]);
    assertClose(await data(running), at.map((x) => at.reduce((a, b) => a + b) - x), close, `cumprod twice at ${at}`);
  }
});

testOnDevices("long running sums are exact to rounding", async () => {
  const n = 20_000;
  const x = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
  let total = 0;
  const expected = Float64Array.from(x, (each) => total += each);
  assertClose(await data(jit(cumsum)(tensor(x))), expected, { relative: 0, absolute: 1e-5 }, "cumsum");
  const slope = await data(grad((x: Tensor) => sum(cumsum(x)))(tensor(x)));
  assertClose(slope, Float64Array.from(x, (_, i) => n - i), { relative: 1e-6, absolute: 0 }, "its derivative");
});

testOnDevices("running sums in groups of groups, along any axis and in both directions", async () => {
  // Longer than a kernel sums at once; lengths with divisors and without, integers small enough for f32.
  for (const [n, columns] of [[5000, 3], [4099, 2], [70_000, 1]]) {
    const values = Float32Array.from({ length: n * columns }, (_, i) => (i * 7919) % 13 - 6);
    const x = reshape(tensor(values), [n, columns]);
    for (const reverse of [false, true]) {
      for (const exclusive of [false, true]) {
        const expected = new Float32Array(n * columns);
        for (let column = 0; column < columns; column++) {
          let total = 0;
          for (let k = 0; k < n; k++) {
            const at = (reverse ? n - 1 - k : k) * columns + column;
            if (exclusive) expected[at] = total;
            total += values[at];
            if (!exclusive) expected[at] = total;
          }
        }
        const what = `${n} by ${columns}${reverse ? ", backwards" : ""}${exclusive ? ", without the element" : ""}`;
        assertClose(await data(cumsum(x, { axis: 0, reverse, exclusive })), expected, exact, what);
      }
    }
  }
});

Deno.test("what makes no sense is refused", async () => {
  assert.throws(() => norm(tensor([1, 2], { dtype: "i32" })), DTypeError);
  assert.throws(() => norm(tensor([1, 2]), { ord: NaN }), RangeError);
  assert.throws(() => norm(zeros([0]), { ord: Infinity }), ShapeError);
  assert.throws(() => cumsum(tensor(1)), ShapeError);
  assert.throws(() => cumsum(tensor([1]), { axis: 1 }), ShapeError);
  assert.throws(() => prod(tensor([1]), { axis: 1 }), ShapeError);
  assert.throws(() => any(tensor([1]), { axis: [0, 0] }), ShapeError);
  assert.deepEqual(await toArray(all(tensor([[1, 1], [0, 1]]), { axis: 1, keepDims: true })), [[true], [false]]);
});
