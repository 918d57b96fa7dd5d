/** Choosing by index: the laws, values at the edges, and what is refused. */
import assert from "node:assert/strict";
import {
  add,
  addAt,
  at,
  data,
  DTypeError,
  dynamicSlice,
  dynamicUpdateSlice,
  grad,
  type Indices,
  jit,
  mul,
  scatterAdd,
  setAt,
  ShapeError,
  stopGradient,
  sum,
  take,
  takeAlongAxis,
  type Tensor,
  tensor,
  toArray,
  where,
  zeros,
} from "../../../mod.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { moves, testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const integer = (range: readonly [number, number], ...shape: number[]): Input => ({
  shape,
  domain: "integer",
  dtype: "i32",
  range,
});
const i32 = (values: number | readonly number[] | readonly (readonly number[])[]): Tensor => tensor(values, { dtype: "i32" });

const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

const subjects: readonly Subject[] = [
  subject("takeAlongAxis the last axis", [float(3, 4), integer([-4, 3], 3, 2)], (x, at) => takeAlongAxis(x, at)),
  subject(
    "takeAlongAxis a middle axis",
    [float(2, 4, 3), integer([-4, 3], 2, 3, 3)],
    (x, at) => takeAlongAxis(x, at, { axis: 1 }),
  ),
  subject(
    "takeAlongAxis, indices broadcast",
    [float(2, 4, 3), integer([0, 3], 1, 5, 1)],
    (x, at) => takeAlongAxis(x, at, { axis: 1 }),
  ),
  subject(
    "takeAlongAxis, x broadcasts",
    [float(1, 4, 1), integer([0, 3], 3, 2, 2)],
    (x, at) => takeAlongAxis(x, at, { axis: 1 }),
  ),
  subject(
    "scatterAdd",
    [float(2, 4, 3), integer([-4, 3], 2, 6, 3), float(2, 6, 3)],
    (x, at, y) => scatterAdd(x, at, mul(y, y), { axis: 1 }),
  ),
  subject(
    "scatterAdd, indices and updates broadcast",
    [float(2, 4, 3), integer([0, 3], 1, 6, 1), float(6, 1)],
    (x, at, y) => scatterAdd(mul(x, x), at, y, { axis: 1 }),
  ),
  subject(
    "scatterAdd, x broadcasts",
    [float(1, 4), integer([0, 3], 3, 2), float(3, 2)],
    (x, at, y) => scatterAdd(x, at, mul(y, y)),
  ),
  subject("at, a mixture", [float(3, 4, 5), integer([0, 3], 2)], (x, i) => at(mul(x, x), [{ step: -2 }, i, [1, -1]])),
  subject("at, lists apart", [float(3, 4, 2)], (x) => at(mul(x, x), [[0, 2, 2], null, [1], [1, 0, 0]])),
  subject("setAt, ranges", [float(3, 6), float(2)], (x, y) => setAt(mul(x, x), [1, { start: -1, step: -3 }], mul(y, y))),
  subject(
    "setAt, repeated indices",
    [float(4, 3), integer([0, 2], 5), float(5, 3)],
    (x, i, y) => setAt(mul(x, x), [i], mul(y, y)),
  ),
  subject(
    "setAt, a mixture",
    [float(2, 3, 4), integer([-4, 3], 3), float(3, 2)],
    (x, i, y) => setAt(x, [1, { start: 1 }, i], mul(y, y)),
  ),
  subject("addAt, ranges", [float(3, 6), float(3, 1)], (x, y) => addAt(mul(x, x), ["...", { start: 1, step: 2 }], mul(y, y))),
  subject(
    "addAt, repeated pairs",
    [float(3, 4), integer([0, 1], 6), integer([-2, 1], 6), float(6)],
    (x, i, j, y) => addAt(x, [i, j], mul(y, y)),
  ),
  subject(
    "dynamicSlice",
    [float(4, 5, 2), integer([-6, 6]), integer([-6, 6])],
    (x, i, j) => dynamicSlice(mul(x, x), [i, j, 0], [2, 3, 2]),
  ),
  subject(
    "dynamicUpdateSlice",
    [float(4, 5, 2), float(2, 3, 2), integer([-6, 6]), integer([-6, 6])],
    (x, y, i, j) => dynamicUpdateSlice(mul(x, x), mul(y, y), [i, j, 0]),
  ),
  subject(
    "dynamicSlice along outer and inner axes, one start of which is known",
    [float(3, 4, 5), integer([-6, 6])],
    (x, i) => dynamicSlice(mul(x, x), [1, 0, i], [2, 4, 3]),
  ),
  subject("dynamicSlice at known starts", [float(4, 5, 2)], (x) => dynamicSlice(mul(x, x), [9, -4, 0], [2, 3, 2])),
  subject(
    "dynamicUpdateSlice of the last axis, at known starts too",
    [float(3, 7), float(2, 3), integer([-9, 9])],
    (x, y, i) => dynamicUpdateSlice(dynamicUpdateSlice(mul(x, x), y, [1, i]), mul(y, y), [0, -5]),
  ),
  subject("dynamicUpdateSlice of all of it", [float(2, 3), float(2, 3)], (x, y) => dynamicUpdateSlice(x, mul(y, y), [0, 0])),
];

testSubjects(subjects, moves);

testOnDevices("takeAlongAxis", async () => {
  const x = tensor([[10, 30, 20], [6, 4, 5]]);
  assert.deepEqual(await toArray(takeAlongAxis(x, i32([[1, 2, 0], [0, 2, 1]]))), [[30, 20, 10], [6, 5, 4]]);
  assert.deepEqual(await toArray(takeAlongAxis(x, i32([[-1, -3, 2]]))), [[20, 10, 20], [5, 6, 5]]);
  assert.deepEqual(await toArray(takeAlongAxis(x, i32([[1, 0, 1]]), { axis: 0 })), [[6, 30, 5]]);
  assert.deepEqual(takeAlongAxis(x, zeros([2, 0], { dtype: "i32" })).shape, [2, 0]);
  assert.deepEqual(await toArray(takeAlongAxis(zeros([0, 3]), zeros([0, 2], { dtype: "u32" }))), []);
});

Deno.test("indices are known behind any number of operations that hand them on", () => {
  grad((x: Tensor) => {
    let indices = i32([0, 7]);
    for (let i = 0; i < 50_000; i++) indices = stopGradient(indices);
    assert.throws(() => take(x, indices), { name: "RangeError", message: /at 7/ });
    return sum(x);
  })(zeros([3]));
});

Deno.test("take and takeAlongAxis refuse what does not fit", () => {
  const x = zeros([2, 3]);
  assert.throws(() => takeAlongAxis(x, zeros([2, 3])), DTypeError);
  assert.throws(() => take(x, 3, { axis: 1 }), { name: "RangeError", message: /Cannot take \[2, 3\] at 3 along axis 1/ });
  assert.throws(() => take(x, 0.5), { name: "TypeError", message: /a position must be an integer/ });
  assert.throws(() => takeAlongAxis(x, i32([0, 1])), { name: "ShapeError", message: /both must have 2 axes/ });
  assert.throws(() => takeAlongAxis(x, zeros([4, 1], { dtype: "i32" })), {
    name: "ShapeError",
    message: /at axis 0 the extents differ/,
  });
  assert.throws(() => takeAlongAxis(x, i32([[0]]), { axis: 2 }), ShapeError);
  assert.throws(() => takeAlongAxis(zeros([2, 0]), i32([[0]])), { name: "ShapeError", message: /axis 1: it is empty/ });
});

testOnDevices("the last of several values stays, of several additions all", async () => {
  const indices = i32([1, 0, 1, -1, 2]);
  const values = tensor([1, NaN, 3, 4, 5]);
  assert.deepEqual(await toArray(setAt(zeros([3]), [indices], values)), [NaN, 3, 5]);
  assert.deepEqual(await toArray(setAt(zeros([3]), [indices], setAt(values, 1, 2))), [2, 3, 5]);
  assert.deepEqual(await toArray(addAt(zeros([3]), [indices], setAt(values, 1, 2))), [2, 4, 9]);
  assert.deepEqual(await toArray(scatterAdd(zeros([3]), indices, setAt(values, 1, 2))), [2, 4, 9]);
  const pulled = grad((y: Tensor) => sum(mul(setAt(zeros([3]), [indices], y), tensor([10, 20, 30]))))(values);
  assert.deepEqual(await toArray(pulled), [0, 10, 20, 0, 30]);
  // What was there does not shine through.
  assert.deepEqual(await toArray(setAt(tensor([NaN, 1]), [[0]], 2)), [2, 1]);
  assert.deepEqual(await toArray(setAt(tensor([NaN, 1]), 0, 2)), [2, 1]);
});

testOnDevices("other types are set, too", async () => {
  const bytes = tensor(new Uint8Array([1, 2, 3, 4, 5]));
  const flags = tensor([true, false, true]);
  assert.deepEqual(await toArray(setAt(bytes, [{ start: 1, step: 2 }], 255)), [1, 255, 3, 255, 5]);
  assert.deepEqual(await toArray(setAt(bytes, [[4, 0]], tensor(new Uint8Array([8, 9])))), [9, 2, 3, 4, 8]);
  assert.equal(setAt(bytes, [[4, 0]], 1).dtype, "u8");
  assert.deepEqual(await toArray(setAt(flags, [[1, 0]], tensor([true, false]))), [false, true, true]);
  assert.deepEqual(await toArray(at(flags, [[1, 0, 0]])), [false, true, true]);
  assert.deepEqual(await toArray(addAt(i32([1, 2]), [[1, 1]], i32([3, 2 ** 31 - 1]))), [1, -(2 ** 31) + 4]);
  assert.deepEqual(await toArray(addAt(tensor([1, 2]), 0, true)), [2, 2]);
  assert.deepEqual(await toArray(dynamicUpdateSlice(bytes, tensor(new Uint8Array([7, 8])), [i32(9)])), [1, 2, 3, 7, 8]);
  assert.deepEqual(await toArray(dynamicSlice(flags, [-1], [1])), [true]);
  assert.deepEqual(await toArray(at(bytes, tensor(4, { dtype: "u32" }))), 5);
});

testOnDevices("nothing is chosen, set or added", async () => {
  const x = tensor([[1, 2], [3, 4]]);
  assert.deepEqual(await toArray(at(x, [[]])), []);
  assert.deepEqual(at(x, [":", { start: 2 }]).shape, [2, 0]);
  assert.deepEqual(await toArray(setAt(x, [[]], 5)), [[1, 2], [3, 4]]);
  assert.deepEqual(await toArray(setAt(x, { start: 2 }, 5)), [[1, 2], [3, 4]]);
  assert.deepEqual(await toArray(addAt(x, [":", []], 5)), [[1, 2], [3, 4]]);
  assert.deepEqual(await toArray(setAt(x, [], 5)), [[5, 5], [5, 5]]);
  assert.deepEqual(await toArray(setAt(x, [{ step: -1 }], tensor([[1], [2]]))), [[2, 2], [1, 1]]);
  assert.deepEqual(await toArray(at(7, [])), 7);
  assert.deepEqual(at(zeros([0, 2]), [":", [1, 0, 1]]).shape, [0, 3]);
});

testOnDevices("an index that is known on the device only compiles once", async () => {
  const step = jit((x: Tensor, i: Tensor) => dynamicUpdateSlice(x, add(dynamicSlice(x, [i], [1]), 1), [i]));
  let x = zeros([3]);
  for (const i of [0, 2, 2, 1, 5]) x = step(x, i32(i));
  assert.deepEqual(await toArray(x), [1, 1, 3]);
});

testOnDevices("many rows, some of them often: sums of integers are exact", async () => {
  const [rows, count, width] = [3000, 5000, 8];
  const indices = Int32Array.from({ length: count }, (_, i) => i % 3 === 0 ? 5 : (i * 7919) % rows);
  const expected = new Float64Array(rows * width);
  const last = new Float64Array(rows * width);
  indices.forEach((row, i) => {
    for (let j = 0; j < width; j++) last[row * width + j] = (expected[row * width + j] += i + j, i + j);
  });
  const values = Float32Array.from({ length: count * width }, (_, at) => Math.floor(at / width) + at % width);
  const [x, y] = [zeros([rows, width]), tensor(values, { shape: [count, width] })];
  assert.deepEqual(Float64Array.from(await data(addAt(x, [tensor(indices)], y))), expected);
  assert.deepEqual(Float64Array.from(await data(setAt(x, [tensor(indices)], y))), last);
});

Deno.test("what is no index is refused", () => {
  const x = zeros([2, 3]);
  const refused = (indices: unknown, name: string, message: RegExp) =>
    assert.throws(() => at(x, indices as Indices), { name, message });
  refused([2], "RangeError", /at 2 along axis 0: positions are -2 to 1/);
  refused([0, [0, -4]], "RangeError", /at -4 along axis 1: positions are -3 to 2/);
  refused([0, 0, 0], "ShapeError", /there are 3 indices for 2 axes/);
  refused(["...", 0, "..."], "ShapeError", /several "\.\.\."/);
  refused([0.5], "TypeError", /at 0.5: a position must be an integer/);
  refused([[0, "1"]], "TypeError", /at 1: a position must be an integer/);
  refused(["1:"], "TypeError", /by "1:": use a number/);
  refused([true], "TypeError", /by true: use a number/);
  refused([{ step: 0 }], "RangeError", /step 0/);
  refused([[0, 1], [0, 1, 2]], "ShapeError", /Cannot index by lists of shapes \[2\] and \[3\]/);
  refused([tensor([0.5])], "DTypeError", /type f32: they must be integers, use cast/);
  refused([tensor([true, false])], "DTypeError", /choose by a mask with where/);
  assert.throws(() => at(zeros([0]), 0), { name: "ShapeError", message: /it is empty/ });
  assert.throws(() => at(zeros([0]), i32(0)), { name: "ShapeError", message: /along axis 0: it is empty/ });
});

Deno.test("values that do not fit are refused", () => {
  const x = zeros([2, 3]);
  assert.throws(() => setAt(x, 0, zeros([2])), { name: "ShapeError", message: /shape \[2\] to positions of shape \[3\]/ });
  assert.throws(() => addAt(x, [0, 0], zeros([1])), { name: "ShapeError", message: /shape \[1\] to positions of shape \[\]/ });
  assert.throws(() => setAt(i32([1, 2]), 0, 0.5), { name: "DTypeError", message: /set the number 0.5 to a tensor of type i32/ });
  assert.throws(() => setAt(i32([1, 2]), 0, tensor(1)), {
    name: "DTypeError",
    message: /values of type f32 to a tensor of type i32/,
  });
  assert.throws(() => addAt(tensor([true]), 0, true), DTypeError);
  assert.throws(() => scatterAdd(x, i32([0]), 1), { name: "ShapeError", message: /both must have 2 axes/ });
  // Nor is it told that a row's number is no column.
  assert.throws(() => scatterAdd(x, i32([99]), 1), { name: "ShapeError", message: /whole rows are .* added to by addAt/ });
  assert.throws(() => dynamicSlice(x, [0], [1, 1]), { name: "ShapeError", message: /one per axis/ });
  assert.throws(() => dynamicSlice(x, [0, 0], [1, 4]), { name: "ShapeError", message: /along axis 1 there are 0 to 3/ });
  assert.throws(() => dynamicSlice(x, [0.5, 0], [1, 1]), { name: "DTypeError", message: /along axis 0: it must be an integer/ });
  assert.throws(() => dynamicSlice(x, [0, i32([1])], [1, 1]), { name: "ShapeError", message: /it must be a scalar/ });
  assert.throws(() => dynamicUpdateSlice(x, zeros([3, 3]), [0, 0]), ShapeError);
  assert.throws(() => dynamicUpdateSlice(x, i32([[1]]), [0, 0.5]), DTypeError);
});

testOnDevices("a mask chooses with where", async () => {
  const x = tensor([1, -2, 3]);
  const mask = tensor([false, true, false]);
  assert.deepEqual(await toArray(where(mask, 0, x)), [1, 0, 3]);
  assert.deepEqual(await toArray(take(x, i32([[2, 0]]))), [[3, 1]]);
});
