/**
 * Activations of neural networks with rules of their own: smooth ones, which would lose digits if they were made of other operations.
 *
 * @module
 */
import { flag } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import * as expr from "../ir/expr.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asFloat } from "./cast.ts";
import { add, mul, square, sub } from "./arithmetic.ts";
import { gt } from "./compare.ts";
import { apply, type Domain, elementwise, type ElementwiseOp, floatDType } from "./define.ts";
import { where } from "./select.ts";
import { erfc } from "./special.ts";
import { bell, exp, saturating, sigmoid, tanh } from "./unary.ts";

/** A function of one argument: its name in the scalar language and its derivative. */
function activation(name: expr.UnaryOp, domain: Domain, slope: (x: Tensor) => Tensor): ElementwiseOp {
  return elementwise({
    name,
    domain,
    dtype: floatDType(name),
    partials: [(g, x) => mul(g, slope(x))],
    lower: (x) => expr.unary(name, x),
  });
}

// P(x) + x p(x) with the normal distribution's function P and density p
export const geluOp: ElementwiseOp = activation("gelu", "any", (x) => {
  const part = mul(0.5, erfc(mul(x, -Math.SQRT1_2)));
  const density = mul(bell(mul(x, Math.SQRT1_2)), 1 / Math.sqrt(2 * Math.PI));
  return add(part, mul(saturating(x), density));
});

// x s(w) with w = a x + b x^3: s + x s (1 - s) (a + 3 b x^2)
export const geluTanhOp: ElementwiseOp = activation("geluTanh", "any", (x) => {
  const near = saturating(x);
  const [a, b] = [Math.sqrt(8 / Math.PI), 0.044715 * Math.sqrt(8 / Math.PI)];
  const squared = square(near);
  const s = sigmoid(mul(near, add(a, mul(b, squared))));
  return add(s, mul(mul(near, mul(s, sub(1, s))), add(a, mul(3 * b, squared))));
});

const geluOptions = optionTable<{ readonly approximate?: boolean }>({ approximate: flag });

/**
 * x times the standard normal distribution function of x. `approximate` uses the formula with tanh, PyTorch's
 * `approximate="tanh"`.
 *
 * ```ts
 * import { gelu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(gelu(tensor([-1, 0, 1])))); // [-0.158..., 0, 0.841...]
 * ```
 *
 * @see Hendrycks and Gimpel, "Gaussian error linear units", 2016
 */
export function gelu(x: TensorLike, options: { readonly approximate?: boolean } = {}): Tensor {
  const { approximate = false } = checkOptions(options, geluOptions, "gelu");
  return apply(approximate ? geluTanhOp : geluOp, [asFloat(x)], undefined);
}

export const softplusOp: ElementwiseOp = activation("softplus", "any", sigmoid);
/**
 * log(1 + exp(x)), without overflow.
 *
 * ```ts
 * import { softplus, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(softplus(tensor([0, 1000])))); // [0.693..., 1000]
 * ```
 */
export function softplus(x: TensorLike): Tensor {
  return apply(softplusOp, [asFloat(x)], undefined);
}

// t + x t' with t = tanh(softplus(x))
export const mishOp: ElementwiseOp = activation("mish", "any", (x) => {
  const near = saturating(x);
  const t = tanh(softplus(near));
  return add(t, mul(near, mul(sub(1, square(t)), sigmoid(near))));
});
/**
 * x times tanh(softplus(x)).
 *
 * ```ts
 * import { mish, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(mish(tensor([-1, 0, 1])))); // [-0.303..., 0, 0.865...]
 * ```
 *
 * @see Misra, "Mish: a self regularized non-monotonic activation function", 2019
 */
export function mish(x: TensorLike): Tensor {
  return apply(mishOp, [asFloat(x)], undefined);
}

const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

export const seluOp: ElementwiseOp = activation("selu", "nonzero", (x) => {
  const positive = gt(x, 0);
  // exp sees no large argument, so that its derivative is finite where it is not chosen.
  return where(positive, seluScale, mul(seluScale * seluAlpha, exp(where(positive, 0, x))));
});
/**
 * elu with the constants that keep mean 0 and variance 1 from layer to layer.
 *
 * ```ts
 * import { selu, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(selu(tensor([-1, 0, 1])))); // [-1.111..., 0, 1.050...]
 * ```
 *
 * @see Klambauer et al., "Self-normalizing neural networks", 2017
 */
export function selu(x: TensorLike): Tensor {
  return apply(seluOp, [asFloat(x)], undefined);
}
