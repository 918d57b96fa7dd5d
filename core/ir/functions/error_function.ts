/**
 * The error function, its complement and inverse, and the normal distribution function times x.
 *
 * @module
 */
import { type Expr, select } from "../expr.ts";
import { expParts, expPartsOfSum } from "./exponential.ts";
import { log } from "./logarithm.ts";
import {
  abs,
  add,
  clamp,
  div,
  eq,
  exact,
  f32,
  le,
  lt,
  min,
  mul,
  neg,
  polynomial,
  powerOfTwo,
  scaled,
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
  const { word, p } = expParts(neg(polynomial(sub(a, 1), outer)));
  const far = sub(f32(1), mul(add(p, 1), powerOfTwo(word)));
  return withSign(select(lt(a, 1), erfNear(a), far), signOf(x));
}

/**
 * share e^(-z^2 share) z' P(s) / (centre + z) with s = (centre - z) / (centre + z). An error of the exponent would become a relative
 * error of the result, so z^2 is in two parts, and what the rounding of centre + z lost is made up for there.
 */
function gaussianTail(
  z: Expr,
  over: Expr,
  { share, centre, slope, coefficients }: {
    readonly share: number;
    readonly centre: number;
    /** About minus the derivative of the factor's logarithm over 1 + s, by s. */
    readonly slope: readonly number[];
    readonly coefficients: readonly number[];
  },
): Expr {
  const under = exact(add(z, centre));
  const lost = sub(z, exact(sub(under, centre)));
  const ratio = div(over, under);
  const s = div(sub(f32(centre), z), under);
  const factor = mul(ratio, polynomial(s, coefficients));
  const [high] = split(z);
  const low = mul(exact(sub(z, high)), add(z, high));
  const small = sub(mul(low, -share), mul(lost, mul(add(s, 1), polynomial(s, slope))));
  const { n, p } = expPartsOfSum(mul(mul(high, high), -share), small);
  return scaled(add(mul(factor, p), factor), n);
}

/** e^(z^2) erfc(z) (2 + z) by (2 - z) / (2 + z). */
const erfcScaled = [
  1.0215827,
  0.68716085,
  0.27947137,
  0.036436766,
  -0.021501957,
  -0.0064383554,
  0.003041097,
  0.0007309847,
  -0.0005278479,
  4.4325825e-5,
];

/** 1 - erf x, right to the last digits however small. */
export function erfc(x: Expr): Expr {
  const z = min(abs(x), 10.3);
  const tail = gaussianTail(z, f32(1), { share: 1, centre: 2, slope: [0.42, 0.165], coefficients: erfcScaled });
  const far = select(lt(x, 0), sub(f32(2), tail), tail);
  return select(lt(abs(x), 0.5), sub(f32(1), erfNear(x)), far);
}

/** e^(a^2 / 2) times the normal distribution function of -a times (3 + a) by (3 - a) / (3 + a). */
const upperTailScaled = [
  0.7290837,
  0.50933214,
  0.23001775,
  0.047258505,
  -0.01046255,
  -0.0069385025,
  0.0010171884,
  0.0009480901,
  -0.00020384199,
  -5.249649e-5,
];

/** x times the normal distribution function of x: with q that of -|x|, x q below 0 and x - x q above. */
export function gelu(x: Expr): Expr {
  const inside = clamp(x, -14.6, 14.6);
  const tail = gaussianTail(abs(inside), inside, { share: 0.5, centre: 3, slope: [0.283, 0.117], coefficients: upperTailScaled });
  return select(le(x, 0), tail, sub(x, tail));
}

/** erfinv(y) / y by w = -log(1 - y^2) up to 5 ... */
const inverseNear = [
  0.8862269,
  0.23201483,
  0.011542694,
  -0.0023210659,
  -0.00014200872,
  5.343783e-5,
  8.246636e-7,
  -1.325228e-6,
  1.4899344e-7,
  -5.4848504e-9,
];
/** ... and beyond, up to the largest y below 1, by sqrt(w) less this. */
const inverseCentre = 3.1680339887498947;
const inverseFar = [
  3.0015268,
  1.004297,
  0.0064046285,
  -0.004692963,
  0.0032723935,
  -0.0022059213,
  0.001214361,
  -0.0003529068,
  -0.00013206578,
  0.000114303504,
];

/**
 * The inverse of the error function; infinite at -1 and 1, NaN beyond.
 *
 * @see M. Giles, "Approximating the erfinv function", 2011, for the variable w
 */
export function erfinv(x: Expr): Expr {
  const y = abs(x);
  const w = neg(log(mul(sub(f32(1), y), add(y, 1))));
  const near = polynomial(w, inverseNear);
  const far = polynomial(sub(sqrt(w), inverseCentre), inverseFar);
  const value = mul(x, select(lt(w, 5), near, far));
  return select(eq(y, 1), withSign(f32(Infinity), signOf(x)), value);
}
