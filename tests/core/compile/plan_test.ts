/**
 * The memory plan, rule by rule: which intermediates share memory.
 *
 * @module
 */
import assert from "node:assert/strict";
import { plan } from "../../../core/compile/plan.ts";
import { binary, cast, type Expr, unary } from "../../../core/ir/expr.ts";
import type { Kernel } from "../../../core/ir/kernel.ts";
import type { Program } from "../../../core/ir/program.ts";
import { f32, load, type ProgramBuilder } from "../../support/kernel_cases/builder.ts";
import { checkText, mapWhole, matmul, program, rowSums, unplanned } from "./by_hand.ts";

/** Plans a program of which every intermediate has a slot of its own. */
function planned(build: (p: ProgramBuilder) => void): Program {
  return plan(unplanned(program(build)));
}

const sin = (x: Expr) => unary("sin", x);
const add = (x: Expr, y: Expr) => binary("add", x, y);
const loop = (count: number, kernels: readonly Kernel[]): Kernel => {
  return { kind: "loop", shape: [], count, kernels, operands: [], loads: [], stores: [] };
};

Deno.test("intermediates that are not needed at the same time share memory", () => {
  const made = planned((p) => {
    const x = p.input("f32", Array(4));
    const [a, b, c] = [p.temporary("f32", 4, 0), p.temporary("f32", 4, 1), p.temporary("f32", 4, 2)];
    const y = p.output("f32", 4);
    p.run(mapWhole([4], [x], a, sin));
    p.run(mapWhole([4], [a], b, sin));
    p.run(mapWhole([4], [b], c, sin));
    p.run(mapWhole([4], [c], y, sin));
  });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        store f32:slot0#2+0[1] = sin(load0)
      kernel 1: map [4]
        load0 f32:slot0#2+0[1]
        store f32:slot1#3+0[1] = sin(load0)
      kernel 2: map [4]
        load0 f32:slot1#3+0[1]
        store f32:slot0#4+0[1] = sin(load0)
      kernel 3: map [4]
        load0 f32:slot0#4+0[1]
        store f32:output0#1+0[1] = sin(load0)
    `,
  );
  assert.deepEqual(made.slots, [16, 16]);
});

Deno.test("an intermediate has its memory up to its last reader", () => {
  const made = planned((p) => {
    const x = p.input("f32", Array(4));
    const [a, b, c] = [p.temporary("f32", 4, 0), p.temporary("f32", 4, 1), p.temporary("f32", 4, 2)];
    const y = p.output("f32", 4);
    p.run(mapWhole([4], [x], a, sin));
    p.run(mapWhole([4], [a], b, sin));
    p.run(mapWhole([4], [b], c, sin));
    p.run(mapWhole([4], [a, c], y, add));
  });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        store f32:slot0#2+0[1] = sin(load0)
      kernel 1: map [4]
        load0 f32:slot0#2+0[1]
        store f32:slot1#3+0[1] = sin(load0)
      kernel 2: map [4]
        load0 f32:slot1#3+0[1]
        store f32:slot2#4+0[1] = sin(load0)
      kernel 3: map [4]
        load0 f32:slot0#2+0[1]
        load1 f32:slot2#4+0[1]
        store f32:output0#1+0[1] = add(load0, load1)
    `,
  );
  assert.deepEqual(made.slots, [16, 16, 16]);
});

Deno.test("of free memory the nearest in size is taken, and grows if it must", () => {
  const made = planned((p) => {
    const x = p.input("f32", Array(6));
    const [small, large] = [p.temporary("f32", 2, 0), p.temporary("f32", 6, 1)];
    const [small2, next, larger] = [p.output("f32", 2), p.temporary("f32", 2, 2), p.temporary("f32", 9, 3)];
    const [y, z] = [p.output("f32", 2), p.output("f32", 9)];
    p.run(rowSums([2, 3], x, small));
    p.run(mapWhole([6], [x], large, sin));
    p.run(rowSums([2, 3], large, small2));
    p.run(mapWhole([2], [small, small2], y, (x, y) => binary("add", x, y)));
    p.run(mapWhole([2], [y], next, sin));
    p.run(matmul([3, 1, 3], x, next, larger));
    p.run(mapWhole([9], [larger], z, sin));
  });
  checkText(
    made,
    `
      kernel 0: reduce [2] over [3]
        operand f32:input0#0+0[3,1]
        sum load0
        store f32:slot0#4+0[1] = result0
      kernel 1: map [6]
        load0 f32:input0#0+0[1]
        store f32:slot1#5+0[1] = sin(load0)
      kernel 2: reduce [2] over [3]
        operand f32:slot1#5+0[3,1]
        sum load0
        store f32:output0#1+0[1] = result0
      kernel 3: map [2]
        load0 f32:slot0#4+0[1]
        load1 f32:output0#1+0[1]
        store f32:output1#2+0[1] = add(load0, load1)
      kernel 4: map [2]
        load0 f32:output1#2+0[1]
        store f32:slot0#6+0[1] = sin(load0)
      kernel 5: matmul [1, 3, 3] k 1
        operand f32:input0#0+0[0,1,0]
        operand f32:slot0#6+0[0,0,1]
        store f32:slot1#7+0[0,3,1] = result0
      kernel 6: map [9]
        load0 f32:slot1#7+0[1]
        store f32:output2#3+0[1] = sin(load0)
    `,
  );
  assert.deepEqual(made.slots, [8, 36]);
});

Deno.test("memory is counted in bytes: types may share it", () => {
  const made = planned((p) => {
    const x = p.input("f32", Array(4));
    const [a, b, c] = [p.temporary("f32", 4, 0), p.temporary("u8", 4, 1), p.temporary("i32", 4, 2)];
    const y = p.output("f32", 4);
    p.run(mapWhole([4], [x], a, sin));
    p.run(mapWhole([4], [a], b, (x) => cast("u32", x)));
    p.run(mapWhole([4], [b], c, () => cast("i32", load(0, "u32"))));
    p.run(mapWhole([4], [c], y, () => cast("f32", load(0, "i32"))));
  });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        store f32:slot0#2+0[1] = sin(load0)
      kernel 1: map [4]
        load0 f32:slot0#2+0[1]
        store u8:slot1#3+0[1] = cast<u32>(load0)
      kernel 2: map [4]
        load0 u8:slot1#3+0[1]
        store i32:slot0#4+0[1] = cast<i32>(load0)
      kernel 3: map [4]
        load0 i32:slot0#4+0[1]
        store f32:output0#1+0[1] = cast<f32>(load0)
    `,
  );
});

Deno.test("what a loop shares with others keeps its memory through all rounds, what is its own only for a part of each", () => {
  const made = planned((p) => {
    const [x, y] = [p.input("f32", Array(4)), p.output("f32", 4)];
    const before = p.temporary("f32", 4, 0);
    const own = [p.temporary("f32", 4, 1), p.temporary("f32", 4, 2), p.temporary("f32", 4, 3)];
    p.run(mapWhole([4], [x], before, sin));
    p.run(loop(10, [
      mapWhole([4], [before], own[0], sin),
      mapWhole([4], [own[0]], own[1], sin),
      mapWhole([4], [own[1]], own[2], sin),
      mapWhole([4], [own[2]], y, sin),
    ]));
  });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        store f32:slot0#2+0[1] = sin(load0)
      kernel 1: loop 10 times
        kernel 1.0: map [4]
          load0 f32:slot0#2+0[1]
          store f32:slot1#3+0[1] = sin(load0)
        kernel 1.1: map [4]
          load0 f32:slot1#3+0[1]
          store f32:slot2#4+0[1] = sin(load0)
        kernel 1.2: map [4]
          load0 f32:slot2#4+0[1]
          store f32:slot1#5+0[1] = sin(load0)
        kernel 1.3: map [4]
          load0 f32:slot1#5+0[1]
          store f32:output0#1+0[1] = sin(load0)
    `,
  );
});

Deno.test("an input that no kernel reads has a buffer all the same, and a result may be named twice", () => {
  const { kernels, buffers, inputs, outputs } = unplanned(program((p) => {
    const [x, y] = [p.input("f32", Array(4)), p.output("f32", 4)];
    p.run(mapWhole([4], [x], y, (x) => binary("mul", x, f32(2))));
  }));
  const unread = { dtype: "i32" as const, size: 3, buffer: -1, donated: true };
  const made = plan({ kernels, buffers, inputs: [unread, ...inputs], outputs: [...outputs, ...outputs] });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input1#1+0[1]
        store f32:output0#2+0[1] = mul(load0, 2)
    `,
  );
  assert.deepEqual(made.buffers[made.inputs[0]], { dtype: "i32", size: 3, location: { kind: "input", index: 0 } });
  assert.equal(made.outputs[0], made.outputs[1]);
});
