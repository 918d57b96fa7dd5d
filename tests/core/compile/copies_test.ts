/**
 * Copies that are left out, and those that stay.
 *
 * @module
 */
import assert from "node:assert/strict";
import { withoutCopies } from "../../../core/compile/copies.ts";
import { unary } from "../../../core/ir/expr.ts";
import { load, type ProgramBuilder, store, strided } from "../../support/kernel_cases/builder.ts";
import { checkText, map, mapWhole, program, scatterRows, unplanned, withKernels } from "./by_hand.ts";

function checkCopies(build: (p: ProgramBuilder) => void, expected: string): void {
  const made = program(build);
  const kept = new Set([...made.inputs, ...made.outputs]);
  checkText(withKernels(made, withoutCopies(made.kernels, unplanned(made).buffers, (buffer) => kept.has(buffer))), expected);
}

/** Rows written over a copy of an input in `to`. */
function writeRows(p: ProgramBuilder, x: number, to: number): void {
  const [rows, indices] = [p.input("f32", Array(4)), p.input("i32", Array(2))];
  p.run(mapWhole([4, 2], [x], to, (x) => x));
  p.run(scatterRows({ size: 4, inner: 2, count: 2 }, rows, indices, to));
}

Deno.test("what is only copied in another shape is made where it belongs", () => {
  checkCopies(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(8)), p.temporary("f32", 8, 0), p.output("f32", 8)];
      writeRows(p, x, t);
      p.run(mapWhole([8], [t], y, (t) => t));
    },
    `
      kernel 0: map [4, 2]
        load0 f32:input0#0+0[2,1]
        store f32:output0#2+0[2,1] = load0
      kernel 1: scatterRows [1, 2, 2]
        operand f32:input1#3+0[0,2,1]
        operand i32:input2#4+0[1]
        target f32:output0#2+0[0,2,1]
    `,
  );
});

Deno.test("an input is copied, and so is what is an output itself", () => {
  checkCopies(
    (p) => {
      const [x, y, z] = [p.input("f32", Array(8)), p.output("f32", 8), p.output("f32", 8)];
      p.run(mapWhole([8], [x], y, (x) => x));
      p.run(mapWhole([8], [y], z, (y) => y));
    },
    `
      kernel 0: map [8]
        load0 f32:input0#0+0[1]
        store f32:output0#1+0[1] = load0
      kernel 1: map [8]
        load0 f32:output0#1+0[1]
        store f32:output1#2+0[1] = load0
    `,
  );
});

Deno.test("the first of two copies is left out, and the other reads what took its place", () => {
  checkCopies(
    (p) => {
      const [x, t, y, z] = [p.input("f32", Array(8)), p.temporary("f32", 8, 0), p.output("f32", 8), p.output("f32", 8)];
      p.run(mapWhole([8], [x], t, (x) => unary("exp", x)));
      p.run(mapWhole([8], [t], y, (t) => t));
      p.run(mapWhole([8], [t], z, (t) => t));
    },
    `
      kernel 0: map [8]
        load0 f32:input0#0+0[1]
        store f32:output0#2+0[1] = exp(load0)
      kernel 1: map [8]
        load0 f32:output0#2+0[1]
        store f32:output1#3+0[1] = load0
    `,
  );
});

Deno.test("what moves elements, changes them, or is a part stays", () => {
  checkCopies(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(6)), p.temporary("f32", 6, 0), p.output("f32", 6)];
      const [z, half] = [p.output("f32", 6), p.output("f32", 3)];
      p.run(mapWhole([6], [x], t, (x) => unary("exp", x)));
      p.run(map([2, 3], [strided(t, [3, 1])], store(strided(y, [1, 2]), load(0))));
      p.run(mapWhole([6], [t], z, (t) => unary("neg", t)));
      p.run(mapWhole([3], [t], half, (t) => t));
    },
    `
      kernel 0: map [6]
        load0 f32:input0#0+0[1]
        store f32:slot0#1+0[1] = exp(load0)
      kernel 1: map [2, 3]
        load0 f32:slot0#1+0[3,1]
        store f32:output0#2+0[1,2] = load0
      kernel 2: map [6]
        load0 f32:slot0#1+0[1]
        store f32:output1#3+0[1] = neg(load0)
      kernel 3: map [3]
        load0 f32:slot0#1+0[1]
        store f32:output2#4+0[1] = load0
    `,
  );
});

Deno.test("of a copy of a copy one is left out", () => {
  checkCopies(
    (p) => {
      const [x, s, t, y] = [p.input("f32", Array(8)), p.temporary("f32", 8, 0), p.temporary("f32", 8, 1), p.output("f32", 8)];
      writeRows(p, x, s);
      p.run(mapWhole([8], [s], t, (s) => s));
      p.run(mapWhole([2, 4], [t], y, (t) => t));
    },
    `
      kernel 0: map [4, 2]
        load0 f32:input0#0+0[2,1]
        store f32:slot1#2+0[2,1] = load0
      kernel 1: scatterRows [1, 2, 2]
        operand f32:input1#4+0[0,2,1]
        operand i32:input2#5+0[1]
        target f32:slot1#2+0[0,2,1]
      kernel 2: map [2, 4]
        load0 f32:slot1#2+0[4,1]
        store f32:output0#3+0[4,1] = load0
    `,
  );
});

Deno.test("of very many copies all are left out, in linear time", () => {
  const count = 20_000;
  const made = program((p) => {
    const x = p.input("f32", Array(4));
    for (let slot = 0; slot < count; slot++) {
      const t = p.temporary("f32", 4, slot);
      p.run(mapWhole([4], [x], t, (x) => unary("exp", x)));
      p.run(mapWhole([2, 2], [t], p.output("f32", 4), (t) => t));
    }
  });
  const kept = new Set([...made.inputs, ...made.outputs]);
  const { length } = withoutCopies(made.kernels, unplanned(made).buffers, (buffer) => kept.has(buffer));
  assert.equal(length, count);
});
