/**
 * Attention: each position of a sequence has a query that is compared with the keys of all positions, and takes the mean of their values
 * by the weights that result.
 *
 * @module
 */
import { aRecord, argument, flag, real, tensors } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { isBool, isFloat } from "../core/dtype.ts";
import { DTypeError, ShapeError } from "../core/errors.ts";
import { add, mul } from "../core/ops/arithmetic.ts";
import { logicalAnd } from "../core/ops/logic.ts";
import { ge, ne } from "../core/ops/compare.ts";
import { iota } from "../core/ops/creation.ts";
import { matmul } from "../core/ops/matmul.ts";
import { transpose } from "../core/ops/movement.ts";
import { softmax } from "../core/ops/nn.ts";
import { where } from "../core/ops/select.ts";
import { fraction } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { drop } from "./drop.ts";

/** Options of `scaledDotProductAttention`. */
export interface AttentionOptions {
  /**
   * Broadcast to [..., queries, keys]. Of bools: true where a query may attend to a key. Of floats: added to the scores,
   * -Infinity to forbid. By default all are allowed.
   */
  readonly mask?: Tensor;
  /** Whether query i attends to the keys 0 to i only. Default false. */
  readonly causal?: boolean;
  /** What the products are multiplied with. Default 1 / sqrt(features). */
  readonly scale?: number;
  /** Sets weights to 0 with probability `p`, and divides the others by 1 - p; `key` is one of `random`. For training. Default nothing. */
  readonly dropout?: { readonly p: number; readonly key: Tensor };
}

const attentionOptions = optionTable<AttentionOptions>({ mask: tensors, causal: flag, scale: real, dropout: aRecord() });

/**
 * softmax(query key^T / sqrt(features)) value: for each query the mean of the values, weighted by how well their keys match the
 * query.
 *
 * Query [..., queries, features], key [..., keys, features], value [..., keys, out]; the axes before are broadcast. A query for
 * which the mask forbids all keys gets zeros.
 *
 * ```ts
 * import { scaledDotProductAttention, tensor, toArray } from "../mod.ts";
 * const x = tensor([[1, 0], [0, 1]]);
 * console.log(await toArray(scaledDotProductAttention(x, x, x, { causal: true }))); // [[1, 0], [0.330..., 0.669...]]
 * ```
 *
 * @returns [..., queries, out]
 * @throws {ShapeError} If the axes do not fit each other or the mask.
 * @throws {DTypeError} If the mask is of integers.
 * @throws {RangeError} If the probability of dropout is not in [0, 1].
 * @see Vaswani et al., "Attention is all you need", 2017
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const { mask, causal = false, scale, dropout } = checkOptions(options, attentionOptions, "scaledDotProductAttention");
  argument(query, tensors, "query", "scaledDotProductAttention");
  argument(key, tensors, "key", "scaledDotProductAttention");
  argument(value, tensors, "value", "scaledDotProductAttention");
  checkAttention(query.shape, key.shape, value.shape);
  const scores = mul(matmul(query, transpose(key)), scale ?? 1 / Math.sqrt(query.shape[query.rank - 1]));
  const weights = weigh(scores, mask, causal);
  const dropped = dropout ? drop(dropout.key, weights, weights.shape, fraction(dropout.p, "p")) : weights;
  return matmul(dropped, value);
}

/** Softmax over the keys that are allowed: finite everywhere, also where none is. */
function weigh(scores: Tensor, mask: Tensor | undefined, causal: boolean): Tensor {
  const tests: Tensor[] = [];
  let biased = scores;
  if (mask && isBool(mask.dtype)) {
    tests.push(mask);
  } else if (mask) {
    if (!isFloat(mask.dtype)) {
      throw new DTypeError(`Cannot attend with a mask of type ${mask.dtype}: it must be of bools or floats`, {
        dtype: mask.dtype,
      });
    }
    const finite = ne(mask, -Infinity);
    tests.push(finite);
    biased = add(scores, where(finite, mask, 0));
  }
  const square = scores.shape.slice(-2);
  if (causal) tests.push(ge(iota(square, 0), iota(square, 1)));
  if (tests.length === 0) return softmax(biased);
  const allowed = tests.reduce(logicalAnd);
  // Below any score, but such that the difference of two is a number.
  return where(allowed, softmax(where(allowed, biased, -1e30)), 0);
}

function checkAttention(query: Shape, key: Shape, value: Shape): void {
  const shapes = [query, key, value];
  const refuse = (reason: string): never => {
    throw new ShapeError(`Cannot attend with query, key and value ${shapes.map(showShape).join(", ")}: ${reason}`, { shapes });
  };
  if (shapes.some(({ length }) => length < 2)) refuse("each needs the axes [..., positions, features]");
  if (query.at(-1) !== key.at(-1)) refuse(`queries have ${query.at(-1)} features, keys ${key.at(-1)}`);
  if (key.at(-2) !== value.at(-2)) refuse(`there are ${key.at(-2)} keys, but ${value.at(-2)} values`);
}
