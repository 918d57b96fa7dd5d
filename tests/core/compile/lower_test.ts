/**
 * From graphs to kernels, rule by rule. (What is materialized: materialize_test.ts. What is fused afterwards: fuse_test.ts.)
 *
 * @module
 */
import {
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

Deno.test("what strides cannot say is materialized: a transposed matrix as a list", () => {
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

Deno.test("heads that are multiplied, and multiplied by transposed, are copied once, along their rows", () => {
  const heads = (x: Tensor) => permute(reshape(x, [2, 5, 3, 4]), [0, 2, 1, 3]);
  checkLowered(
    (q, k) => {
      const scores = matmul(heads(q), transpose(heads(k)));
      return [scores, matmul(scores, heads(k))];
    },
    [f32(2, 5, 12), f32(2, 5, 12)],
    `
      kernel 0: map [2, 3, 5, 4]
        load0 f32:input0#0+0[60,4,12,1]
        store f32:slot0#4+0[60,20,4,1] = load0
      kernel 1: map [2, 3, 5, 4]
        load0 f32:input1#1+0[60,4,12,1]
        store f32:slot1#5+0[60,20,4,1] = load0
      kernel 2: matmul [6, 5, 5] k 4
        operand f32:slot0#4+0[20,4,1]
        operand f32:slot1#5+0[20,1,4]
        store f32:output0#2+0[25,5,1] = result0
      kernel 3: matmul [6, 5, 4] k 5
        operand f32:output0#2+0[25,5,1]
        operand f32:slot1#5+0[20,4,1]
        store f32:output1#3+0[20,4,1] = result0
    `,
  );
});
