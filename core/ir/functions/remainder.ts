/**
 * The remainder of floats, exactly, whatever the quotient.
 *
 * @module
 */
import { type Expr, rarely, select } from "../expr.ts";
import {
  abs,
  add,
  bits,
  div,
  eq,
  exact,
  f32,
  isNaN,
  le,
  lt,
  max,
  mul,
  or,
  scaled,
  shr,
  signOf,
  split,
  sub,
  trunc,
  withSign,
} from "./terms.ts";

/** Bits of the quotient that one round finds: so few that the products of its halves can be taken away without rounding. */
const bitsPerRound = 20;

/** The largest quotient of two floats, 2^277, takes so many rounds. */
const rounds = 14;

/** x - trunc(x / y) y: with the sign of x, and exact. */
export function rem(x: Expr, y: Expr): Expr {
  const [a, b] = [abs(x), abs(y)];
  let large = a;
  for (let round = 1; round < rounds; round++) large = lessScaled(large, b);
  const far = le(mul(b, 2 ** bitsPerRound), a);
  const rest = lessMultiple(rarely(far, large, a), b);
  const undefinedThere = or(or(isNaN(x), isNaN(y)), or(eq(b, 0), eq(a, Infinity)));
  return select(undefinedThere, f32(NaN), withSign(select(lt(a, b), a, rest), signOf(x)));
}

/** a modulo b times the power of two that lets the quotient have no more bits than a round finds. */
function lessScaled(a: Expr, b: Expr): Expr {
  const excess = sub(sub(shr(bits(a), 23), shr(bits(b), 23)), bitsPerRound);
  const divisor = scaled(b, max(excess, 0));
  return select(lt(a, divisor), a, lessMultiple(a, divisor));
}

/**
 * a - trunc(a / b) b where the quotient is below 2^21, and off by less than 1/3 where a driver divides as roughly as WGSL allows.
 * A little is added, so that it comes out right or one too large, which the sign of the rest shows: one too small, the rest
 * might have too many bits.
 */
function lessMultiple(a: Expr, b: Expr): Expr {
  const q = trunc(add(div(a, b), 0.4));
  const [qh, ql] = split(q);
  const [bh, bl] = split(b);
  // All products of halves are exact.
  const rest = [mul(qh, bh), mul(qh, bl), mul(ql, bh), mul(ql, bl)].reduce((rest, product) => exact(sub(rest, product)), a);
  return select(lt(rest, 0), add(rest, b), rest);
}
