/**
 * Products along axes.
 *
 * The derivative by an element is the product of all others. It is computed as that, not as a quotient, so that it is right when elements
 * are 0, and so are its own derivatives.
 *
 * @module
 */
import { checkOptions } from "../options.ts";
import { sizeOf } from "../shape.ts";
import type { Op, Tensor, TensorLike } from "../tensor.ts";
import { asTensor } from "./literal.ts";
import { mul } from "./arithmetic.ts";
import { upcast } from "./cast.ts";
import { concat, stack } from "./concat.ts";
import { onesLike } from "./constant.ts";
import { apply, numberDType } from "./define.ts";
import { moveAxis } from "./movement.ts";
import { reshape } from "./reshape.ts";
import {
  behind,
  broadcastBack,
  type ReduceAttrs,
  reduceBy,
  reducedShape,
  type ReduceOptions,
  reduceOptions,
  sum,
} from "./sum.ts";
import { slice } from "./slice.ts";

/**
 * For each element of [rows, n] the product of the others in its row. Neighbours become pairs with one product; what lies outside a
 * pair is the product of the other pairs, times the partner inside: work in proportion to n. The last of an odd number stays alone.
 */
function productOfOthers(x: Tensor): Tensor {
  const [rows, n] = x.shape;
  if (n <= 1) return onesLike(x);
  const paired = n - n % 2;
  const columns = (y: Tensor, start: number, stop: number, step = 1) => slice(y, { axis: 1, start, stop, step });
  const alone = (y: Tensor, start: number) => n > paired ? [columns(y, start, start + 1)] : [];
  const [left, right] = [0, 1].map((start) => columns(x, start, paired, 2));
  const products = productOfOthers(concat([mul(left, right), ...alone(x, paired)], { axis: 1 }));
  const outside = columns(products, 0, paired / 2);
  const both = reshape(stack([mul(outside, right), mul(outside, left)], { axis: 2 }), [rows, paired]);
  return concat([both, ...alone(products, paired / 2)], { axis: 1 });
}

function derivative(x: Tensor, axes: readonly number[]): Tensor {
  const last = axes.map((_, i) => x.rank - axes.length + i);
  const moved = moveAxis(x, axes, last);
  const n = sizeOf(axes.map((axis) => x.shape[axis]));
  const rows = n === 0 ? 0 : x.size / n;
  return moveAxis(reshape(productOfOthers(reshape(moved, [rows, n])), moved.shape), last, axes);
}

export const prodOp: Op<ReduceAttrs> = {
  name: "prod",
  shape: reducedShape,
  dtype: numberDType("take prod of"),
  vjp: (g, [x], _, { axes }) => [mul(broadcastBack(g, x.shape, axes), derivative(x, axes))],
  jvp: ([t], [x], _, { axes }) => [t && sum(mul(t, derivative(x, axes)), { axis: axes })],
  vmap: ([x], _, { axes }) => apply(prodOp, [x], { axes: behind(axes) }),
  lower: { kind: "reduce", op: "prod", axes: ({ axes }) => axes },
};
/**
 * The product over axes; bool and u8 are multiplied as i32, floats for storage as f32. Of nothing it is 1.
 *
 * ```ts
 * import { prod, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(prod(tensor([[1, 2], [3, 4]]), { axis: 1 }))); // [2, 12]
 * ```
 */
export function prod(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions(options, reduceOptions, "prod");
  const tensor = asTensor(x);
  return reduceBy(prodOp, upcast(tensor), options);
}
