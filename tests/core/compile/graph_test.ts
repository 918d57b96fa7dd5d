/**
 * From tensors to the graph, rule by rule: what disappears by algebra, what is one, and what must stay because a value would change.
 *
 * @module
 */
import { showGraph } from "../../../core/compile/show.ts";
import {
  add,
  broadcastTo,
  cast,
  checkpoint,
  div,
  exp,
  flip,
  log,
  matmul,
  mul,
  neg,
  ones,
  permute,
  pow,
  reshape,
  slice,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transpose,
} from "../../../mod.ts";
import { checkLines } from "./by_hand.ts";
import { type Argument, f32, graphOf } from "./graphs.ts";

function checkGraph(f: (...xs: Tensor[]) => Tensor | readonly Tensor[], args: readonly Argument[], expected: string): void {
  checkLines(showGraph(graphOf(f, ...args).graph), expected);
}

Deno.test("x + 0, x - 0, x * 1, x / 1 and x ^ 1 are x", () => {
  checkGraph(
    (x) => [add(x, 0), sub(x, 0), mul(x, 1), div(x, 1), pow(x, 1)],
    [f32(3)],
    `
      %0 = input 0 : f32[3] -> output
    `,
  );
});

Deno.test("0 * x stays: it is not 0 for NaN and infinity", () => {
  checkGraph(
    (x) => mul(0, x),
    [f32(3)],
    `
      %0 = input 0 : f32[3]
      %1 = full() {"value":0,"shape":[3],"dtype":"f32"} : f32[3]
      %2 = mul(%1, %0)  : f32[3] -> output
    `,
  );
});

Deno.test("constants are computed, rounded to their type", () => {
  checkGraph(
    (x) => mul(x, add(mul(broadcastTo(0.1, [3]), 3), 1)),
    [f32(3)],
    `
      %0 = input 0 : f32[3]
      %6 = full() {"value":1.2999999523162842,"shape":[3],"dtype":"f32"} : f32[3]
      %7 = mul(%0, %6)  : f32[3] -> output
    `,
  );
});

Deno.test("the sum of a constant is a constant, and what is seen of one another way is one", () => {
  checkGraph(
    (x) => [mul(x, sum(ones([4, 5]))), add(x, slice(flip(transpose(ones([3, 4]))), { stop: 1 }))],
    [f32(3)],
    `
      %0 = input 0 : f32[3]
      %3 = full() {"value":20,"shape":[3],"dtype":"f32"} : f32[3]
      %4 = mul(%0, %3)  : f32[3] -> output
      %5 = broadcastInDim(%0) {"shape":[1,3],"axes":[1]} : f32[1, 3]
      %8 = full() {"value":1,"shape":[1,3],"dtype":"f32"} : f32[1, 3]
      %9 = add(%5, %8)  : f32[1, 3] -> output
    `,
  );
});

Deno.test("a division by a power of two or by 0 is a product, by other numbers it stays", () => {
  checkGraph(
    (x) => [div(x, 8), div(x, 3), div(x, 0)],
    [f32(3)],
    `
      %0 = input 0 : f32[3]
      %2 = full() {"value":0.125,"shape":[3],"dtype":"f32"} : f32[3]
      %3 = mul(%0, %2)  : f32[3] -> output
      %4 = full() {"value":3,"shape":[3],"dtype":"f32"} : f32[3]
      %5 = div(%0, %4)  : f32[3] -> output
      %7 = full() {"value":"Infinity","shape":[3],"dtype":"f32"} : f32[3]
      %8 = mul(%0, %7)  : f32[3] -> output
    `,
  );
});

Deno.test("the negative of the negative is the number", () => {
  checkGraph(
    (x) => exp(neg(neg(x))),
    [f32(3)],
    `
      %0 = input 0 : f32[3]
      %2 = exp(%0)  : f32[3] -> output
    `,
  );
});

Deno.test("equal expressions are one", () => {
  checkGraph(
    (x, y) => [mul(exp(add(x, y)), 2), sub(exp(add(x, y)), 1)],
    [f32(3), f32(3)],
    `
      %0 = input 0 : f32[3]
      %1 = input 1 : f32[3]
      %2 = add(%0, %1)  : f32[3]
      %3 = exp(%2)  : f32[3]
      %4 = full() {"value":2,"shape":[3],"dtype":"f32"} : f32[3]
      %5 = mul(%3, %4)  : f32[3] -> output
      %6 = full() {"value":1,"shape":[3],"dtype":"f32"} : f32[3]
      %7 = sub(%3, %6)  : f32[3] -> output
    `,
  );
});

Deno.test("sums of x and y and of y and x are two: nothing is reordered", () => {
  checkGraph(
    (x, y) => [add(x, y), add(y, x)],
    [f32(3), f32(3)],
    `
      %0 = input 0 : f32[3]
      %1 = input 1 : f32[3]
      %2 = add(%0, %1)  : f32[3] -> output
      %3 = add(%1, %0)  : f32[3] -> output
    `,
  );
});

Deno.test("transposes that undo each other disappear, others become one", () => {
  checkGraph(
    (x) => [permute(permute(x, [1, 0, 2]), [1, 0, 2]), permute(permute(x, [1, 0, 2]), [0, 2, 1])],
    [
      f32(2, 3, 4),
    ],
    `
    %0 = input 0 : f32[2, 3, 4] -> output
    %2 = permute(%0) {"order":[1,2,0]} : f32[3, 4, 2] -> output
  `,
  );
});

Deno.test("a transposed product is the product of the transposes the other way around", () => {
  checkGraph(
    (x, y) => transpose(matmul(x, y)),
    [f32(2, 3), f32(3, 4)],
    `
      %0 = input 0 : f32[2, 3]
      %1 = input 1 : f32[3, 4]
      %3 = permute(%1) {"order":[1,0]} : f32[4, 3]
      %4 = permute(%0) {"order":[1,0]} : f32[3, 2]
      %5 = matmul(%3, %4)  : f32[4, 2] -> output
    `,
  );
});

Deno.test("only the last of several reshapes counts, and none to the same shape", () => {
  checkGraph(
    (x) => [reshape(reshape(x, [6]), [3, 2]), reshape(reshape(x, [6]), [2, 3])],
    [f32(2, 3)],
    `
      %0 = input 0 : f32[2, 3] -> output
      %2 = reshape(%0) {"shape":[3,2]} : f32[3, 2] -> output
    `,
  );
});

Deno.test("a cast to the same type disappears; one from another type stays", () => {
  checkGraph(
    (x) => [cast(cast(x, "f32"), "i32"), cast(cast(x, "i32"), "f32")],
    [f32(3)],
    `
      %0 = input 0 : f32[3]
      %1 = cast(%0) {"dtype":"i32"} : i32[3] -> output
      %2 = cast(%1) {"dtype":"f32"} : f32[3] -> output
    `,
  );
});

Deno.test("what only concerns derivatives is not there when values are computed", () => {
  checkGraph(
    (x) => [stopGradient(exp(x)), checkpoint((x: Tensor) => log(x))(x)],
    [f32(3)],
    `
      %0 = input 0 : f32[3]
      %1 = exp(%0)  : f32[3] -> output
      %2 = log(%0)  : f32[3] -> output
    `,
  );
});
