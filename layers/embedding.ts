/**
 * The embedding layer: a learned vector for each of a number of things.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { computeType } from "../core/dtype.ts";
import { aFunction, argument, real, tensors } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { stopGradient } from "../core/ops/cast.ts";
import { add } from "../core/ops/arithmetic.ts";
import { logicalAnd } from "../core/ops/logic.ts";
import { eq, ge, lt } from "../core/ops/compare.ts";
import { iota } from "../core/ops/creation.ts";
import { zerosLike } from "../core/ops/constant.ts";
import { firstOutside, knownExtremes } from "../core/ops/known.ts";
import { expandDims } from "../core/ops/movement.ts";
import { where } from "../core/ops/select.ts";
import { take } from "../core/ops/take.ts";
import { integer } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Initializer } from "./init.ts";
import { empty, parameter } from "./parameters.ts";
import { normal } from "./initializers/mod.ts";
import type { Layer } from "./layer.ts";

/** Options of `embedding`. */
export interface EmbeddingOptions {
  /** The number of vectors: indices are integers from 0 to numEmbeddings - 1. */
  readonly numEmbeddings: number;
  /** The length of a vector. */
  readonly features: number;
  /** The index of padding: its vector starts as 0 and has no gradient. Default none. */
  readonly paddingIndex?: number;
  /** The initializer of the vectors, see `initializers`. Default normal with deviation 1. */
  readonly weightInit?: Initializer;
}

const embeddingOptions = optionTable<EmbeddingOptions>({
  numEmbeddings: needed(real),
  features: needed(real),
  paddingIndex: real,
  weightInit: aFunction(),
});

/** What `embedding` learns. */
export interface EmbeddingParams {
  /** [numEmbeddings, features]: a row for each index. */
  readonly weight: Tensor;
}

/**
 * The vector of each index: row `i` of `weight` for index `i`.
 *
 * Input [batch, ...], integers from 0 to numEmbeddings - 1; output [batch, ..., features]. Other indices are an error where the values
 * are at hand; where they are not, as inside `jit`, their vectors are NaN, since a program on a device cannot raise an error.
 *
 * ```ts
 * import { layers, random, tensor } from "../mod.ts";
 * const words = layers.embedding({ numEmbeddings: 1000, features: 16, paddingIndex: 0 });
 * const model = layers.serial({ words, drop: layers.dropout(0.1) });
 * const { params, state, output } = model.init(random.key(0), [5]);
 * const [y] = model.apply(params, state, tensor([[7, 42, 999, 0, 0]], { dtype: "i32" }), layers.trainMode(random.key(1)));
 * console.log(output, y.shape); // [5, 16] [1, 5, 16]
 * ```
 *
 * @throws {RangeError} If `numEmbeddings` or `features` is no integer of at least 1, or there is no such `paddingIndex`.
 * @throws {DTypeError} From `apply`, if the input is not of integers.
 * @throws {RangeError} From `apply`, if an index is known to be none of these.
 */
export function embedding(options: EmbeddingOptions): Layer<EmbeddingParams> {
  const { numEmbeddings, features, paddingIndex, weightInit = normal() } = checkOptions(options, embeddingOptions, "embedding");
  const shape = [integer(numEmbeddings, "numEmbeddings"), integer(features, "features")];
  if (paddingIndex !== undefined && !(integer(paddingIndex, "paddingIndex", 0) < numEmbeddings)) {
    throw new RangeError(`paddingIndex must be below numEmbeddings (${numEmbeddings}), but is ${paddingIndex}`);
  }
  /** `fill` of each row that stands for padding, the rows themselves of the others. */
  const unlessPadding = (indices: Tensor, rows: Tensor, fill: Tensor) =>
    paddingIndex === undefined ? rows : where(expandDims(eq(indices, paddingIndex), { axis: -1 }), fill, rows);
  return checkedLayer({
    kind: "embedding",
    init: (key, inputShape) => {
      const weight = parameter(key, "weight", shape, weightInit);
      return {
        params: { weight: unlessPadding(iota([numEmbeddings], 0), weight, zerosLike(weight)) },
        state: empty,
        output: [...inputShape, features],
      };
    },
    apply: ({ weight }, state, x) => {
      argument(weight, tensors, "weight", "embedding");
      const rows = lookUp(weight, x);
      return [unlessPadding(x, rows, stopGradient(rows)), state];
    },
  });
}

/** The rows of a weight that the indices name; NaN for those that name none, if nobody could look at them before. */
function lookUp(weight: Tensor, indices: Tensor): Tensor {
  const [count] = weight.shape;
  const isKnown = knownExtremes(indices) !== undefined;
  const outside = isKnown ? firstOutside(indices, 0, count) : undefined;
  if (outside) {
    throw new RangeError(
      `Cannot embed index ${outside.value} (element ${outside.position}): the ${count} vectors have indices 0 to ${count - 1}`,
    );
  }
  const rows = take(weight, indices);
  if (isKnown) return rows;
  const named = expandDims(logicalAnd(ge(indices, 0), lt(indices, count)), { axis: -1 });
  // A sum, because derivatives go through it for nothing; floats for storage are not summed.
  return computeType(rows.dtype) === rows.dtype ? add(rows, where(named, 0, NaN)) : where(named, rows, NaN);
}
