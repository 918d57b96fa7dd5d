/**
 * Loops as kernels, rule by rule: state in the same memory from round to round, and only results that are used.
 *
 * @module
 */
import { add, matmul, mul, scan, tanh, type Tensor } from "../../../mod.ts";
import { checkText } from "./by_hand.ts";
import { type Argument, f32, lowered } from "./graphs.ts";

function checkLowered(f: (...xs: Tensor[]) => Tensor | readonly Tensor[], args: readonly Argument[], expected: string): void {
  checkText(lowered(f, args), expected);
}

Deno.test("state is copied once, then overwritten by every round; rows are read and written by the number of the round", () => {
  checkLowered(
    (start, xs) => {
      const [last, sums] = scan(
        (before: Tensor, x: Tensor) => {
          const next = add(before, x);
          return [next, next];
        },
        start,
        xs,
      );
      return [last, sums];
    },
    [f32(2), f32(5, 2)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+0[1] = load0
      kernel 1: map [1]
        store i32:slot0#4+0[0] = 0
      kernel 2: loop 5 times
        kernel 2.0: gatherRows [1, 1, 2]
          operand f32:input1#1+0[10,2,1]
          operand i32:slot0#4+0[1]
          store f32:slot1#5+0[0,0,1] = result0
        kernel 2.1: map [2]
          load0 f32:output0#2+0[1]
          load1 f32:slot1#5+0[1]
          store f32:output0#2+0[1] = add(load0, load1)
        kernel 2.2: scatterRows [1, 1, 2]
          operand f32:output0#2+0[2,2,1]
          operand i32:slot0#4+0[1]
          target f32:output1#3+0[0,2,1]
        kernel 2.3: map [1]
          load0 i32:slot0#4+0[0]
          store i32:slot0#4+0[0] = add(load0, 1)
    `,
  );
});

Deno.test("results that are not used are not collected", () => {
  checkLowered(
    (start, xs) => scan((h: Tensor, x: Tensor) => [add(h, x), mul(h, x)], start, xs)[0],
    [f32(2), f32(5, 2)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+0[1] = load0
      kernel 1: map [1]
        store i32:slot0#3+0[0] = 0
      kernel 2: loop 5 times
        kernel 2.0: gatherRows [1, 1, 2]
          operand f32:input1#1+0[10,2,1]
          operand i32:slot0#3+0[1]
          store f32:slot1#4+0[0,0,1] = result0
        kernel 2.1: map [2]
          load0 f32:output0#2+0[1]
          load1 f32:slot1#4+0[1]
          store f32:output0#2+0[1] = add(load0, load1)
        kernel 2.2: map [1]
          load0 i32:slot0#3+0[0]
          store i32:slot0#3+0[0] = add(load0, 1)
    `,
  );
});

Deno.test("a state that no wanted result needs is not there", () => {
  checkLowered(
    (a, b, xs) => scan(({ p, q }, x: Tensor) => [{ p: add(p, x), q: mul(q, x) }, null], { p: a, q: b }, xs)[0].p,
    [f32(2), f32(2), f32(5, 2)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#3+0[1] = load0
      kernel 1: map [1]
        store i32:slot0#4+0[0] = 0
      kernel 2: loop 5 times
        kernel 2.0: gatherRows [1, 1, 2]
          operand f32:input2#2+0[10,2,1]
          operand i32:slot0#4+0[1]
          store f32:slot1#5+0[0,0,1] = result0
        kernel 2.1: map [2]
          load0 f32:output0#3+0[1]
          load1 f32:slot1#5+0[1]
          store f32:output0#3+0[1] = add(load0, load1)
        kernel 2.2: map [1]
          load0 i32:slot0#4+0[0]
          store i32:slot0#4+0[0] = add(load0, 1)
    `,
  );
});

Deno.test("where a later kernel still needs the old state, the new one is copied at the end of the round", () => {
  checkLowered(
    (a, b) => {
      const [{ p, q }] = scan(({ p, q }) => [{ p: q, q: add(p, q) }, null], { p: a, q: b }, null, { length: 10 });
      return [p, q];
    },
    [f32(2), f32(2)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+0[1] = load0
      kernel 1: map [2]
        load0 f32:input1#1+0[1]
        store f32:output1#3+0[1] = load0
      kernel 2: map [1]
        store i32:slot0#4+0[0] = 0
      kernel 3: loop 10 times
        kernel 3.0: map [2]
          load0 f32:output1#3+0[1]
          store f32:slot1#5+0[1] = load0
        kernel 3.1: map [2]
          load0 f32:output0#2+0[1]
          load1 f32:output1#3+0[1]
          store f32:output1#3+0[1] = add(load0, load1)
        kernel 3.2: map [1]
          load0 i32:slot0#4+0[0]
          store i32:slot0#4+0[0] = add(load0, 1)
        kernel 3.3: map [2]
          load0 f32:slot1#5+0[1]
          store f32:output0#2+0[1] = load0
    `,
  );
});

Deno.test("in reverse the rows are counted down", () => {
  checkLowered(
    (start, xs) => scan((h: Tensor, x: Tensor) => [mul(h, x), null], start, xs, { reverse: true })[0],
    [
      f32(2),
      f32(5, 2),
    ],
    `
    kernel 0: map [2]
      load0 f32:input0#0+0[1]
      store f32:output0#2+0[1] = load0
    kernel 1: map [1]
      store i32:slot0#3+0[0] = 4
    kernel 2: loop 5 times
      kernel 2.0: gatherRows [1, 1, 2]
        operand f32:input1#1+0[10,2,1]
        operand i32:slot0#3+0[1]
        store f32:slot1#4+0[0,0,1] = result0
      kernel 2.1: map [2]
        load0 f32:output0#2+0[1]
        load1 f32:slot1#4+0[1]
        store f32:output0#2+0[1] = mul(load0, load1)
      kernel 2.2: map [1]
        load0 i32:slot0#3+0[0]
        store i32:slot0#3+0[0] = add(load0, -1)
  `,
  );
});

Deno.test("what the step captures is read where it is", () => {
  checkLowered(
    (start, w) => scan((h: Tensor) => [tanh(matmul(w, h)), null], start, null, { length: 3 })[0],
    [f32(2, 1), f32(2, 2)],
    `
      kernel 0: map [2, 1]
        load0 f32:input0#0+0[1,0]
        store f32:output0#2+0[1,0] = load0
      kernel 1: map [1]
        store i32:slot0#3+0[0] = 0
      kernel 2: loop 3 times
        kernel 2.0: matmul [1, 2, 1] k 2
          operand f32:input1#1+0[0,2,1]
          operand f32:output0#2+0[0,1,0]
          store f32:slot1#4+0[0,1,0] = result0
        kernel 2.1: map [2, 1]
          load0 f32:slot1#4+0[1,0]
          store f32:output0#2+0[1,0] = tanh(load0)
        kernel 2.2: map [1]
          load0 i32:slot0#3+0[0]
          store i32:slot0#3+0[0] = add(load0, 1)
    `,
  );
});

Deno.test("loops within loops", () => {
  checkLowered(
    (start, xs) =>
      scan((h: Tensor, x: Tensor) => [scan((g: Tensor) => [mul(g, x), null], h, null, { length: 2 })[0], null], start, xs)[0],
    [f32(2), f32(3, 2)],
    `
      kernel 0: map [2]
        load0 f32:input0#0+0[1]
        store f32:output0#2+0[1] = load0
      kernel 1: map [1]
        store i32:slot0#3+0[0] = 0
      kernel 2: loop 3 times
        kernel 2.0: gatherRows [1, 1, 2]
          operand f32:input1#1+0[6,2,1]
          operand i32:slot0#3+0[1]
          store f32:slot1#4+0[0,0,1] = result0
        kernel 2.1: map [1]
          store i32:slot2#5+0[0] = 0
        kernel 2.2: loop 2 times
          kernel 2.2.0: map [2]
            load0 f32:output0#2+0[1]
            load1 f32:slot1#4+0[1]
            store f32:output0#2+0[1] = mul(load0, load1)
          kernel 2.2.1: map [1]
            load0 i32:slot2#5+0[0]
            store i32:slot2#5+0[0] = add(load0, 1)
        kernel 2.3: map [1]
          load0 i32:slot0#3+0[0]
          store i32:slot0#3+0[0] = add(load0, 1)
    `,
  );
});
