/**
 * Which nodes are materialized, and which are inlined in the kernels that use them, rule by rule.
 *
 * @module
 */
import assert from "node:assert/strict";
import { abs, add, concat, exp, flip, matmul, mean, mul, softmax, sub, sum, type Tensor } from "../../../mod.ts";
import type { Target } from "../../../core/ir/target.ts";
import { nodesToMaterialize } from "../../../core/compile/materialize.ts";
import { checkText } from "./by_hand.ts";
import { type Argument, f32, graphOf, lowered, target } from "./graphs.ts";

function checkLowered(
  f: (...xs: Tensor[]) => Tensor | readonly Tensor[],
  args: readonly Argument[],
  expected: string,
  options: Partial<Target> = {},
): void {
  checkText(lowered(f, args, options), expected);
}

Deno.test("what two kernels need is computed twice if it is cheap, once if it is expensive", () => {
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

Deno.test("what a broadcast would compute again and again is materialized if it is expensive", () => {
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

Deno.test("what ends a product is shared in place of its bare result, however cheap it is", () => {
  checkLowered(
    (x, w) => {
      const z = add(matmul(x, w), 1);
      return [sum(z, { axis: 0 }), sum(z, { axis: 1 })];
    },
    [f32(2, 3), f32(3, 4)],
    `
      kernel 0: matmul [1, 2, 4] k 3
        operand f32:input0#0+0[0,3,1]
        operand f32:input1#1+0[0,4,1]
        store f32:slot0#4+0[0,4,1] = result0
      kernel 1: map [2, 4]
        load0 f32:slot0#4+0[4,1]
        store f32:slot1#5+0[4,1] = add(load0, 1)
      kernel 2: reduce [4] over [2]
        operand f32:slot1#5+0[1,4]
        sum load0
        store f32:output0#2+0[1] = result0
      kernel 3: reduce [2] over [4]
        operand f32:slot1#5+0[4,1]
        sum load0
        store f32:output1#3+0[1] = result0
    `,
  );
});

Deno.test("what needs the whole of a product does not end it, and is computed again if it is cheap", () => {
  checkLowered(
    (x, w) => {
      const z = matmul(x, w);
      const distance = sub(z, mean(z, { axis: 0 }));
      return [sum(mul(distance, distance), { axis: 0 }), abs(distance)];
    },
    [f32(2, 3), f32(3, 4)],
    `
      kernel 0: matmul [1, 2, 4] k 3
        operand f32:input0#0+0[0,3,1]
        operand f32:input1#1+0[0,4,1]
        store f32:slot0#4+0[0,4,1] = result0
      kernel 1: reduce [4] over [2]
        operand f32:slot0#4+0[1,4]
        sum load0
        store f32:slot1#5+0[1] = result0
      kernel 2: map [4]
        load0 f32:slot1#5+0[1]
        store f32:slot2#6+0[1] = mul(load0, 0.5)
      kernel 3: reduce [4] over [2]
        operand f32:slot0#4+0[1,4]
        operand f32:slot2#6+0[1,0]
        sum mul(sub(load0, load1), sub(load0, load1))
        store f32:output0#2+0[1] = result0
      kernel 4: map [2, 4]
        load0 f32:slot0#4+0[4,1]
        load1 f32:slot2#6+0[0,1]
        store f32:output1#3+0[4,1] = abs(sub(load0, load1))
    `,
  );
});

Deno.test("what follows a reduction ends it, before a broadcast reads it many times", () => {
  checkLowered(
    (x, y) => mul(add(sum(x, { axis: 1, keepDims: true }), 1), y),
    [f32(2, 3), f32(2, 3)],
    `
      kernel 0: reduce [2] over [3]
        operand f32:input0#0+0[3,1]
        sum load0
        store f32:slot0#3+0[1] = result0
      kernel 1: map [2, 1]
        load0 f32:slot0#3+0[1,0]
        store f32:slot1#4+0[1,0] = add(load0, 1)
      kernel 2: map [2, 3]
        load0 f32:slot1#4+0[1,0]
        load1 f32:input1#1+0[3,1]
        store f32:output0#2+0[3,1] = mul(load0, load1)
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
        store f32:slot1#3+0[3,1] = exp(select(eq(load0, Infinity), 0, sub(load0, load1)))
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
  const { kernels: views } = lowered((x) => Array.from({ length: 2000 }).reduce<Tensor>((y) => flip(y), x), [f32(2)]);
  assert.equal(views.length, 4);
});

Deno.test("a device for which each place makes another kernel has few computed parts written where they belong", () => {
  const parts = (x: Tensor, y: Tensor) => concat([exp(x), y, x]);
  checkLowered(
    parts,
    [f32(2), f32(3)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+0[1] = exp(load0)
      kernel 1: map [3]
        load0 f32:input1#1+0[1]
        store f32:output0#2+2[1] = load0
      kernel 2: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+5[1] = load0
    `,
  );
  checkLowered(
    parts,
    [f32(2), f32(3)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:slot0#3+0[1] = exp(load0)
      kernel 1: map [2]
        load0 f32:slot0#3+0[1]
        store f32:output0#2+0[1] = load0
      kernel 2: map [3]
        load0 f32:input1#1+0[1]
        store f32:output0#2+2[1] = load0
      kernel 3: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+5[1] = load0
    `,
    { maxFusedParts: 2 },
  );
});

Deno.test("a graph may have more parts, and a node more users, than a call has arguments", () => {
  const count = 130_000;
  const { graph } = graphOf((x) => concat(Array.from({ length: count }, (_, i) => add(x, i))), f32(1));
  assert.equal(nodesToMaterialize(graph, { ...target, maxFusedParts: 8 }).size, count);
});
