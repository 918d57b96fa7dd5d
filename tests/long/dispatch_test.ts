/**
 * Products in tiles with more workgroups along an axis than a dispatch may have there.
 *
 * @module
 */
import { add, convTranspose1d, full, matmul, ones } from "../../mod.ts";
import { many, numbers, testWorkgroups } from "../support/workgroups.ts";

testWorkgroups({
  "a transposed convolution of a large stride": [
    () => convTranspose1d(add(numbers([1, 1, 5]), 1), ones([1, 1, 2]), { stride: 2 ** 20 }),
    (i) => i % 2 ** 20 < 2 ? Math.floor(i / 2 ** 20) + 1 : 0,
  ],
  "a product of matrices": [
    () => matmul(full([2, 1], 2), numbers([1, 2 * many])),
    (i) => Math.fround(2 * (i % (2 * many))),
  ],
});
