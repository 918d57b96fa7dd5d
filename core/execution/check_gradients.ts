/**
 * Checking derivatives against differences.
 *
 * @module
 */
import { nonNegative, positive } from "../ranges.ts";
import { aFunction, aList, argument, oneOf, real, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { isFloat } from "../dtype.ts";
import { CotangentError, DTypeError } from "../errors.ts";
import { nameClasses } from "../quoted.ts";
import { vjp } from "../grad/vjp.ts";
import { add, mul, sub } from "../ops/arithmetic.ts";
import { cast } from "../ops/cast.ts";
import { sum } from "../ops/sum.ts";
import { foldIn, key, randint } from "../random.ts";
import { item } from "./read.ts";
import { Tensor } from "../tensor.ts";
import { mapLeaves, refusePromises, treeTensors } from "../tree.ts";

/** Options of `checkGradients`. */
export interface CheckGradientsOptions {
  /** Whether to check first derivatives only, or second ones too. Default 2. */
  readonly order?: 1 | 2;
  /** How far from the arguments, on both sides, differences are taken. Default 2^-16 for f64, 2^-7 for f32. */
  readonly step?: number;
  /**
   * How far derivative and difference may be apart, relative to their size (or absolute, below 1). Default 1e-6 for f64, 1e-2 for
   * f32.
   */
  readonly tolerance?: number;
  /** What the directions are drawn from. Default 0. */
  readonly seed?: number;
}

const checkGradientsOptions = optionTable<CheckGradientsOptions>({
  order: oneOf(1, 2),
  step: real,
  tolerance: real,
  seed: whole,
});

/** A derivative that does not agree with finite differences. Its facts are `order`, `derivative` and `difference`. */
export class GradientError extends CotangentError {}

nameClasses({ GradientError });

/**
 * Checks a function's first and second derivatives against central finite differences along a random direction. Use it for
 * derivatives of your own (`customVjp`).
 *
 * ```ts
 * import { checkGradients, customVjp, mul, sin, type Tensor, tensor } from "../../mod.ts";
 * await checkGradients((x: Tensor) => mul(sin(x), x), [tensor([0.3, -1.2])]);
 * const wrong = customVjp((x: Tensor) => [mul(x, x), x], (x, g) => [mul(x, g)]);
 * await checkGradients(wrong, [tensor([1, 2])]).catch((error) => console.log(error.message));
 * ```
 *
 * @param f From trees of tensors to a tree of tensors. It must be smooth near the arguments.
 * @param args Arguments. Differences of f64 are good to nine digits, those of f32 to three: prefer f64 where the device has it.
 * @throws {GradientError} If derivative and difference are further apart than the tolerance.
 * @throws {DTypeError} If no argument, or no result, is floating.
 */
export async function checkGradients<A extends unknown[]>(
  f: (...args: A) => unknown,
  args: A,
  options: CheckGradientsOptions = {},
): Promise<void> {
  const { order = 2, step, tolerance, seed = 0 } = checkOptions(options, checkGradientsOptions, "checkGradients");
  argument(f, aFunction(), "f", "checkGradients");
  argument(args as readonly unknown[], aList, "args", "checkGradients");
  if (step !== undefined) positive(step, "step");
  if (tolerance !== undefined) nonNegative(tolerance, "tolerance");
  const xs = floats(args);
  if (xs.length === 0) throw new DTypeError("Cannot check gradients: no argument holds a floating tensor", {});
  const wide = xs.every(({ dtype }) => dtype === "f64");
  const h = step ?? (wide ? 2 ** -16 : 2 ** -7);
  const most = tolerance ?? (wide ? 1e-6 : 1e-2);
  const results = (...at: Tensor[]) => {
    const value = f(...fill(args, at) as A);
    refusePromises(value, "check gradients of");
    return floats(value);
  };
  const outputs = results(...xs);
  if (outputs.length === 0) throw new DTypeError("Cannot check gradients: no result is a floating tensor", {});
  const [along, bend, weights] = [xs, xs, outputs].map((like, i) => directions(like, seed, i));

  let checked = (...at: Tensor[]) => dots(results(...at), weights);
  for (let n = 1; n <= order; n++) {
    const value = checked;
    const slope = (direction: readonly Tensor[]) => (...at: Tensor[]) => {
      const [y, pullback] = vjp(value, ...at);
      return dots(pullback(cast(1, y.dtype)), direction);
    };
    const derivative = await item(slope(along)(...xs));
    const beside = (sign: number) => item(value(...xs.map((x, i) => add(x, mul(along[i], sign * h)))));
    const difference = (await beside(1) - await beside(-1)) / (2 * h);
    if (!(Math.abs(derivative - difference) <= most * Math.max(1, Math.abs(difference)))) {
      const which = n === 1 ? "derivative" : "second derivative";
      throw new GradientError(
        `Cannot confirm the ${which}: along a random direction it is ${derivative}, by differences of ${h} it is ${difference}`,
        { order: n, derivative, difference },
      );
    }
    checked = slope(bend);
  }
}

/** The floating tensors of a tree, and a tree with others in their positions. */
function floats(tree: unknown): Tensor[] {
  return treeTensors(tree).filter(({ dtype }) => isFloat(dtype));
}
function fill(tree: unknown, tensors: readonly Tensor[]): unknown {
  let next = 0;
  return mapLeaves(tree, (leaf) => leaf instanceof Tensor && isFloat(leaf.dtype) ? tensors[next++] : leaf);
}

/** Multiples of 1/8 in [-1, 1], so that steps along them are exact. */
function directions(tensors: readonly Tensor[], seed: number, stream: number): Tensor[] {
  const own = foldIn(key(seed), stream);
  return tensors.map(({ shape, dtype }, i) => mul(sub(cast(randint(foldIn(own, i), shape, { max: 17 }), dtype), 8), 1 / 8));
}

function dots(xs: readonly Tensor[], ys: readonly Tensor[]): Tensor {
  return xs.map((x, i) => sum(mul(x, ys[i]))).reduce(add);
}
