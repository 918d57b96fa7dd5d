/** Rearranging, cutting and joining: the laws, values, and what is refused. */
import assert from "node:assert/strict";
import {
  arange,
  chunk,
  concat,
  expandDims,
  flip,
  moveAxis,
  mul,
  pad,
  repeat,
  reshape,
  roll,
  ShapeError,
  slice,
  split,
  squeeze,
  stack,
  swapAxes,
  type Tensor,
  tensor,
  tile,
  toArray,
  unstack,
  zeros,
} from "../../../mod.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { moves, testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });

const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

/** Squared first, so that the second derivative is there to be checked. */
const squared = (name: string, shape: readonly number[], f: (x: Tensor) => Tensor): Subject =>
  subject(name, [float(...shape)], (x) => f(mul(x, x)));

const subjects: readonly Subject[] = [
  squared("slice backwards", [2, 7], (x) => slice(x, { axis: 1, start: -2, stop: 0, step: -2 })),
  subject("split and stack", [float(2, 6)], (x) => stack(split(mul(x, x), 3, { axis: 1 }))),
  squared("split by sizes", [5, 2], (x) => concat(split(x, [3, 0, 2]).reverse())),
  squared("chunk", [5, 2], (x) => concat(chunk(x, 3).reverse())),
  squared("unstack", [2, 3, 2], (x) => stack(unstack(x, { axis: 1 }).reverse())),
  squared("swapAxes and moveAxis", [2, 3, 4], (x) => moveAxis(swapAxes(x, 0, 2), [0, 1], [-1, 0])),
  squared("repeat", [2, 3], (x) => repeat(x, 2, { axis: 1 })),
  squared("repeat by counts", [2, 3], (x) => repeat(x, [2, 0, 3], { axis: -1 })),
  squared("repeat flat", [2, 2], (x) => repeat(x, 2)),
  squared("tile", [2, 1, 3], (x) => tile(x, [2, 1, 3, 2])),
  squared("roll", [3, 4], (x) => roll(x, [1, -2], { axis: [0, 1] })),
  squared("roll flat", [2, 3], (x) => roll(x, 7)),
  squared("pad reflect", [1, 4, 3], (x) => pad(x, { low: [0, 3, 1], high: [0, 1, 2], mode: "reflect" })),
  squared("pad replicate", [1, 2, 3], (x) => pad(x, { low: [2, 3, 1], high: [0, 1, 2], mode: "replicate" })),
  squared("pad circular", [2, 3], (x) => pad(x, { low: [2, 0], high: [0, 3], mode: "circular" })),
];

testSubjects(subjects, moves);

async function assertValues(cases: readonly (readonly [string, Tensor, unknown])[]): Promise<void> {
  for (const [name, x, expected] of cases) assert.deepEqual(await toArray(x), expected, name);
}

testOnDevices("slices are Python's", async () => {
  const x = arange(6);
  await assertValues([
    ["::-1", slice(x, { step: -1 }), [5, 4, 3, 2, 1, 0]],
    ["::-2", slice(x, { step: -2 }), [5, 3, 1]],
    ["4:1:-1", slice(x, { start: 4, stop: 1, step: -1 }), [4, 3, 2]],
    ["-2:-9:-3", slice(x, { start: -2, stop: -9, step: -3 }), [4, 1]],
    ["9::-4", slice(x, { start: 9, step: -4 }), [5, 1]],
    ["1:4:-1", slice(x, { start: 1, stop: 4, step: -1 }), []],
    ["-9:9:4", slice(x, { start: -9, stop: 9, step: 4 }), [0, 4]],
    ["4:2", slice(x, { start: 4, stop: 2 }), []],
    ["of nothing", slice(arange(0), { step: -1 }), []],
    ["of bytes", slice(tensor(new Uint8Array([1, 2, 3])), { step: -2 }), [3, 1]],
  ]);
});

testOnDevices("joining and cutting", async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  const flags = tensor([true, false]);
  await assertValues([
    ["a piece of none", split(x, [0, 2])[0], []],
    ["chunk of few", stack(chunk(arange(2), 5)), [[0], [1]]],
    ["repeat 0", repeat(x, 0, { axis: 1 }), [[], []]],
    ["repeat a scalar", repeat(7, 3), [7, 7, 7]],
    ["repeat flags", repeat(flags, [1, 2], { axis: 0 }), [true, false, false]],
    ["tile a scalar", tile(2, [2, 2]), [[2, 2], [2, 2]]],
    ["tile none", tile(x, [0, 1]), []],
    ["tile rows", tile(x, [1, 2]), [[1, 2, 3, 1, 2, 3], [4, 5, 6, 4, 5, 6]]],
    ["roll by more than there is", roll(x, -4, { axis: 1 }), [[2, 3, 1], [5, 6, 4]]],
    ["roll nothing", roll(zeros([0, 2]), 3, { axis: 0 }), []],
    ["roll one axis twice", roll(arange(4), [1, 2], { axis: [0, 0] }), [1, 2, 3, 0]],
    ["pad flags", pad(flags, { low: [2], high: [0], mode: "circular" }), [true, false, true, false]],
    ["pad an empty axis with a constant", pad(zeros([0]), { low: [1], high: [1], value: 3 }), [3, 3]],
    ["flip of a piece", flip(unstack(x)[1]), [6, 5, 4]],
  ]);
  assert.deepEqual(chunk(zeros([0, 2]), 3).map(({ shape }) => shape), [[0, 2], [0, 2], [0, 2]]);
  assert.deepEqual(expandDims(x, { axis: [1, -1, 0] }).shape, [1, 1, 2, 3, 1]);
  assert.deepEqual(squeeze(zeros([1, 2, 1, 1]), { axis: [0, -1] }).shape, [2, 1]);
  assert.deepEqual(moveAxis(zeros([2, 3, 4, 5]), [2, 0], [0, -1]).shape, [4, 3, 5, 2]);
});

Deno.test("what cannot be rearranged, cut or joined is refused", () => {
  const x = zeros([2, 3]);
  const shape = (f: () => unknown, message: RegExp) => assert.throws(f, { name: "ShapeError", message });
  shape(() => reshape(x, [-1, -1]), /only one extent may be -1/);
  shape(() => reshape(zeros([0, 3]), [0, -1]), /-1 could be anything beside an extent of 0/);
  shape(() => concat([x, x, zeros([3, 2])]), /tensor 2 of 3 has shape \[3, 2\], the first \[2, 3\]/);
  shape(() => stack([x, zeros([3])]), /tensor 1 of 2 has shape \[3\], the first \[2, 3\]/);
  shape(() => stack([]), /empty list/);
  shape(() => split(x, 2, { axis: 1 }), /its extent 3 is no multiple, use chunk/);
  shape(() => split(x, [1, 1], { axis: 1 }), /they add up to 2, its extent is 3/);
  shape(() => split(x, [4, -1], { axis: 1 }), /at least 0/);
  shape(() => repeat(x, [1, 2], { axis: 1 }), /3 numbers of at least 0/);
  shape(() => tile(x, [-1]), /at least 0/);
  shape(() => roll(x, [1, 2], { axis: 0 }), /one shift per axis/);
  shape(() => expandDims(x, { axis: [0, 0] }), /named twice/);
  shape(() => moveAxis(x, [0, 0], [1, 0]), /named twice/);
  shape(
    () => pad(x, { low: [2, 0], high: [0, 0], mode: "reflect" }),
    /axis 0 of \[2, 3\] by 2 in mode "reflect": its extent allows 1/,
  );
  shape(() => pad(x, { low: [0, 0], high: [0, 4], mode: "circular" }), /its extent allows 3/);
  shape(() => pad(zeros([0]), { low: [1], high: [0], mode: "replicate" }), /its extent allows 0/);
  assert.throws(() => pad(x, { low: [0, 0], high: [0, 0], interior: [1, 0], mode: "reflect" }), RangeError);
  assert.throws(() => chunk(x, 0), RangeError);
  assert.throws(() => roll(x, 0.5), RangeError);
  assert.throws(() => slice(x, { step: 0 }), RangeError);
  assert.throws(() => slice(x, { stop: 1.5 }), RangeError);
  assert.throws(() => concat([1, 2]), ShapeError);
});
