/**
 * Activations of neural networks that are made of exponentials.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import { decayParts, exp, expParts, overShare, shareOf } from "./exponential.ts";
import { log1p } from "./logarithm.ts";
import {
  abs,
  add,
  bits,
  div,
  eq,
  exact,
  f32,
  float,
  lt,
  max,
  min,
  mul,
  neg,
  or,
  polynomial,
  signBit,
  signOf,
  split,
  sub,
  withSign,
} from "./terms.ts";

/** x / (1 + e^-x). At -infinity -0, the limit. */
export function silu(x: Expr): Expr {
  const least = max(x, -110);
  return select(lt(x, 30), overShare(least, shareOf(min(least, 30))), x);
}

/** sqrt(8 / pi) and 0.044715 times that, in two parts, of which the first have 14 and 12 bits. */
const geluLinear = [1.5958251953125, -5.607370621873997e-5] as const;
const geluCubic = [0.07135009765625, 4.718616310128709e-6] as const;

/** x / (1 + e^-w) with w = x (linear + cubic x^2) in two parts, because an error of w becomes a relative error of the result. */
export function geluTanh(x: Expr): Expr {
  const inside = max(min(x, 6), -10.85);
  const [xHigh, xLow] = split(inside);
  const square = exact(mul(inside, inside));
  const [squareHigh] = split(square);
  const squareLow = add(exact(sub(mul(xHigh, xHigh), squareHigh)), mul(xLow, add(inside, xHigh)));
  const curved = mul(squareHigh, geluCubic[0]);
  const [factorHigh] = split(exact(add(curved, geluLinear[0])));
  const small = add(mul(square, geluCubic[1]), add(mul(squareLow, geluCubic[0]), geluLinear[1]));
  const factorLow = add(exact(add(curved, exact(sub(f32(geluLinear[0]), factorHigh)))), small);
  const low = add(mul(xHigh, factorLow), mul(xLow, add(factorHigh, factorLow)));
  return select(lt(x, 6), overShare(inside, shareOf(exact(mul(xHigh, factorHigh)), low)), x);
}

/** 1.7580993408473766, the factor below 0, in two parts, of which the first has 12 bits, and 1.0507009873554805, that above. */
const seluBelow = [1.75830078125, -0.00020144040172453970] as const;
const seluAbove = 1.0507009873554805;

/** A multiple of x, or below 0 one of e^x - 1 = (2^n - 1) + 2^n p, whose sum is in two parts. */
export function selu(x: Expr): Expr {
  const { power, p } = expParts(max(x, -26));
  const main = exact(sub(power, 1));
  const change = mul(power, p);
  const sum = exact(add(main, change));
  const lost = sub(change, exact(sub(sum, main)));
  const [high, low] = split(sum);
  const rest = add(mul(low, seluBelow[0]), add(mul(sum, seluBelow[1]), mul(lost, seluBelow[0])));
  const straight = mul(x, select(lt(x, 0), f32(seluBelow[0] + seluBelow[1]), f32(seluAbove)));
  return select(lt(x, -(2 ** -26)), add(mul(high, seluBelow[0]), rest), straight);
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
export function softplus(x: Expr): Expr {
  return add(max(x, 0), log1p(exp(float(or(bits(x), signBit)))));
}

/** tanh(log(1 + e^x)) - 0.6 (as f32) up to 1/2, where the formula below would lose digits. */
const mishNear = [
  -2.3941389e-8,
  0.31999996,
  -0.016000004,
  -0.045864895,
  -0.0003727972,
  0.0077956486,
  0.0008497805,
  -0.0011577574,
  -0.0002535073,
];

/** The exponent by which powers are shifted that would be subnormal. */
const room = 34;

/**
 * x tanh(log(1 + e^x)) = x - x k, with m = e^-|x| = 2^n (1 + p): k = m^2 / (m^2 + m + 1/2) above 0. Below it is x m less a share
 * of that, (m^2 + m) / (m^2 + 2 m + 2), or x 2^n (1 + p - k - p k).
 */
export function mish(x: Expr): Expr {
  const a = abs(x);
  const near = mul(x, add(exact(polynomial(x, mishNear)), 0.6));
  const { power, p } = decayParts(min(a, 110), room);
  const m = mul(add(mul(power, p), power), 2 ** -room);
  const below = lt(x, 0);
  const over = add(mul(m, m), select(below, m, f32(0)));
  const k = div(over, add(add(over, m), select(below, f32(2), f32(0.5))));
  const change = select(below, sub(sub(p, k), mul(p, k)), neg(k));
  const lead = select(below, exact(mul(max(x, -110), power)), x);
  const far = mul(exact(add(lead, mul(lead, change))), select(below, f32(2 ** -room), f32(1)));
  return select(lt(a, 0.5), near, select(lt(x, 30), far, x));
}

/** x / (1 + |x|) */
export function softsign(x: Expr): Expr {
  const a = abs(x);
  return select(eq(a, Infinity), withSign(f32(1), signOf(x)), div(x, add(a, 1)));
}

/** gd(x) / x = 1 + x^2 times this by x^2 up to 1, 2 arctan(e / 2) / e the same by e^2 up to 0.55. */
const gudermannianNear = [-0.16666663, 0.04166563, -0.012093895, 0.0037766688, -0.0011705528, 0.00030233277, -4.407244e-5];
const arctangent = [-0.08333265, 0.012489994, -0.0021823181, 0.00032873163];
const halfPi = [1.5707963705062866, -4.371138828673793e-8] as const;

/** arctan(sinh x): up to 1 an odd polynomial, beyond pi/2 - 2 arctan(e^-|x|) with 2 e^-|x| = power + power p. */
export function gudermannian(x: Expr): Expr {
  const a = min(abs(x), 40);
  const z = mul(a, a);
  const near = add(mul(a, mul(z, polynomial(z, gudermannianNear))), a);
  const { power, p } = decayParts(a, 1);
  const change = mul(power, p);
  const e = add(change, power);
  const square = mul(e, e);
  const small = add(add(mul(mul(e, square), polynomial(square, arctangent)), -halfPi[1]), change);
  const far = sub(exact(sub(f32(halfPi[0]), power)), small);
  return withSign(select(lt(a, 1), near, far), signOf(x));
}
