/**
 * What losses of classes compare with: labels, or probabilities of the classes. Labels are looked at where that needs no waiting: one that
 * is no class is an error then, and what is known of the others need not be computed. Where nobody can look at them before, as
 * inside `jit`, one that is no class makes the loss NaN.
 *
 * @module
 */
import { indexType, isFloat, isInteger } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { logicalAnd, logicalNot, logicalOr } from "./logic.ts";
import { cast } from "./cast.ts";
import { eq, ge, lt, ne } from "./compare.ts";
import { iota } from "./creation.ts";
import { firstOutside, knownExtremes, knownValues } from "./known.ts";
import { asTensor } from "./literal.ts";
import { expandDims } from "./movement.ts";
import { where } from "./select.ts";

/** The label of examples to skip, unless another one is given: PyTorch's. */
const skippedByDefault = -100;

/** One label per example. */
export interface Labels {
  readonly kind: "labels";
  /** [batch, ...], i32. */
  readonly classes: Tensor;
  /** Which examples are not skipped; undefined if none is. */
  readonly counted: Tensor | undefined;
  /** Whether the label of skipped examples is that of a class. */
  readonly skipsClass: boolean;
  /** How many classes there are. */
  readonly count: number;
  /** Whether all labels were looked at. */
  readonly known: boolean;
}

/** Labels, or probabilities in the shape of the scores. */
export type Target = Labels | { readonly kind: "shares"; readonly shares: Tensor };

/** Which axis counts the classes. */
export function classAxis({ rank }: { readonly rank: number }): number {
  return rank === 1 ? 0 : 1;
}

/** The labels of scores [batch, classes, ...]; `what` names the loss. */
export function checkLabels(scores: Tensor, labels: TensorLike, skipped = skippedByDefault, what: string): Labels {
  const classes = asTensor(labels);
  if (!isInteger(classes.dtype)) {
    throw new DTypeError(
      `Cannot take ${what} with labels of type ${classes.dtype}: they must be integers, use cast(labels, "i32")`,
      { dtype: classes.dtype },
    );
  }
  const axis = classAxis(scores);
  const expected = scores.shape.filter((_, i) => i !== axis);
  if (scores.rank === 0 || !sameShape(classes.shape, expected)) {
    throw new ShapeError(
      `Cannot take ${what} of ${showShape(scores.shape)} with labels ${showShape(classes.shape)}: ` +
        `one label per example is needed, ${showShape(expected)}`,
      { shape: scores.shape, labels: classes.shape },
    );
  }
  const count = scores.shape[axis];
  const outside = firstOutside(classes, 0, count, skipped);
  if (outside) {
    throw new RangeError(
      `Cannot take ${what} of ${showShape(scores.shape)} with label ${outside.value} (element ${outside.position}): ` +
        `the ${count} classes are 0 to ${count - 1}; examples with label ${skipped} (ignoreIndex) are skipped`,
    );
  }
  const whole = cast(classes, indexType);
  const extremes = knownExtremes(classes);
  const known = extremes !== undefined;
  const skipsNone = known &&
    (skipped < extremes.least || skipped > extremes.most || knownValues(classes)?.includes(skipped) === false);
  const counted = skipsNone ? undefined : ne(whole, skipped);
  const skipsClass = counted !== undefined && skipped >= 0 && skipped < count;
  return { kind: "labels", classes: whole, counted, skipsClass, count, known };
}

/** Labels, or probabilities of the classes. */
export function checkTarget(scores: Tensor, target: TensorLike, skipped: number | undefined, what: string): Target {
  const wanted = asTensor(target);
  const soft = isFloat(wanted.dtype) && scores.rank > 0 && sameShape(wanted.shape, scores.shape);
  return soft ? { kind: "shares", shares: wanted } : checkLabels(scores, wanted, skipped, what);
}

/** For each of the scores whether its class is the label of an example that counts. */
export function isClass({ classes, counted, skipsClass }: Labels, scores: Tensor): Tensor {
  const axis = classAxis(scores);
  const labelled = eq(iota(scores.shape, axis), expandDims(classes, { axis }));
  return counted && skipsClass ? logicalAnd(labelled, expandDims(counted, { axis })) : labelled;
}

/** A number for each example; NaN where the label is no class, which shows, as a loss that one might believe would not. */
export function unlessUnknown({ classes, counted, count, known }: Labels, x: Tensor): Tensor {
  if (known) return x;
  const inside = logicalAnd(ge(classes, 0), lt(classes, count));
  return where(counted ? logicalOr(inside, logicalNot(counted)) : inside, x, NaN);
}
