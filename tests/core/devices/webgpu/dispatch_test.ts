/**
 * Kernels with more workgroups along an axis than a dispatch may have there: those that take no time. (The others: `tests/long`.)
 *
 * @module
 */
import { conv2d, full, grad, mul, ones, sum, type Tensor } from "../../../../mod.ts";
import { many, numbers, testWorkgroups } from "../../../support/workgroups.ts";

testWorkgroups({
  "a convolution": [() => conv2d(numbers([1, 1, many, 1]), full([1, 1, 1, 1], 3)), (i) => Math.fround(3 * i)],
  "the gradient by its input": [
    () => grad((x: Tensor) => sum(mul(conv2d(x, full([1, 1, 1, 1], 3)), numbers([1, 1, many, 1]))))(ones([1, 1, many, 1])),
    (i) => Math.fround(3 * i),
  ],
  "the gradient by its filter": [
    () => grad((w: Tensor) => sum(conv2d(numbers([1, many, 1, 1]), w)))(ones([1, many, 1, 1])),
    (i) => i,
  ],
});
