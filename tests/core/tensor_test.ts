/** Tensors as users see them: made, printed, seen in other arrangements, and refused with the facts. */
import assert from "node:assert/strict";
import {
  add,
  arange,
  argmax,
  bitwiseAnd,
  broadcastTo,
  cast,
  concat,
  conv2d,
  crossEntropy,
  data,
  div,
  type DType,
  DTypeError,
  expandDims,
  eye,
  flatten,
  flip,
  full,
  item,
  jit,
  matmul,
  max,
  maxPool2d,
  mean,
  mul,
  ones,
  OptionError,
  pad,
  permute,
  pow,
  realize,
  reshape,
  ShapeError,
  shiftLeft,
  show,
  slice,
  squeeze,
  stack,
  sub,
  sum,
  take,
  type Tensor,
  tensor,
  toArray,
  transpose,
  treeMap,
  where,
  zeros,
} from "../../mod.ts";
import { testOnDevices } from "../support/each_device.ts";
import { withFacts } from "../support/with_facts.ts";

const onReference = (name: string, run: () => void | Promise<void>) => testOnDevices(name, run, ["reference"]);

testOnDevices("tensors from numbers, nested arrays and typed arrays", async () => {
  const cases: readonly [Tensor, DType, readonly number[], unknown][] = [
    [tensor(2.5), "f32", [], 2.5],
    [tensor([[1, 2, 3], [4, 5, 6]]), "f32", [2, 3], [[1, 2, 3], [4, 5, 6]]],
    [tensor([[true, false]]), "bool", [1, 2], [[true, false]]],
    [tensor([2, -2], { dtype: "i32" }), "i32", [2], [2, -2]],
    [tensor(Int32Array.of(1, -2, 3, -4), { shape: [2, 2] }), "i32", [2, 2], [[1, -2], [3, -4]]],
    [tensor(Uint32Array.of(2 ** 32 - 1)), "u32", [1], [2 ** 32 - 1]],
    [tensor(Uint8Array.of(0, 255)), "u8", [2], [0, 255]],
    [tensor([]), "f32", [0], []],
    [tensor([[], []]), "f32", [2, 0], [[], []]],
    [zeros([2]), "f32", [2], [0, 0]],
    [ones([1, 2], { dtype: "i32" }), "i32", [1, 2], [[1, 1]]],
    [full([2], -0.5), "f32", [2], [-0.5, -0.5]],
    [full([2], true), "bool", [2], [true, true]],
    [eye(2), "f32", [2, 2], [[1, 0], [0, 1]]],
    [arange(4), "i32", [4], [0, 1, 2, 3]],
    [arange(1, 10, 4), "i32", [3], [1, 5, 9]],
    [arange(3, 0, -1), "i32", [3], [3, 2, 1]],
    [arange(0, 1, 0.25), "f32", [4], [0, 0.25, 0.5, 0.75]],
    [arange(5, 5), "i32", [0], []],
  ];
  for (const [x, dtype, shape, values] of cases) {
    assert.deepEqual([x.dtype, x.shape], [dtype, shape]);
    assert.deepEqual(await toArray(x), values);
    assert.deepEqual([x.rank, x.size], [shape.length, shape.reduce((product, extent) => product * extent, 1)]);
  }
});

onReference("what was passed in may be changed afterwards, what comes out too", async () => {
  const values = Float32Array.of(1, 2);
  const x = tensor(values);
  values[0] = 99;
  const read = await data(x);
  assert.deepEqual([...read], [1, 2]);
  read[0] = 99;
  assert.deepEqual([...await data(x)], [1, 2]);
  assert.throws(() => (x as unknown as { shape: number[] }).shape = [1], TypeError);
  assert.throws(() => (x.shape as number[]).push(1), TypeError);
});

onReference("values that make no tensor are refused", () => {
  assert.throws(() => tensor([[1, 2], [3]]), withFacts(ShapeError, { path: [1], shapes: [[2], [1]] }));
  assert.throws(() => tensor([[1], 2]), ShapeError);
  assert.throws(() => tensor([1, 2, 3], { shape: [2, 2] }), withFacts(ShapeError, { size: 3, shape: [2, 2] }));
  assert.throws(() => zeros([2, -1]), withFacts(ShapeError, { shape: [2, -1] }));
  assert.throws(() => zeros([1.5]), ShapeError);
  assert.throws(() => tensor(["1"] as unknown as number[]), TypeError);
  assert.throws(() => tensor(new BigInt64Array(1) as unknown as Int32Array), /BigInt64Array/);
  assert.throws(() => zeros(3 as unknown as number[]), /a shape is a list of extents, such as \[3\]/);
  assert.throws(() => tensor([1], { dtype: "float32" as DType }), withFacts(DTypeError, { dtype: "float32" }));
  // Integers that the integers of a tensor cannot hold would become others.
  assert.throws(() => mul(tensor([1], { dtype: "u32" }), -1), withFacts(DTypeError, { dtype: "u32", value: -1 }));
  assert.throws(() => mul(tensor([1], { dtype: "i32" }), 3e9), withFacts(DTypeError, { dtype: "i32", value: 3e9 }));
  assert.throws(() => arange(0, 1, 0), RangeError);
  for (const wrong of [{ type: "f64" }, { dtype: "f64", step: 1 }]) {
    for (const numbers of [[3], [0, 3], [0, 3, 1]]) {
      const given = [...numbers, wrong] as unknown as [number];
      assert.throws(() => arange(...given), OptionError, JSON.stringify(given));
    }
  }
  assert.throws(() => add([1, 2] as unknown as Tensor, 1), /Cannot use \[1, 2\] as a tensor/);
});

onReference("tensors print as people read them", () => {
  const cases: readonly [Tensor, string][] = [
    [tensor(3), "tensor(3., f32[])"],
    [tensor([1.5, -2, 0.001]), "tensor([ 1.5000, -2.0000,  0.0010], f32[3])"],
    [tensor([[1, 2], [30, 4]]), "tensor([[ 1.,  2.],\n        [30.,  4.]], f32[2, 2])"],
    [tensor([1e-8, 1]), "tensor([1.0000e-8, 1.0000e+0], f32[2])"],
    [tensor([NaN, 1, -Infinity]), "tensor([ nan,   1., -inf], f32[3])"],
    [tensor(Uint32Array.of(1797259609, 2579123966)), "tensor([1797259609, 2579123966], u32[2])"],
    [tensor(Int32Array.of(-2147483648, 7)), "tensor([-2147483648,           7], i32[2])"],
    [tensor([true, false]), "tensor([ true, false], bool[2])"],
    [zeros([0, 3]), "tensor([], f32[0, 3])"],
    [reshape(arange(4), [2, 1, 2]), "tensor([[[0, 1]],\n\n        [[2, 3]]], i32[2, 1, 2])"],
    [arange(2000), "tensor([   0,    1,    2, ..., 1997, 1998, 1999], i32[2000])"],
  ];
  for (const [x, text] of cases) assert.equal(show(x), text);
  assert.equal(Deno.inspect({ x: tensor([1, 2]) }), "{ x: tensor([1., 2.], f32[2]) }");
  const matrix = show(zeros([2000, 2000])).split("\n");
  assert.equal(matrix.length, 7, "the first and last rows and dots between");
  assert.ok(matrix.every((line) => line.length < 80));
  const rows = ["[]", "[]", "[]", "...", "[]", "[]", "[]"].join(",\n        ");
  assert.equal(show(zeros([2 ** 31 - 1, 0])), `tensor([${rows}], f32[2147483647, 0])`);
  // Axes too short to be shortened: more numbers than a call has arguments.
  const cube = show(add(zeros(new Array(7).fill(6)), 0.5));
  assert.equal(cube.match(/0\.5000/g)?.length, 6 ** 7);
  jit((x: Tensor) => {
    assert.equal(show(add(x, 1)), "tensor(<being traced: see debug.print>, f32[2])");
    return x;
  })(tensor([1, 2]));
});

testOnDevices("using gives memory back at the end of a block", async () => {
  let outside: Tensor;
  {
    using x = realize(mul(tensor([1, 2]), 2));
    assert.deepEqual(await toArray(x), [2, 4]);
    outside = x;
  }
  assert.throws(() => data(outside));
  using pending = add(tensor(1), 1);
  assert.equal(await item(pending), 2);
});

testOnDevices("numbers adapt to tensors, and types meet in the wider one", async () => {
  const [i, u, f, b, bytes] = [
    tensor([1, 2], { dtype: "i32" }),
    tensor([1, 2], { dtype: "u32" }),
    tensor([1, 2]),
    tensor([true, false]),
    tensor(Uint8Array.of(1, 2)),
  ];
  const cases: readonly [Tensor, DType][] = [
    [add(i, 1), "i32"],
    [add(i, 1.5), "f32"],
    [add(u, 1), "u32"],
    [add(f, 1), "f32"],
    [add(1, 2), "f32"],
    [add(i, f), "f32"],
    [add(b, i), "i32"],
    [add(b, f), "f32"],
    [mul(bytes, f), "f32"],
    [add(bytes, i), "i32"],
    [div(i, i), "f32"],
    [pow(i, 2), "f32"],
    [pow(i, 3), "f32"],
    [where(b, i, 0), "i32"],
    [where(b, 1, f), "f32"],
    [sum(b), "i32"],
    [mean(i), "f32"],
    [cast(3, "i32"), "i32"],
    [add(cast(3, "f32"), i), "f32"],
    [add(sub(3, 1), u), "f32"],
    [concat([i, f]), "f32"],
    [argmax(f), "i32"],
  ];
  for (const [x, dtype] of cases) assert.equal(x.dtype, dtype);
  await Promise.all(cases.map(([x]) => data(x)));
  assert.deepEqual(await toArray(add(i, 1.5)), [2.5, 3.5]);
  assert.throws(() => add(i, u), withFacts(DTypeError, { dtypes: ["i32", "u32"] }));
});

onReference("64-bit floats stay what they are", async () => {
  const x = tensor([0.1], { dtype: "f64" });
  assert.equal(add(x, 0.2).dtype, "f64");
  assert.deepEqual([...await data(add(x, 0.2))], [0.1 + 0.2]);
  assert.equal(add(x, tensor([1])).dtype, "f64");
});

testOnDevices("parts and arrangements of tensors", async () => {
  const x = reshape(arange(6), [2, 3]); // [[0, 1, 2], [3, 4, 5]]
  const cases: readonly [Tensor, unknown][] = [
    [slice(x, { start: 1 }), [[3, 4, 5]]],
    [slice(x, { axis: 1, start: -2 }), [[1, 2], [4, 5]]],
    [slice(x, { axis: -1, step: 2 }), [[0, 2], [3, 5]]],
    [slice(x, { axis: 1, start: 2, stop: 1 }), [[], []]],
    [slice(x, { start: -9, stop: 9 }), [[0, 1, 2], [3, 4, 5]]],
    [transpose(x), [[0, 3], [1, 4], [2, 5]]],
    [permute(reshape(x, [1, 2, 3]), [2, 0, 1]), [[[0, 3]], [[1, 4]], [[2, 5]]]],
    [reshape(x, [3, -1]), [[0, 1], [2, 3], [4, 5]]],
    [reshape(transpose(x), [6]), [0, 3, 1, 4, 2, 5]],
    [flatten(reshape(x, [1, 2, 3]), { start: 1 }), [[0, 1, 2, 3, 4, 5]]],
    [flip(x), [[5, 4, 3], [2, 1, 0]]],
    [flip(x, { axis: 1 }), [[2, 1, 0], [5, 4, 3]]],
    [flip(slice(x, { axis: 1, step: 2 }), { axis: [0] }), [[3, 5], [0, 2]]],
    [squeeze(expandDims(x, { axis: 1 })), [[0, 1, 2], [3, 4, 5]]],
    [broadcastTo(slice(x, { axis: 1, stop: 1 }), [2, 2]), [[0, 0], [3, 3]]],
    [broadcastTo(tensor(7), [1, 2]), [[7, 7]]],
    [pad(x, { low: [0, 1], high: [1, 0] }), [[0, 0, 1, 2], [0, 3, 4, 5], [0, 0, 0, 0]]],
    [pad(arange(3), { low: [1], high: [0], interior: [1], value: 9 }), [9, 0, 9, 1, 9, 2]],
    [concat([x, x], { axis: 1 }), [[0, 1, 2, 0, 1, 2], [3, 4, 5, 3, 4, 5]]],
    [concat([x, zeros([0, 3], { dtype: "i32" })]), [[0, 1, 2], [3, 4, 5]]],
    [stack([arange(2), arange(2, 4)], { axis: 1 }), [[0, 2], [1, 3]]],
    [take(x, add(tensor([1, -2, 9, -9], { dtype: "i32" }), 0)), [[3, 4, 5], [0, 1, 2], [3, 4, 5], [0, 1, 2]]],
    [take(x, 1, { axis: 1 }), [1, 4]],
    [take(x, tensor([[0, 2]], { dtype: "i32" }), { axis: -1 }), [[[0, 2]], [[3, 5]]]],
    [add(reshape(arange(2), [2, 1]), arange(3)), [[0, 1, 2], [1, 2, 3]]],
    [matmul(x, arange(3)), [5, 14]],
    [matmul(arange(2), x), [3, 4, 5]],
  ];
  for (const [each, values] of cases) assert.deepEqual(await toArray(each), values);
});

onReference("shapes that do not fit are refused, with the facts", () => {
  const [a, b] = [zeros([2, 3]), zeros([4, 3])];
  assert.throws(() => add(a, b), withFacts(ShapeError, { shapes: [[2, 3], [4, 3]], axis: -2 }));
  assert.throws(() => matmul(a, b), withFacts(ShapeError, { shapes: [[2, 3], [4, 3]] }));
  assert.throws(() => matmul(zeros([32, 784]), zeros([512, 10])), {
    message: "Cannot matmul [32, 784] by [512, 10]: the last axis of the left (784) must equal the first axis of the right (512)",
  });
  assert.throws(() => matmul(a, 2), ShapeError);
  assert.throws(() => reshape(a, [4, 2]), withFacts(ShapeError, { shape: [2, 3], to: [4, 2] }));
  assert.throws(() => reshape(a, [-1, 4]), ShapeError);
  assert.throws(() => reshape(a, [-1, -1]), ShapeError);
  assert.throws(() => broadcastTo(a, [3]), ShapeError);
  assert.throws(() => broadcastTo(a, [2, 1]), ShapeError);
  assert.throws(() => concat([a, zeros([2, 4])]), withFacts(ShapeError, { axis: 0 }));
  assert.throws(() => concat([]), ShapeError);
  assert.throws(() => stack([a, b]), ShapeError);
  assert.throws(() => sum(a, { axis: 2 }), withFacts(ShapeError, { axis: 2, rank: 2 }));
  assert.throws(() => sum(a, { axis: [0, -2] }), ShapeError);
  assert.throws(() => permute(a, [0, 0]), ShapeError);
  assert.throws(() => squeeze(a, { axis: 0 }), withFacts(ShapeError, { shape: [2, 3], axis: 0 }));
  assert.throws(() => pad(a, { low: [1], high: [1, 1] }), ShapeError);
  assert.throws(() => slice(a, { step: 0 }), RangeError);
  assert.throws(() => slice(a, { start: 0.5 }), RangeError);
  assert.throws(() => max(zeros([3, 0]), { axis: 1 }), withFacts(ShapeError, { shape: [3, 0], axis: [1] }));
  assert.throws(() => argmax(zeros([0])), ShapeError);
  assert.throws(() => take(zeros([0]), 0), ShapeError);
  assert.throws(() => item(a), withFacts(ShapeError, { shape: [2, 3] }));
  assert.throws(() => conv2d(zeros([64, 28, 28]), zeros([8, 1, 3, 3])), {
    message: "Cannot apply conv2d to input [64, 28, 28]: it needs 4 axes [batch, channels, height, width], add one with " +
      "reshape(x, [64, 1, 28, 28])",
  });
  assert.throws(() => conv2d(zeros([1, 3, 8, 8]), zeros([8, 2, 3, 3])), ShapeError);
  assert.throws(() => conv2d(zeros([1, 1, 2, 2]), zeros([1, 1, 3, 3])), ShapeError);
  assert.throws(() => maxPool2d(zeros([1, 1, 4, 4]), { kernel: 2, padding: 2 }), RangeError);
  assert.throws(() => crossEntropy(zeros([4, 10]), zeros([3], { dtype: "i32" })), ShapeError);
  assert.throws(() => treeMap((x, y) => add(x, y), { a, b }, { a }), withFacts(ShapeError, { path: "b" }));
});

onReference("types that do not fit are refused, with the facts", () => {
  const [f, i, b] = [zeros([2]), zeros([2], { dtype: "i32" }), zeros([2], { dtype: "bool" })];
  assert.throws(() => bitwiseAnd(f, 1), withFacts(DTypeError, { dtype: "f32" }));
  assert.throws(() => shiftLeft(b, b), withFacts(DTypeError, { dtype: "bool" }));
  assert.throws(() => add(b, b), withFacts(DTypeError, { dtype: "bool" }));
  assert.throws(() => take(f, f), withFacts(DTypeError, { dtype: "f32" }));
  assert.throws(() => crossEntropy(zeros([2, 3]), f), withFacts(DTypeError, { dtype: "f32" }));
  assert.throws(() => conv2d(zeros([1, 1, 3, 3], { dtype: "i32" }), zeros([1, 1, 1, 1], { dtype: "i32" })), DTypeError);
  assert.doesNotThrow(() => bitwiseAnd(b, b));
  assert.doesNotThrow(() => shiftLeft(i, 3));
});

onReference("a record whose keys hold dots is a tree like any other", async () => {
  const state = { "conv1.weight": tensor([1, 2]), "conv1.bias": tensor(3) };
  const doubled = treeMap((x, y) => add(x, y), state, state);
  assert.deepEqual(await toArray(doubled["conv1.weight"]), [2, 4]);
  assert.equal(await item(doubled["conv1.bias"]), 6);
});

Deno.test("what a tensor is cannot be changed", () => {
  const x = ones([2, 3]);
  for (const name of ["shape", "dtype", "weak", "serial", "rank", "size"]) {
    assert.throws(() => Object.assign(x, { [name]: 1 }), TypeError, name);
  }
  assert.throws(() => (x.shape as number[])[0] = 3, TypeError);
  assert.deepEqual(x.shape, [2, 3]);
});

Deno.test("what makes no tensor is shown with its place, and tensors in a list are to be stacked", () => {
  const said = (value: unknown, reason: RegExp) => assert.throws(() => tensor(value as never), reason);
  said(undefined, /^TypeError: Cannot make a tensor from undefined: numbers are needed$/);
  said([1, "2"], /from "2" at \[1\]: numbers are needed$/);
  said([[tensor(1)]], /from Tensor\(f32\[\]\) at \[0, 0\]: numbers are needed; stack\(\[x, y\]\) makes one of tensors$/);
});

Deno.test("only tensors are read", () => {
  assert.throws(() => data(3 as never), /Cannot read values with data of 3, only of a tensor/);
  assert.throws(() => item(null as never), /Cannot read values with item of null/);
  assert.throws(() => toArray(Promise.resolve(tensor(1)) as never), /of a Promise, which must be awaited first$/);
});
