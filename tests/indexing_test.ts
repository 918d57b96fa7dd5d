/** Choosing by index: the laws, values at the edges, and what is refused. */
import assert from "node:assert/strict";
import { DTypeError, ShapeError, takeAlong, type Tensor, tensor, toArray, zeros } from "../mod.ts";
import type { Tolerance } from "./close.ts";
import { testDevices } from "./devices.ts";
import { testOnDevices } from "./each_device.ts";
import { checkDerivatives, checkDevice, checkVmap, type Subject } from "./laws.ts";
import type { Input } from "./op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const integer = (range: readonly [number, number], ...shape: number[]): Input => ({
  shape,
  domain: "integer",
  dtype: "i32",
  range,
});
const i32 = (values: readonly number[] | readonly (readonly number[])[]): Tensor => tensor(values, { dtype: "i32" });

const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

const subjects: readonly Subject[] = [
  subject("takeAlong the last axis", [float(3, 4), integer([-4, 3], 3, 2)], (x, at) => takeAlong(x, at)),
  subject("takeAlong a middle axis", [float(2, 4, 3), integer([-5, 5], 2, 3, 3)], (x, at) => takeAlong(x, at, { axis: 1 })),
  subject("takeAlong, indices stretch", [float(2, 4, 3), integer([0, 3], 1, 5, 1)], (x, at) => takeAlong(x, at, { axis: 1 })),
  subject("takeAlong, x stretches", [float(1, 4, 1), integer([0, 3], 3, 2, 2)], (x, at) => takeAlong(x, at, { axis: 1 })),
];

/** Chosen elements are copies, and few are added up. */
const tolerances: Readonly<Record<string, Tolerance>> = {
  f32: { relative: 2e-6, absolute: 2e-6 },
  f64: { relative: 1e-14, absolute: 1e-14 },
};

for (const each of subjects) {
  Deno.test(`${each.name}: derivatives, vmap, jit, devices`, async () => {
    await checkDerivatives(each);
    await checkVmap(each, 3);
    for (const { device } of testDevices) await checkDevice(each, device, tolerances);
  });
}

testOnDevices("takeAlong", async () => {
  const x = tensor([[10, 30, 20], [6, 4, 5]]);
  assert.deepEqual(await toArray(takeAlong(x, i32([[1, 2, 0], [0, 2, 1]]))), [[30, 20, 10], [6, 5, 4]]);
  assert.deepEqual(await toArray(takeAlong(x, i32([[-1, -9, 9]]))), [[20, 10, 20], [5, 6, 5]]);
  assert.deepEqual(await toArray(takeAlong(x, i32([[1, 0, 1]]), { axis: 0 })), [[6, 30, 5]]);
  assert.deepEqual(takeAlong(x, zeros([2, 0], { dtype: "i32" })).shape, [2, 0]);
  assert.deepEqual(await toArray(takeAlong(zeros([0, 3]), zeros([0, 2], { dtype: "u32" }))), []);
});

Deno.test("takeAlong refuses what does not fit", () => {
  const x = zeros([2, 3]);
  assert.throws(() => takeAlong(x, zeros([2, 3])), DTypeError);
  assert.throws(() => takeAlong(x, i32([0, 1])), { name: "ShapeError", message: /both must have 2 axes/ });
  assert.throws(() => takeAlong(x, zeros([4, 1], { dtype: "i32" })), {
    name: "ShapeError",
    message: /at axis 0 the extents differ/,
  });
  assert.throws(() => takeAlong(x, i32([[0]]), { axis: 2 }), ShapeError);
  assert.throws(() => takeAlong(zeros([2, 0]), i32([[0]])), { name: "ShapeError", message: /axis 1: it is empty/ });
});
