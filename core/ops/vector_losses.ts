/**
 * Losses of vectors: how alike they are by angle or distance.
 *
 * @module
 */
import { real, scalar, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { sameShape, type Shape, showShape } from "../shape.ts";
import type { Scalar, Tensor, TensorLike } from "../tensor.ts";
import { align } from "./arguments.ts";
import { asFloat } from "./cast.ts";
import { asTensor } from "./literal.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { firstWrong, knownValues } from "./known.ts";
import { type LossOptions, reduceLoss, reductions, sameShapes } from "./losses.ts";
import type { AxisOptions } from "./nn.ts";
import { norm, normalize } from "./norm.ts";
import { sum } from "./sum.ts";
import { where } from "./select.ts";
import { relu } from "./unary.ts";

/** Options of `cosineSimilarity`. */
export interface CosineSimilarityOptions extends AxisOptions {
  /** Lower bound of the vectors' lengths in the divisor. Default 1e-8. */
  readonly epsilon?: number;
}

const cosineSimilarityOptions = optionTable<CosineSimilarityOptions>({ axis: whole, epsilon: real });

/**
 * The cosine of the angle between vectors, which lie along an axis: by default the last (PyTorch's is 1). The others broadcast.
 *
 * ```ts
 * import { cosineSimilarity, item, tensor } from "../../mod.ts";
 * console.log(await item(cosineSimilarity(tensor([1, 0]), tensor([3, 4])))); // 0.6
 * ```
 *
 * @returns In [-1, 1], without the axis; 0 if a vector is 0.
 * @throws {ShapeError} If the shapes do not broadcast.
 */
export function cosineSimilarity(x: TensorLike, y: TensorLike, options: CosineSimilarityOptions = {}): Tensor {
  checkOptions(options, cosineSimilarityOptions, "cosineSimilarity");
  const [a, b] = align([asFloat(x), asFloat(y)], "cosineSimilarity");
  const { axis = -1, epsilon = 1e-8 } = options;
  return sum(mul(normalize(a, { axis, epsilon }), normalize(b, { axis, epsilon })), { axis });
}

/** Options of `cosineEmbeddingLoss`. */
export interface CosineEmbeddingLossOptions extends LossOptions {
  /** The cosine up to which the loss of unlike vectors is 0, from -1 to 1. Default 0. */
  readonly margin?: Scalar;
}

const cosineEmbeddingLossOptions = optionTable<CosineEmbeddingLossOptions>({ reduction: reductions, margin: scalar });

/**
 * Moves like vectors together and unlike ones apart: 1 - cosine for labels of 1, max(0, cosine - margin) for labels of -1.
 *
 * ```ts
 * import { cosineEmbeddingLoss, tensor, toArray } from "../../mod.ts";
 * const [x, y] = [tensor([[1, 0], [1, 0]]), tensor([[3, 4], [3, 4]])];
 * console.log(await toArray(cosineEmbeddingLoss(x, y, tensor([1, -1]), { reduction: "none" }))); // [0.4, 0.6]
 * ```
 *
 * @param x [batch, features] or [features]
 * @param y Of the same shape.
 * @param labels 1 or -1 per example: [batch] or []. Others are an error where the values are at hand; where they are not, as inside `jit`,
 * they make the loss NaN.
 * @throws {ShapeError} If the shapes differ, or there is not one label per example.
 * @throws {RangeError} If a label is known to be neither.
 */
export function cosineEmbeddingLoss(
  x: TensorLike,
  y: TensorLike,
  labels: TensorLike,
  options: CosineEmbeddingLossOptions = {},
): Tensor {
  checkOptions(options, cosineEmbeddingLossOptions, "cosineEmbeddingLoss");
  const [a, b] = sameShapes(x, y, "cosineEmbeddingLoss");
  const like = asTensor(labels);
  checkPerExample(like.shape, a.shape, "cosineEmbeddingLoss");
  const wrong = firstWrong(knownValues(like), (label) => label !== 1 && label !== -1);
  if (wrong) {
    throw new RangeError(
      `Cannot take cosineEmbeddingLoss with label ${wrong.value} (element ${wrong.position}): they are 1 and -1`,
    );
  }
  const cosine = cosineSimilarity(a, b);
  const unlike = where(eq(like, -1), relu(sub(cosine, options.margin ?? 0)), NaN);
  return reduceLoss(where(eq(like, 1), sub(1, cosine), unlike), options);
}

function checkPerExample(labels: Shape, shape: Shape, what: string): void {
  if (shape.length > 0 && sameShape(labels, shape.slice(0, -1))) return;
  throw new ShapeError(
    `Cannot take ${what} of ${showShape(shape)} with labels ${showShape(labels)}: one label per example is needed, ` +
      showShape(shape.slice(0, -1)),
    { shape, labels },
  );
}

/** Options of `tripletMarginLoss`. */
export interface TripletMarginLossOptions extends LossOptions {
  /** How much farther than the positive example the negative must be for a loss of 0. Default 1. */
  readonly margin?: Scalar;
}

const tripletMarginLossOptions = optionTable<TripletMarginLossOptions>({ reduction: reductions, margin: scalar });

/**
 * Moves an anchor nearer to a positive example than to a negative one: max(0, |anchor - positive| - |anchor - negative| +
 * margin), with Euclidean distances along the last axis.
 *
 * ```ts
 * import { item, tensor, tripletMarginLoss } from "../../mod.ts";
 * console.log(await item(tripletMarginLoss(tensor([[0, 0]]), tensor([[3, 4]]), tensor([[0, 5.5]])))); // 0.5
 * ```
 *
 * @throws {ShapeError} If the shapes differ.
 * @see Schroff et al., "FaceNet: a unified embedding for face recognition and clustering", 2015
 */
export function tripletMarginLoss(
  anchor: TensorLike,
  positiveExample: TensorLike,
  negativeExample: TensorLike,
  options: TripletMarginLossOptions = {},
): Tensor {
  checkOptions(options, tripletMarginLossOptions, "tripletMarginLoss");
  const [a, p] = sameShapes(anchor, positiveExample, "tripletMarginLoss");
  const [, n] = sameShapes(a, negativeExample, "tripletMarginLoss");
  const { margin = 1, reduction } = options;
  // PyTorch adds 1e-6 to every difference; it keeps the distance from the point where it has no derivative.
  const distance = (x: Tensor) => norm(add(sub(a, x), 1e-6), { axis: -1 });
  return reduceLoss(relu(add(sub(distance(p), distance(n)), margin)), { reduction });
}
