/**
 * Merging kernels, rule by rule: what ends another kernel, and what may not.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fuse } from "../../../core/compile/fuse.ts";
import { binary, type Expr, unary } from "../../../core/ir/expr.ts";
import { f32, load, type ProgramBuilder, store, strided } from "../../support/kernel_cases/builder.ts";
import { checkText, map, mapWhole, matmul, program, rowSums, whole, withKernels } from "./by_hand.ts";

/** Merges the kernels of a program and compares them with a text. */
function checkMerged(build: (p: ProgramBuilder) => void, expected: string, maxBuffersPerKernel = 8): void {
  const made = program(build);
  checkText(
    withKernels(made, fuse(made.kernels, { outputs: new Set(made.outputs), maxBuffersPerKernel, maxInstructions: 1000 })),
    expected,
  );
}

const add = (x: Expr, y: Expr) => binary("add", x, y);
const mul = (x: Expr, y: Expr) => binary("mul", x, y);
const exp = (x: Expr) => unary("exp", x);

Deno.test("bias and activation end a matrix product", () => {
  checkMerged(
    (p) => {
      const [x, w, bias] = [p.input("f32", Array(6)), p.input("f32", Array(12)), p.input("f32", Array(4))];
      const [product, sum, y] = [p.temporary("f32", 8, 0), p.temporary("f32", 8, 1), p.output("f32", 8)];
      p.run(matmul([2, 3, 4], x, w, product));
      p.run(map([2, 4], [whole(product, [2, 4]), strided(bias, [0, 1])], store(whole(sum, [2, 4]), add(load(0), load(1)))));
      p.run(mapWhole([2, 4], [sum], y, (x) => binary("max", x, f32(0))));
    },
    `
    kernel 0: matmul [1, 2, 4] k 3
      operand f32:input0#0+0[0,3,1]
      operand f32:input1#1+0[0,4,1]
      load0 f32:input2#2+0[0,0,1]
      store f32:output0#5+0[0,4,1] = max(add(result0, load0), 0)
  `,
  );
});

Deno.test("an intermediate without other readers is not stored", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(4)), p.temporary("f32", 4, 0), p.output("f32", 4)];
      p.run(mapWhole([4], [x], t, exp));
      p.run(mapWhole([4], [t], y, (t) => add(t, f32(1))));
    },
    `
    kernel 0: map [4]
      load0 f32:input0#0+0[1]
      store f32:output0#2+0[1] = add(exp(load0), 1)
  `,
  );
});

Deno.test("an intermediate that another kernel reads stays stored", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(6)), p.temporary("f32", 6, 0), p.output("f32", 6)];
      const sums = p.output("f32", 2);
      p.run(mapWhole([2, 3], [x], t, exp));
      p.run(mapWhole([2, 3], [t], y, (t) => add(t, f32(1))));
      p.run(rowSums([2, 3], t, sums));
    },
    `
    kernel 0: map [2, 3]
      load0 f32:input0#0+0[3,1]
      store f32:slot0#1+0[3,1] = exp(load0)
      store f32:output0#2+0[3,1] = add(exp(load0), 1)
    kernel 1: reduce [2] over [3]
      operand f32:slot0#1+0[3,1]
      sum load0
      store f32:output1#3+0[1] = result0
  `,
  );
});

Deno.test("an intermediate that is a result stays stored: a kernel has several outputs", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(4)), p.output("f32", 4), p.output("f32", 4)];
      p.run(mapWhole([4], [x], t, exp));
      p.run(mapWhole([4], [t], y, (t) => add(t, f32(1))));
    },
    `
    kernel 0: map [4]
      load0 f32:input0#0+0[1]
      store f32:output0#1+0[1] = exp(load0)
      store f32:output1#2+0[1] = add(exp(load0), 1)
  `,
  );
});

Deno.test("an update ends the kernel of its gradient, and reads each element once", () => {
  checkMerged(
    (p) => {
      const [x, g, w] = [p.input("f32", Array(6)), p.input("f32", Array(3)), p.input("f32", Array(2))];
      const [gradient, decayed, next] = [p.temporary("f32", 2, 0), p.temporary("f32", 2, 1), p.output("f32", 2)];
      p.run(matmul([2, 3, 1], x, g, gradient));
      p.run(mapWhole([2], [gradient, w], decayed, (gradient, w) => add(gradient, mul(w, f32(0.5)))));
      p.run(mapWhole([2], [w, decayed], next, (w, decayed) => binary("sub", w, decayed)));
    },
    `
    kernel 0: matmul [1, 2, 1] k 3
      operand f32:input0#0+0[0,3,1]
      operand f32:input1#1+0[0,1,0]
      load0 f32:input2#2+0[0,1,0]
      store f32:output0#5+0[0,1,0] = sub(load0, add(result0, mul(load0, 0.5)))
  `,
  );
});

Deno.test("what is read in another order is not fused", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(6)), p.temporary("f32", 6, 0), p.output("f32", 6)];
      p.run(mapWhole([2, 3], [x], t, exp));
      p.run(map([3, 2], [strided(t, [1, 3])], store(whole(y, [3, 2]), load(0))));
    },
    `
    kernel 0: map [2, 3]
      load0 f32:input0#0+0[3,1]
      store f32:slot0#1+0[3,1] = exp(load0)
    kernel 1: map [3, 2]
      load0 f32:slot0#1+0[1,3]
      store f32:output0#2+0[2,1] = load0
  `,
  );
});

Deno.test("the same elements over other axes are fused", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(6)), p.temporary("f32", 6, 0), p.output("f32", 6)];
      p.run(mapWhole([2, 3], [x], t, exp));
      p.run(mapWhole([6], [t], y, (t) => add(t, f32(1))));
    },
    `
    kernel 0: map [2, 3]
      load0 f32:input0#0+0[3,1]
      store f32:output0#2+0[3,1] = add(exp(load0), 1)
  `,
  );
});

Deno.test("what lies between and needs the first kernel comes after both", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(6)), p.temporary("f32", 6, 0), p.output("f32", 6)];
      const sums = p.output("f32", 2);
      p.run(mapWhole([2, 3], [x], t, exp));
      p.run(rowSums([2, 3], t, sums));
      p.run(mapWhole([2, 3], [t], y, (t) => add(t, f32(1))));
    },
    `
    kernel 0: map [2, 3]
      load0 f32:input0#0+0[3,1]
      store f32:slot0#1+0[3,1] = exp(load0)
      store f32:output0#2+0[3,1] = add(exp(load0), 1)
    kernel 1: reduce [2] over [3]
      operand f32:slot0#1+0[3,1]
      sum load0
      store f32:output1#3+0[1] = result0
  `,
  );
});

Deno.test("a kernel that also needs what the first one leads to stays apart: softmax divides after the sums", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(6)), p.temporary("f32", 6, 0), p.output("f32", 6)];
      const sums = p.temporary("f32", 2, 1);
      p.run(mapWhole([2, 3], [x], t, exp));
      p.run(rowSums([2, 3], t, sums));
      p.run(map([2, 3], [whole(t, [2, 3]), strided(sums, [1, 0])], store(whole(y, [2, 3]), binary("div", load(0), load(1)))));
    },
    `
    kernel 0: map [2, 3]
      load0 f32:input0#0+0[3,1]
      store f32:slot0#1+0[3,1] = exp(load0)
    kernel 1: reduce [2] over [3]
      operand f32:slot0#1+0[3,1]
      sum load0
      store f32:slot1#3+0[1] = result0
    kernel 2: map [2, 3]
      load0 f32:slot0#1+0[3,1]
      load1 f32:slot1#3+0[1,0]
      store f32:output0#2+0[3,1] = div(load0, load1)
  `,
  );
});

Deno.test("a buffer in pieces is complete only after the last of them: what is padded is filled, then written", () => {
  checkMerged(
    (p) => {
      const [x, t, y] = [p.input("f32", Array(2)), p.temporary("f32", 4, 0), p.output("f32", 4)];
      p.run(mapWhole([4], [], t, () => f32(0)));
      p.run(map([2], [whole(x, [2])], store(strided(t, [1], 1), load(0))));
      p.run(mapWhole([4], [t], y, exp));
    },
    `
    kernel 0: map [4]
      store f32:slot0#1+0[1] = 0
    kernel 1: map [2]
      load0 f32:input0#0+0[1]
      store f32:slot0#1+1[1] = load0
    kernel 2: map [4]
      load0 f32:slot0#1+0[1]
      store f32:output0#2+0[1] = exp(load0)
  `,
  );
});

Deno.test("a kernel does not overwrite what its own operands are read from", () => {
  checkMerged(
    (p) => {
      const [x, w, t] = [p.input("f32", Array(4)), p.input("f32", Array(4)), p.temporary("f32", 4, 0)];
      p.donate(w);
      p.run(matmul([2, 2, 2], x, w, t));
      p.run(mapWhole([2, 2], [w, t], w, (w, t) => binary("sub", w, t)));
    },
    `
    kernel 0: matmul [1, 2, 2] k 2
      operand f32:input0#0+0[0,2,1]
      operand f32:input1#1+0[0,2,1]
      store f32:slot0#2+0[0,2,1] = result0
    kernel 1: map [2, 2]
      load0 f32:input1#1+0[2,1]
      load1 f32:slot0#2+0[2,1]
      store f32:input1#1+0[2,1] = sub(load0, load1)
  `,
  );
});

Deno.test("a kernel has no more buffers than the device allows", () => {
  const build = (p: ProgramBuilder) => {
    const [a, b, c] = [p.input("f32", Array(4)), p.input("f32", Array(4)), p.input("f32", Array(4))];
    const [t, y] = [p.temporary("f32", 4, 0), p.output("f32", 4)];
    p.run(mapWhole([4], [a, b], t, add));
    p.run(mapWhole([4], [t, c], y, mul));
  };
  checkMerged(
    build,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        load1 f32:input1#1+0[1]
        store f32:slot0#3+0[1] = add(load0, load1)
      kernel 1: map [4]
        load0 f32:slot0#3+0[1]
        load1 f32:input2#2+0[1]
        store f32:output0#4+0[1] = mul(load0, load1)
    `,
    3,
  );
  checkMerged(
    build,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        load1 f32:input1#1+0[1]
        load2 f32:input2#2+0[1]
        store f32:output0#4+0[1] = mul(add(load0, load1), load2)
    `,
    4,
  );
});

Deno.test("a kernel grows to as many instructions as the target allows, not further", () => {
  const chain = (length: number) => (x: Expr) => Array.from({ length }).reduce<Expr>((inner) => unary("neg", inner), x);
  const kernelsOf = (length: number) => {
    const { kernels, outputs } = program((p) => {
      const [x, t, y] = [p.input("f32", Array(4)), p.temporary("f32", 4, 0), p.output("f32", 4)];
      p.run(mapWhole([4], [x], t, chain(length)));
      p.run(mapWhole([4], [t], y, chain(length)));
    });
    return fuse(kernels, { outputs: new Set(outputs), maxBuffersPerKernel: 8, maxInstructions: 1000 });
  };
  assert.equal(kernelsOf(400).length, 1);
  assert.equal(kernelsOf(600).length, 2);
});

Deno.test("what is done to sums ends the reduction", () => {
  checkMerged(
    (p) => {
      const [x, sums, means] = [p.input("f32", Array(8)), p.temporary("f32", 2, 0), p.output("f32", 2)];
      p.run(rowSums([2, 4], x, sums));
      p.run(mapWhole([2], [sums], means, (sum) => mul(sum, f32(1 / 4))));
    },
    `
    kernel 0: reduce [2] over [4]
      operand f32:input0#0+0[4,1]
      sum load0
      store f32:output0#2+0[1] = mul(result0, 0.25)
  `,
  );
});
