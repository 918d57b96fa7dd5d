/**
 * What is overwritten, rule by rule: outputs in the memory of donated inputs.
 *
 * @module
 */
import assert from "node:assert/strict";
import { plan } from "../../../core/compile/plan.ts";
import { binary, cast, type Expr, unary } from "../../../core/ir/expr.ts";
import type { Program } from "../../../core/ir/program.ts";
import { f32, load, type ProgramBuilder, store, strided } from "../../support/kernel_cases/builder.ts";
import { checkText, map, mapWhole, matmul, program, rowSums, scatterRows, unplanned, whole } from "./by_hand.ts";

/** Plans a program some of whose inputs are donated. */
function planned(donated: readonly number[], build: (p: ProgramBuilder) => void): Program {
  return plan(unplanned(program(build), donated));
}

const add = (x: Expr, y: Expr) => binary("add", x, y);
const one = f32(1);

Deno.test("a donated input of the same type and size is overwritten", () => {
  const made = planned([0], (p) => {
    const [x, y] = [p.input("f32", Array(4)), p.output("f32", 4)];
    p.run(mapWhole([4], [x], y, (x) => add(x, one)));
  });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        store f32:input0#0+0[1] = add(load0, 1)
    `,
  );
  assert.deepEqual(made.outputs, made.inputs);
});

Deno.test("of very many donated inputs each is overwritten by what is made of it", () => {
  const count = 10_000;
  const made = planned(Array.from({ length: count }, (_, i) => i), (p) => {
    const inputs = Array.from({ length: count }, () => p.input("f32", [1]));
    for (const x of inputs) p.run(mapWhole([1], [x], p.output("f32", 1), (x) => add(x, one)));
  });
  assert.deepEqual(made.outputs, made.inputs);
});

Deno.test("what is not donated, has another type or another size is not overwritten", () => {
  const made = planned([1, 2], (p) => {
    const [kept, narrow, short] = [p.input("f32", Array(4)), p.input("i32", Array(4)), p.input("f32", Array(2))];
    const y = p.output("f32", 4);
    p.run(map(
      [2, 2],
      [whole(kept, [2, 2]), whole(narrow, [2, 2]), strided(short, [1, 0])],
      store(whole(y, [2, 2]), add(add(load(0), load(2)), cast("f32", load(1, "i32")))),
    ));
  });
  checkText(
    made,
    `
      kernel 0: map [2, 2]
        load0 f32:input0#0+0[2,1]
        load1 i32:input1#1+0[2,1]
        load2 f32:input2#2+0[1,0]
        store f32:output0#3+0[2,1] = add(add(load0, load2), cast<f32>(load1))
    `,
  );
});

Deno.test("every other kernel that reads a donated input comes first", () => {
  const made = planned([0], (p) => {
    const [x, y, sums] = [p.input("f32", Array(6)), p.output("f32", 6), p.output("f32", 2)];
    p.run(mapWhole([2, 3], [x], y, (x) => add(x, one)));
    p.run(rowSums([2, 3], x, sums));
  });
  checkText(
    made,
    `
      kernel 0: reduce [2] over [3]
        operand f32:input0#0+0[3,1]
        sum load0
        store f32:output1#1+0[1] = result0
      kernel 1: map [2, 3]
        load0 f32:input0#0+0[3,1]
        store f32:input0#0+0[3,1] = add(load0, 1)
    `,
  );
});

Deno.test("if another reader needs what would overwrite its input, nothing is overwritten", () => {
  const made = planned([0], (p) => {
    const [x, y, product] = [p.input("f32", Array(4)), p.output("f32", 4), p.output("f32", 4)];
    p.run(mapWhole([2, 2], [x], y, (x) => unary("exp", x)));
    p.run(matmul([2, 2, 2], x, y, product));
  });
  checkText(
    made,
    `
      kernel 0: map [2, 2]
        load0 f32:input0#0+0[2,1]
        store f32:output0#1+0[2,1] = exp(load0)
      kernel 1: matmul [1, 2, 2] k 2
        operand f32:input0#0+0[0,2,1]
        operand f32:output0#1+0[0,2,1]
        store f32:output1#2+0[0,2,1] = result0
    `,
  );
});

Deno.test("an input that is read elsewhere than at the point that is stored stays", () => {
  const made = planned([0], (p) => {
    const [x, y] = [p.input("f32", Array(4)), p.output("f32", 4)];
    p.run(map([2, 2], [strided(x, [1, 2])], store(whole(y, [2, 2]), load(0))));
  });
  checkText(
    made,
    `
      kernel 0: map [2, 2]
        load0 f32:input0#0+0[1,2]
        store f32:output0#1+0[2,1] = load0
    `,
  );
});

Deno.test("a product does not overwrite its operands, but what it ends with", () => {
  const made = planned([0, 1], (p) => {
    const [x, w, y] = [p.input("f32", Array(4)), p.input("f32", Array(4)), p.output("f32", 4)];
    const product = matmul([2, 2, 2], x, x, y);
    const [{ value, ...to }] = product.stores;
    p.run({ ...product, loads: [whole(w, [1, 2, 2])], stores: [store(to, add(value, load(0)))] });
  });
  checkText(
    made,
    `
      kernel 0: matmul [1, 2, 2] k 2
        operand f32:input0#0+0[0,2,1]
        operand f32:input0#0+0[0,2,1]
        load0 f32:input1#1+0[0,2,1]
        store f32:input1#1+0[0,2,1] = add(result0, load0)
    `,
  );
});

Deno.test("of several inputs that of which a result is made, point by point, comes first", () => {
  const made = planned([0, 1, 2], (p) => {
    const [a, b, c] = [p.input("f32", Array(4)), p.input("f32", Array(4)), p.input("f32", Array(4))];
    const [y, z] = [p.output("f32", 4), p.output("f32", 4)];
    p.run(mapWhole([2, 2], [b], y, (b) => add(b, one)));
    p.run(mapWhole([2, 2], [c], z, (c) => add(c, one)));
    p.run(matmul([2, 2, 2], a, b, p.output("f32", 4)));
  });
  checkText(
    made,
    `
      kernel 0: matmul [1, 2, 2] k 2
        operand f32:input0#0+0[0,2,1]
        operand f32:input1#1+0[0,2,1]
        store f32:output2#3+0[0,2,1] = result0
      kernel 1: map [2, 2]
        load0 f32:input1#1+0[2,1]
        store f32:input1#1+0[2,1] = add(load0, 1)
      kernel 2: map [2, 2]
        load0 f32:input2#2+0[2,1]
        store f32:input2#2+0[2,1] = add(load0, 1)
    `,
  );
});

Deno.test("a result whose values come from elsewhere takes any input that is free", () => {
  const made = planned([0], (p) => {
    const [x, n] = [p.input("f32", Array(4)), p.input("f32", Array(4))];
    const [sums, y] = [p.output("f32", 2), p.output("f32", 4)];
    p.run(mapWhole([2, 2], [n], y, (n) => unary("exp", n)));
    p.run(rowSums([2, 2], x, sums));
  });
  checkText(
    made,
    `
      kernel 0: reduce [2] over [2]
        operand f32:input0#0+0[2,1]
        sum load0
        store f32:output0#2+0[1] = result0
      kernel 1: map [2, 2]
        load0 f32:input1#1+0[2,1]
        store f32:input0#0+0[2,1] = exp(load0)
    `,
  );
});

Deno.test("an input is overwritten once", () => {
  const made = planned([0], (p) => {
    const [x, y, z] = [p.input("f32", Array(4)), p.output("f32", 4), p.output("f32", 4)];
    p.run(map([4], [whole(x, [4])], store(whole(y, [4]), add(load(0), one)), store(whole(z, [4]), unary("exp", load(0)))));
  });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        store f32:input0#0+0[1] = add(load0, 1)
        store f32:output1#1+0[1] = exp(load0)
    `,
  );
});

Deno.test("a store that does not read an input does not overwrite it before another store of its kernel does", () => {
  const made = planned([0], (p) => {
    const [x, zeros, y] = [p.input("f32", Array(4)), p.output("f32", 4), p.output("i32", 4)];
    p.run(map([4], [whole(x, [4])], store(whole(zeros, [4]), f32(0)), store(whole(y, [4]), cast("i32", load(0)))));
  });
  checkText(
    made,
    `
    kernel 0: map [4]
      load0 f32:input0#0+0[1]
      store f32:output0#1+0[1] = 0
      store i32:output1#2+0[1] = cast<i32>(load0)
  `,
  );
});

Deno.test("an input that is itself a result stays", () => {
  const made = planned([0], (p) => {
    const [x, y] = [p.input("f32", Array(4)), p.output("f32", 4)];
    p.donate(x);
    p.run(mapWhole([4], [x], y, (x) => add(x, one)));
  });
  checkText(
    made,
    `
      kernel 0: map [4]
        load0 f32:input0#0+0[1]
        store f32:output0#1+0[1] = add(load0, 1)
    `,
  );
});

Deno.test("rows are written into a donated input without the copy that they were to be written into", () => {
  const build = (p: ProgramBuilder) => {
    const [x, rows, indices] = [p.input("f32", Array(8)), p.input("f32", Array(4)), p.input("i32", Array(2))];
    const y = p.output("f32", 8);
    p.run(mapWhole([4, 2], [x], y, (x) => x));
    p.run(scatterRows({ size: 4, inner: 2, count: 2 }, rows, indices, y));
  };
  checkText(
    planned([0], build),
    `
      kernel 0: scatterRows [1, 2, 2]
        operand f32:input1#1+0[0,2,1]
        operand i32:input2#2+0[1]
        target f32:input0#0+0[0,2,1]
    `,
  );
  checkText(
    planned([], build),
    `
      kernel 0: map [4, 2]
        load0 f32:input0#0+0[2,1]
        store f32:output0#3+0[2,1] = load0
      kernel 1: scatterRows [1, 2, 2]
        operand f32:input1#1+0[0,2,1]
        operand i32:input2#2+0[1]
        target f32:output0#3+0[0,2,1]
    `,
  );
});
