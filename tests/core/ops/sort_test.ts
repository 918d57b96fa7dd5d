/** Order: the laws, values at the edges, JavaScript's own sort, and what is refused. */
import assert from "node:assert/strict";
import { fc } from "../../../dev_deps.ts";
import {
  argsort,
  data,
  grad,
  jit,
  median,
  mul,
  quantile,
  repeat,
  sort,
  sum,
  type Tensor,
  tensor,
  toArray,
  topK,
  vmap,
  zeros,
} from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

/** Squares, so that second derivatives are not 0. */
const square = (x: Tensor): Tensor => mul(x, x);

const subjects: readonly Subject[] = [
  subject("sort", [float(3, 5)], (x) => square(sort(x))),
  subject("sort a vector, descending", [float(40)], (x) => square(sort(x, { descending: true }))),
  subject("sort the first axis", [float(4, 3)], (x) => sort(square(x), { axis: 0 })),
  subject("sort a middle axis, descending", [float(2, 5, 3)], (x) => sort(square(x), { axis: 1, descending: true })),
  subject("argsort as weights", [float(2, 6)], (x) => mul(x, argsort(x))),
  subject("topK", [float(3, 7)], (x) => topK(square(x), 3).values),
  subject("topK, the smallest of columns", [float(5, 2)], (x) => square(topK(x, 2, { axis: 0, largest: false }).values)),
  subject("topK indices", [float(3, 7)], (x) => topK(x, 4).indices),
  subject("quantile", [float(3, 6)], (x) => square(quantile(x, [0, 0.3, 0.5, 1], { axis: 1 }))),
  subject("quantile over outer axes", [float(2, 3, 4)], (x) => square(quantile(x, 0.9, { axis: [0, 2], keepDims: true }))),
  subject("median", [float(4, 3)], (x) => square(median(x, { axis: 0 }))),
  subject("median of all", [float(3, 3)], (x) => square(median(x))),
];

testSubjects(subjects);

const inf = Infinity;

testOnDevices("order at special points", async () => {
  const x = tensor([0, NaN, -inf, 2, -0, inf, NaN, -1]);
  const cases: readonly [string, Tensor, unknown][] = [
    ["sort", sort(x), [-inf, -1, 0, -0, 2, inf, NaN, NaN]],
    ["sort, descending", sort(x, { descending: true }), [NaN, NaN, inf, 2, 0, -0, -1, -inf]],
    ["argsort", argsort(x), [2, 7, 0, 4, 3, 5, 1, 6]],
    ["argsort, descending", argsort(x, { descending: true }), [1, 6, 5, 3, 0, 4, 7, 2]],
    ["equal elements keep their order", argsort(tensor([[1, 1, 1], [2, 1, 2]]), { descending: true }), [[0, 1, 2], [0, 2, 1]]],
    ["sort of columns", sort(tensor([[3, 1], [2, 4], [1, 2]]), { axis: 0 }), [[1, 1], [2, 2], [3, 4]]],
    ["sort of one", sort(tensor([[7], [5]])), [[7], [5]]],
    ["sort of nothing", sort(zeros([2, 0])), [[], []]],
    ["sort of no columns", argsort(zeros([0, 2]), { axis: 0 }), []],
    ["sort of integers", sort(tensor([3, -(2 ** 31), 2 ** 31 - 1, -1], { dtype: "i32" })), [-(2 ** 31), -1, 3, 2 ** 31 - 1]],
    ["sort of unsigned integers", sort(tensor([3, 2 ** 32 - 1, 0], { dtype: "u32" })), [0, 3, 2 ** 32 - 1]],
    ["sort of bytes", sort(tensor([200, 3, 100, 3], { dtype: "u8" }), { descending: true }), [200, 100, 3, 3]],
    ["argsort of truth values", argsort(tensor([true, false, true, false])), [1, 3, 0, 2]],
    ["topK", topK(x, 3).values, [NaN, NaN, inf]],
    ["topK, smallest", topK(x, 3, { largest: false }).values, [-inf, -1, 0]],
    ["topK indices", topK(tensor([[5, 9, 9, 1]]), 3).indices, [[1, 2, 0]]],
    ["topK of columns", topK(tensor([[1, 6], [3, 4], [2, 5]]), 1, { axis: 0 }).values, [[3, 6]]],
    ["top 0", topK(x, 0).values, []],
    ["top 0 of nothing", topK(zeros([2, 0]), 0).indices, [[], []]],
    ["quantile with NaN", quantile(tensor([[1, NaN, 2], [1, 3, 2]]), [0, 0.25], { axis: 1 }), [[NaN, 1], [NaN, 1.5]]],
    ["quantile between infinities", quantile(tensor([-inf, 1, inf]), [0.25, 0.5, 0.75, 1]), [-inf, 1, inf, inf]],
    ["quantile of one element", quantile(tensor([[4]]), 0.3, { axis: 0 }), [4]],
    ["quantile of a scalar", quantile(3, 0.3), 3],
    ["quantile of integers", quantile(tensor([1, 4], { dtype: "i32" }), 0.5), 2.5],
    ["median keeping axes", median(tensor([[1, 4], [2, 3]]), { axis: [0, 1], keepDims: true }), [[2.5]]],
    ["median of rows", median(tensor([[3, 1, 2], [9, 7, 8]]), { axis: -1 }), [2, 8]],
    ["gradient of equal elements", grad((y: Tensor) => sum(mul(sort(y), tensor([1, 2, 3]))))(tensor([5, 5, 4])), [2, 3, 1]],
    ["gradient of a middle", grad((y: Tensor) => median(y))(tensor([4, 1, 3, 2])), [0, 0, 0.5, 0.5]],
  ];
  for (const [what, actual, expected] of cases) assert.deepEqual(await toArray(actual), expected, what);
});

testOnDevices("a quantile of equal numbers is that number exactly, and shares its derivative as others do", async () => {
  // Many, because most parts of most numbers happen to sum up to them.
  const numbers = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i + 1) * 10 ** (i % 9 - 4));
  const parts = [0.1, 0.3, 0.45, 0.77];
  const rows = repeat(tensor(numbers, { shape: [400, 1] }), 6, { axis: 1 });
  const found = await data(quantile(rows, parts, { axis: 1 }));
  assert.deepEqual(found, Float32Array.from({ length: 1600 }, (_, i) => numbers[i % 400]));
  const slope = await data(grad((x: Tensor) => quantile(x, 0.3))(tensor([7, 7, 7])));
  assertClose(slope, [0.4, 0.6, 0], { relative: 1e-6, absolute: 0 }, "derivative");
});

Deno.test("types: indices are i32, values keep theirs, quantiles are floating", () => {
  for (const dtype of ["f32", "i32", "u32", "u8", "bool"] as const) {
    const x = zeros([2, 3], { dtype });
    assert.equal(sort(x).dtype, dtype);
    assert.equal(argsort(x).dtype, "i32");
    assert.equal(topK(x, 1).values.dtype, dtype);
    assert.equal(median(x).dtype, "f32");
  }
  assert.equal(median(zeros([2], { dtype: "f64" })).dtype, "f64");
});

/** Numbers of all kinds, many of them equal. */
const element = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -4, max: 4 }) },
  { weight: 2, arbitrary: fc.float({ noNaN: true, min: Math.fround(-1e30), max: Math.fround(1e30) }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, inf, -inf, -0, 0) },
).filter((x) => x === 0 || !(Math.abs(x) < 2 ** -126)); // devices may round the smallest to 0

const rows = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  n: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 300 })),
  seed: fc.array(element, { minLength: 1, maxLength: 300 }),
  descending: fc.boolean(),
});

/** The order that JavaScript's sort, which is stable, gives a row. */
function orderOf(row: readonly number[], descending: boolean): number[] {
  const key = (x: number) => Number.isNaN(x) ? 1 : 0;
  const compare = (x: number, y: number) => key(x) - key(y) || (x < y ? -1 : x > y ? 1 : 0);
  return row.map((_, i) => i).sort((a, b) => descending ? compare(row[b], row[a]) : compare(row[a], row[b]));
}

testOnDevices("random rows are sorted as JavaScript sorts them", async () => {
  const order = [false, true].map((descending) => jit((x: Tensor) => argsort(x, { descending })));
  await fc.assert(
    fc.asyncProperty(rows, async ({ count, n, seed, descending }) => {
      const lists = Array.from(
        { length: count },
        (_, row) => Array.from({ length: n }, (_, i) => seed[(i * (row + 1)) % seed.length]),
      );
      const expected = lists.flatMap((list) => orderOf(list, descending));
      assert.deepEqual([...await data(order[Number(descending)](tensor(lists)))], expected);
    }),
    { numRuns: 25, seed: 4 },
  );
});

testOnDevices("examples of a vmap are sorted on their own, whatever axis they lie along", async () => {
  const x = tensor([[3, 1, 2], [6, 5, 4]]);
  assert.deepEqual(await toArray(vmap((row: Tensor) => sort(row))(x)), [[1, 2, 3], [4, 5, 6]]);
  assert.deepEqual(await toArray(vmap((column: Tensor) => argsort(column, { descending: true }), { inAxis: 1 })(x)), [[1, 0], [
    1,
    0,
  ], [1, 0]]);
});

Deno.test("what cannot be sorted or chosen is refused", () => {
  const x = zeros([2, 3]);
  assert.throws(() => sort(tensor(1)), { name: "ShapeError", message: /Cannot sort along axis -1: the tensor has 0 axes/ });
  assert.throws(() => argsort(x, { axis: 2 }), { name: "ShapeError" });
  assert.throws(() => topK(x, 4), { name: "ShapeError", facts: { shape: [2, 3], axis: 1, k: 4 }, message: /it has 3 elements/ });
  assert.throws(() => topK(x, 3, { axis: 0 }), { name: "ShapeError", message: /top 3 of \[2, 3\] along axis 0/ });
  for (const k of [-1, 1.5, NaN]) assert.throws(() => topK(x, k), { name: "RangeError", message: /must be an integer/ });
  for (const q of [-0.1, 1.1, NaN]) {
    assert.throws(() => quantile(x, q), { name: "RangeError", message: /it must be in \[0, 1\]/ });
    assert.throws(() => quantile(x, [0.5, q]), RangeError);
  }
  assert.throws(() => quantile(zeros([2, 0]), 0.5, { axis: 1 }), { name: "ShapeError", message: /there is no element/ });
  assert.throws(() => median(zeros([0])), { name: "ShapeError" });
});
