/**
 * From graphs to kernels, rule by rule: what is read through, and what is kept in memory. (What is merged afterwards: fuse_test.ts.)
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  abs,
  add,
  arange,
  concat,
  exp,
  matmul,
  max,
  mul,
  pad,
  permute,
  reshape,
  sin,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  transpose,
} from "../../../mod.ts";
import { checkText } from "./by_hand.ts";
import { type Argument, f32, lowered } from "./graphs.ts";

function checkLowered(f: (...xs: Tensor[]) => Tensor | readonly Tensor[], args: readonly Argument[], expected: string): void {
  checkText(lowered(f, args), expected);
}

Deno.test("a chain of elementwise operations is one kernel, constants and broadcasts within", () => {
  checkLowered(
    (x, b) => mul(add(exp(x), b), 3),
    [f32(2, 3), f32(3)],
    `
      kernel 0: map [2, 3]
        load0 f32:input0#0+0[3,1]
        load1 f32:input1#1+0[0,1]
        store f32:output0#2+0[3,1] = mul(add(exp(load0), load1), 3)
    `,
  );
});

Deno.test("a reduction reads its elements through what they are made of", () => {
  checkLowered(
    (x) => sum(mul(x, x), { axis: 1 }),
    [f32(2, 3)],
    `
      kernel 0: reduce [2] over [3]
        operand f32:input0#0+0[3,1]
        sum mul(load0, load0)
        store f32:output0#1+0[1] = result0
    `,
  );
});

Deno.test("views are strides: transposed, cut, turned and broadcast", () => {
  checkLowered(
    (x) => add(transpose(slice(x, { start: 1 })), 1),
    [f32(3, 4)],
    `
      kernel 0: map [4, 2]
        load0 f32:input0#0+4[1,4]
        store f32:output0#1+0[2,1] = add(load0, 1)
    `,
  );
});

Deno.test("what strides cannot say is kept in memory: a transposed matrix as a list", () => {
  checkLowered(
    (x) => sin(reshape(transpose(add(x, 1)), [6])),
    [f32(2, 3)],
    `
      kernel 0: map [3, 2]
        load0 f32:input0#0+0[1,3]
        store f32:slot0#2+0[2,1] = add(load0, 1)
      kernel 1: map [6]
        load0 f32:slot0#2+0[1]
        store f32:output0#1+0[1] = sin(load0)
    `,
  );
});

Deno.test("operands of a product are in memory, and transposed by their strides", () => {
  checkLowered(
    (x, y) => matmul(transpose(x), add(y, 1)),
    [f32(3, 2), f32(3, 4)],
    `
      kernel 0: map [3, 4]
        load0 f32:input1#1+0[4,1]
        store f32:slot0#3+0[4,1] = add(load0, 1)
      kernel 1: matmul [1, 2, 4] k 3
        operand f32:input0#0+0[0,1,2]
        operand f32:slot0#3+0[0,4,1]
        store f32:output0#2+0[0,4,1] = result0
    `,
  );
});

Deno.test("what two kernels need is computed twice if it is cheap, kept if it is dear", () => {
  checkLowered(
    (x) => [sum(add(x, 1), { axis: 0 }), sum(add(x, 1), { axis: 1 })],
    [f32(2, 3)],
    `
      kernel 0: reduce [3] over [2]
        operand f32:input0#0+0[1,3]
        sum add(load0, 1)
        store f32:output0#1+0[1] = result0
      kernel 1: reduce [2] over [3]
        operand f32:input0#0+0[3,1]
        sum add(load0, 1)
        store f32:output1#2+0[1] = result0
    `,
  );
  checkLowered(
    (x) => [sum(exp(x), { axis: 0 }), sum(exp(x), { axis: 1 })],
    [f32(2, 3)],
    `
      kernel 0: map [2, 3]
        load0 f32:input0#0+0[3,1]
        store f32:slot0#3+0[3,1] = exp(load0)
      kernel 1: reduce [3] over [2]
        operand f32:slot0#3+0[1,3]
        sum load0
        store f32:output0#1+0[1] = result0
      kernel 2: reduce [2] over [3]
        operand f32:slot0#3+0[3,1]
        sum load0
        store f32:output1#2+0[1] = result0
    `,
  );
});

Deno.test("what a broadcast would compute again and again is kept if it is dear", () => {
  checkLowered(
    (x, y) => mul(exp(x), y),
    [f32(3), f32(100, 3)],
    `
      kernel 0: map [3]
        load0 f32:input0#0+0[1]
        store f32:slot0#3+0[1] = exp(load0)
      kernel 1: map [100, 3]
        load0 f32:slot0#3+0[0,1]
        load1 f32:input1#1+0[3,1]
        store f32:output0#2+0[3,1] = mul(load0, load1)
    `,
  );
  checkLowered(
    (x, y) => mul(add(x, 1), y),
    [f32(3), f32(100, 3)],
    `
      kernel 0: map [100, 3]
        load0 f32:input0#0+0[0,1]
        load1 f32:input1#1+0[3,1]
        store f32:output0#2+0[3,1] = mul(add(load0, 1), load1)
    `,
  );
});

Deno.test("softmax keeps its exponentials, its maxima and its sums", () => {
  checkLowered(
    (x) => softmax(x),
    [f32(2, 3)],
    `
      kernel 0: reduce [2] over [3]
        operand f32:input0#0+0[3,1]
        max load0
        store f32:slot0#2+0[1] = result0
      kernel 1: map [2, 3]
        load0 f32:input0#0+0[3,1]
        load1 f32:slot0#2+0[1,0]
        store f32:slot1#3+0[3,1] = exp(sub(load0, load1))
      kernel 2: reduce [2] over [3]
        operand f32:slot1#3+0[3,1]
        sum load0
        store f32:slot0#4+0[1] = result0
      kernel 3: map [2, 3]
        load0 f32:slot1#3+0[3,1]
        load1 f32:slot0#4+0[1,0]
        store f32:output0#1+0[3,1] = div(load0, load1)
    `,
  );
});

Deno.test("pieces are written where they belong, into what is filled before", () => {
  checkLowered(
    (x, y) => concat([add(x, 1), y]),
    [f32(2), f32(3)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+0[1] = add(load0, 1)
      kernel 1: map [3]
        load0 f32:input1#1+0[1]
        store f32:output0#2+2[1] = load0
    `,
  );
  checkLowered(
    (x) => pad(x, { low: [1], high: [2] }),
    [f32(3)],
    `
      kernel 0: map [6]
        store f32:output0#1+0[1] = 0
      kernel 1: map [3]
        load0 f32:input0#0+0[1]
        store f32:output0#1+1[1] = load0
    `,
  );
});

Deno.test("numbers that count are computed, not stored", () => {
  checkLowered(
    (x) => mul(x, arange(3)),
    [f32(3)],
    `
      kernel 0: map [3]
        load0 f32:input0#0+0[1]
        store f32:output0#1+0[1] = mul(load0, cast<f32>(index(0; 1)))
    `,
  );
});

Deno.test("a kernel with too many buffers for the device becomes two", () => {
  const total = (...xs: Tensor[]) => xs.reduce((x, y) => add(x, y));
  checkText(
    lowered(total, [f32(2), f32(2), f32(2), f32(2)], { maxBuffersPerKernel: 4 }),
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        load1 f32:input1#1+0[1]
        load2 f32:input2#2+0[1]
        store f32:slot0#5+0[1] = add(add(load0, load1), load2)
      kernel 1: map [2]
        load0 f32:slot0#5+0[1]
        load1 f32:input3#3+0[1]
        store f32:output0#4+0[1] = add(load0, load1)
    `,
  );
});

Deno.test("a device that does not fuse keeps every result", () => {
  checkText(
    lowered((x) => abs(sub(exp(x), 1)), [f32(2)], { fuses: false }),
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:slot0#2+0[1] = exp(load0)
      kernel 1: map [2]
        load0 f32:slot0#2+0[1]
        store f32:slot1#3+0[1] = sub(load0, 1)
      kernel 2: map [2]
        load0 f32:slot1#3+0[1]
        store f32:output0#1+0[1] = abs(load0)
    `,
  );
});

Deno.test("a chain of thousands of operations is cut into kernels of a few hundred", () => {
  const { kernels } = lowered((x) => Array.from({ length: 2000 }).reduce<Tensor>((y) => add(y, x), x), [f32(2)]);
  assert.equal(kernels.length, 5);
});

Deno.test("a reduction of a transposed tensor reads it where it is", () => {
  checkLowered(
    (x) => max(permute(x, [2, 0, 1]), { axis: [1, 2] }),
    [f32(2, 3, 4)],
    `
      kernel 0: reduce [4] over [2, 3]
        operand f32:input0#0+0[1,12,4]
        max load0
        store f32:output0#1+0[1] = result0
    `,
  );
});
