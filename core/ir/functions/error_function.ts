/**
 * The error function, its complement and inverse, and the normal distribution function times x.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import { expParts } from "./exponential.ts";
import { log } from "./logarithm.ts";
import {
  abs,
  add,
  div,
  eq,
  exact,
  f32,
  lt,
  max,
  min,
  mul,
  neg,
  polynomial,
  signOf,
  split,
  sqrt,
  sub,
  withSign,
} from "./terms.ts";

/** erf x up to 1: an odd polynomial. */
function erfNear(x: Expr): Expr {
  const inner = [0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806904e-5];
  return add(mul(x, polynomial(mul(x, x), inner)), x);
}

/** Up to 1 that, beyond 1 - e^-g with g = -log erfc. */
export function erf(x: Expr): Expr {
  const a = min(abs(x), 4);
  const outer = [1.8496056, 2.638962, 0.8431974, 0.0410501, -0.008756154, 0.00045374787, 0.00058961194, -0.00016288903];
  const { power, p } = expParts(neg(polynomial(sub(a, 1), outer)));
  const far = sub(f32(1), mul(add(p, 1), power));
  return withSign(select(lt(a, 1), erfNear(a), far), signOf(x));
}

/** A polynomial whose first two coefficients are in two parts, the first ones of 14 and 11 bits. */
interface Factor {
  readonly first: readonly [high: number, low: number];
  readonly second: readonly [high: number, low: number];
  readonly rest: readonly number[];
}

/**
 * e^(-share z^2) q P(s) with q = over / (centre + z) and s = scale q + offset. An error of the exponent would become a relative error of
 * the result, so z^2 is in two parts, and so are q and P, of 12 bits and what is left: only the last sum rounds at its full size.
 */
function gaussianTail(
  z: Expr,
  over: Expr,
  { share, centre, scale, offset, factor: { first, second, rest } }: {
    readonly share: number;
    readonly centre: number;
    readonly scale: number;
    readonly offset: number;
    readonly factor: Factor;
  },
): Expr {
  const under = exact(add(z, centre));
  const [underHigh] = split(under);
  const underLow = sub(z, exact(sub(underHigh, centre)));
  const inverse = exact(div(f32(1), under));
  const [qHigh] = split(exact(mul(over, inverse)));
  const qRest = sub(exact(sub(over, mul(qHigh, underHigh))), mul(qHigh, underLow));
  const qLow = mul(qRest, inverse);
  const sHigh = exact(add(mul(qHigh, scale), offset));
  const sLow = mul(qLow, scale);
  const s = exact(add(sHigh, sLow));
  const main = mul(sHigh, second[0]);
  const small = add(mul(sLow, second[0]), add(mul(s, polynomial(s, [second[1], ...rest])), first[1]));
  const p = exact(add(exact(add(main, first[0])), small));
  const [pHigh] = split(p);
  const pLow = exact(add(exact(add(main, exact(sub(f32(first[0]), pHigh)))), small));
  const high = exact(mul(qHigh, pHigh));
  const low = exact(add(mul(qHigh, pLow), mul(qLow, p)));
  const [zHigh, zLow] = split(z);
  // The powers of two go down to 2^-156: the first of two factors is far from the least number.
  const room = 30;
  const { power, p: tail } = expParts(mul(mul(zHigh, zHigh), -share), mul(mul(zLow, add(z, zHigh)), -share), room);
  const product = add(high, add(mul(add(high, low), tail), low));
  return mul(mul(product, power), 2 ** -room);
}

/** e^(z^2) erfc(z) (2.5 + z) by (2.5 - z) / (2.5 + z). */
const erfcScaled: Factor = {
  first: [1.0540771484375, -4.5331035e-5],
  second: [0.8046875, -3.560748e-5],
  rest: [0.45391446, 0.17124973, 0.028354961, -0.008380306, -0.0047757835, 0.0003950269, 0.00058836717],
};

/** 1 - erf x, right to the last digits however small. */
export function erfc(x: Expr): Expr {
  const z = min(abs(x), 10.3);
  const tail = gaussianTail(z, f32(1), { share: 1, centre: 2.5, scale: 5, offset: -1, factor: erfcScaled });
  const far = select(lt(x, 0), sub(f32(2), tail), tail);
  return select(lt(abs(x), 0.5), sub(f32(1), erfNear(x)), far);
}

/** e^(a^2 / 2) times the normal distribution function of -a times (3.5 + a) by (3.5 - a) / (3.5 + a). */
const upperTailScaled: Factor = {
  first: [0.74444580078125, -2.9726538e-5],
  second: [0.5654296875, 0.00013205882],
  rest: [0.31542504, 0.116053015, 0.01740652, -0.006493004, -0.0031759324, 0.0004949864, 0.00042277967, -0.00011121094],
};

/** x times the normal distribution function of x: with q that of -|x|, x q below 0 and x - x q above; near 0 half of x. */
export function gelu(x: Expr): Expr {
  const z = min(abs(x), 14.6);
  const tail = gaussianTail(z, z, { share: 0.5, centre: 3.5, scale: -2, offset: 1, factor: upperTailScaled });
  return select(lt(z, 2 ** -60), mul(x, 0.5), sub(max(x, -0), tail));
}

/** erfinv(y) / y by w = -log(1 - y^2) less a centre up to 5 ... */
const nearCentre = 1.300048589706421;
const inverseNear = [
  1.2020557,
  0.24975416,
  0.002175458,
  -0.002224187,
  0.0001512517,
  2.9532053e-5,
  -5.163036e-6,
  -2.1680945e-7,
  1.193681e-7,
  -8.899271e-9,
];
/** ... and beyond, up to the largest y below 1, by sqrt(w) less this. The centres are such that the first coefficients are floats. */
const farCentre = 3.168073892593384;
const inverseFar = [
  3.001567,
  1.0042976,
  0.0064038276,
  -0.004694158,
  0.0032763595,
  -0.0021951364,
  0.0012006328,
  -0.00037619297,
  -0.00012057515,
  0.00013093952,
];

/**
 * The inverse of the error function; infinite at -1 and 1, NaN beyond.
 *
 * @see M. Giles, "Approximating the erfinv function", 2011, for the variable w
 */
export function erfinv(x: Expr): Expr {
  const y = abs(x);
  const w = neg(log(mul(sub(f32(1), y), add(y, 1))));
  const isNear = lt(w, 5);
  const [near, far] = [sub(w, nearCentre), sub(sqrt(w), farCentre)];
  const first = select(isNear, f32(inverseNear[0]), f32(inverseFar[0]));
  const varying = select(
    isNear,
    mul(near, polynomial(near, inverseNear.slice(1))),
    mul(far, polynomial(far, inverseFar.slice(1))),
  );
  // The factor and y are in two parts, of 12 bits and what is left, so that their product rounds once.
  const factor = exact(add(varying, first));
  const [high] = split(factor);
  const low = add(exact(sub(first, high)), varying);
  const [yHigh, yLow] = split(y);
  const value = add(exact(mul(yHigh, high)), add(mul(yHigh, low), mul(yLow, factor)));
  return withSign(select(eq(y, 1), f32(Infinity), value), signOf(x));
}
