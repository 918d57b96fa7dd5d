/**
 * Merging reductions, rule by rule: which become one kernel, and which may not.
 *
 * @module
 */
import { mergeReductions } from "../../../core/compile/merge_reductions.ts";
import { binary, type Expr } from "../../../core/ir/expr.ts";
import type { Access, ReduceKernel } from "../../../core/ir/kernel.ts";
import { load, type ProgramBuilder, result, store, strided } from "../../support/kernel_cases/builder.ts";
import { checkText, mapWhole, program, rowSums, whole, withKernels } from "./by_hand.ts";

/** Merges the reductions of a program and compares its kernels with a text. */
function checkMerged(build: (p: ProgramBuilder) => void, expected: string, limits = {}): void {
  const made = program(build);
  const kernels = mergeReductions(made.kernels, { maxBuffersPerKernel: 8, maxInstructions: 1000, ...limits });
  checkText(withKernels(made, kernels), expected);
}

/** The sums of the rows of [2, 3] of what is computed from some accesses. */
function sums(from: readonly Access[], to: number, value: (...loads: Expr[]) => Expr): ReduceKernel {
  return {
    kind: "reduce",
    shape: [2],
    window: [3],
    operands: from,
    reductions: [{ op: "sum", value: value(...from.map((_, i) => load(i))) }],
    loads: [],
    stores: [store(whole(to, [2]), result())],
  };
}

const mul = (x: Expr, y: Expr) => binary("mul", x, y);
const matrix = (p: ProgramBuilder) => p.input("f32", Array(6));
const vector = (p: ProgramBuilder) => p.output("f32", 2);

Deno.test("sums of the same elements become one kernel, each element being read once", () => {
  checkMerged(
    (p) => {
      const [g, x, scale] = [matrix(p), matrix(p), p.input("f32", Array(2))];
      const [first, second, third] = [vector(p), vector(p), vector(p)];
      const [wholeG, wholeX] = [whole(g, [2, 3]), whole(x, [2, 3])];
      p.run(sums([wholeX, wholeG], first, mul));
      p.run(sums([wholeG], second, (g) => g));
      p.run(sums([strided(scale, [1, 0]), wholeG], third, mul));
    },
    `
    kernel 0: reduce [2] over [3]
      operand f32:input1#1+0[3,1]
      operand f32:input0#0+0[3,1]
      operand f32:input2#2+0[1,0]
      sum mul(load0, load1)
      sum load1
      sum mul(load2, load1)
      store f32:output0#3+0[1] = result0
      store f32:output1#4+0[1] = result1
      store f32:output2#5+0[1] = result2
  `,
  );
});

Deno.test("the kernel that reads more may come later", () => {
  checkMerged(
    (p) => {
      const [g, x] = [matrix(p), matrix(p)];
      const [first, second] = [vector(p), vector(p)];
      p.run(rowSums([2, 3], g, first));
      p.run(sums([whole(x, [2, 3]), whole(g, [2, 3])], second, mul));
    },
    `
    kernel 0: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      operand f32:input1#1+0[3,1]
      sum load0
      sum mul(load1, load0)
      store f32:output0#2+0[1] = result0
      store f32:output1#3+0[1] = result1
  `,
  );
});

Deno.test("a sum that needs the other's result stays apart", () => {
  checkMerged(
    (p) => {
      const x = matrix(p);
      const [total, y] = [vector(p), vector(p)];
      p.run(rowSums([2, 3], x, total));
      p.run(sums([whole(x, [2, 3]), strided(total, [1, 0])], y, mul));
    },
    `
    kernel 0: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      sum load0
      store f32:output0#1+0[1] = result0
    kernel 1: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      operand f32:output0#1+0[1,0]
      sum mul(load0, load1)
      store f32:output1#2+0[1] = result0
  `,
  );
});

Deno.test("so does one that needs what only comes after the other", () => {
  checkMerged(
    (p) => {
      const [x, scale, twice] = [matrix(p), p.input("f32", Array(2)), p.temporary("f32", 2, 0)];
      const [total, y] = [vector(p), vector(p)];
      p.run(rowSums([2, 3], x, total));
      p.run(mapWhole([2], [scale], twice, (scale) => binary("add", scale, scale)));
      p.run(sums([whole(x, [2, 3]), strided(twice, [1, 0])], y, mul));
    },
    `
    kernel 0: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      sum load0
      store f32:output0#3+0[1] = result0
    kernel 1: map [2]
      load0 f32:input1#1+0[1]
      store f32:slot0#2+0[1] = add(load0, load0)
    kernel 2: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      operand f32:slot0#2+0[1,0]
      sum mul(load0, load1)
      store f32:output1#4+0[1] = result0
  `,
  );
});

const apart = `
    kernel 0: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      operand f32:input1#1+0[3,1]
      sum mul(load0, load1)
      store f32:output0#3+0[1] = result0
    kernel 1: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      operand f32:input2#2+0[3,1]
      sum mul(load0, load1)
      store f32:output1#4+0[1] = result0
  `;

Deno.test("sums of which each reads a large operand of its own stay apart", () => {
  checkMerged((p) => {
    const [x, y, z] = [matrix(p), matrix(p), matrix(p)];
    const [first, second] = [vector(p), vector(p)];
    p.run(sums([whole(x, [2, 3]), whole(y, [2, 3])], first, mul));
    p.run(sums([whole(x, [2, 3]), whole(z, [2, 3])], second, mul));
  }, apart);
});

Deno.test("sums over other elements of the same memory stay apart", () => {
  checkMerged(
    (p) => {
      const x = p.input("f32", Array(9));
      const [first, second] = [vector(p), vector(p)];
      p.run(sums([strided(x, [3, 1])], first, (x) => x));
      p.run(sums([strided(x, [1, 3])], second, (x) => x));
    },
    `
    kernel 0: reduce [2] over [3]
      operand f32:input0#0+0[3,1]
      sum load0
      store f32:output0#1+0[1] = result0
    kernel 1: reduce [2] over [3]
      operand f32:input0#0+0[1,3]
      sum load0
      store f32:output1#2+0[1] = result0
  `,
  );
});

Deno.test("no kernel gets more buffers or instructions than a device takes", () => {
  for (const limits of [{ maxBuffersPerKernel: 3 }, { maxInstructions: 0 }]) {
    checkMerged(
      (p) => {
        const [g, x] = [matrix(p), matrix(p)];
        const [first, second] = [vector(p), vector(p)];
        p.run(sums([whole(x, [2, 3]), whole(g, [2, 3])], first, mul));
        p.run(rowSums([2, 3], g, second));
      },
      `
      kernel 0: reduce [2] over [3]
        operand f32:input1#1+0[3,1]
        operand f32:input0#0+0[3,1]
        sum mul(load0, load1)
        store f32:output0#2+0[1] = result0
      kernel 1: reduce [2] over [3]
        operand f32:input0#0+0[3,1]
        sum load0
        store f32:output1#3+0[1] = result0
    `,
      limits,
    );
  }
});
