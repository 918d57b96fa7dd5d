/**
 * Activations that are chosen by a comparison here, and are one op each in ONNX.
 *
 * @module
 */
import { addOp, divOp, mulOp } from "../../core/ops/arithmetic.ts";
import { leOp, ltOp } from "../../core/ops/compare.ts";
import { whereOp } from "../../core/ops/select.ts";
import { expm1Op } from "../../core/ops/unary.ts";
import { isFloat } from "../../core/dtype.ts";
import type { Op } from "../../core/tensor.ts";
import type { Value } from "./graph.ts";
import { isNumber, madeBy, numberOf } from "./match.ts";
import type { Fusion } from "./emitter.ts";

/** `below` where x is not positive, else `above`. */
function bySign(value: Value): { readonly x: Value; readonly above: Value; readonly below: Value } | undefined {
  const [test, above, below] = madeBy(value, whereOp) ?? [];
  const [zero, x] = test ? madeBy(test, ltOp) ?? [] : [];
  return zero && isNumber(zero, 0) ? { x, above, below } : undefined;
}

/** x, or a multiple of it where it is not positive. */
const leakyRelu: Fusion = (value, emitter) => {
  const found = bySign(value);
  const factors = found ? madeBy(found.below, mulOp) ?? [] : [];
  if (!found || found.above !== found.x || !factors.includes(found.x) || !isFloat(value.dtype)) return undefined;
  const slope = factors[0] === found.x ? factors[1] : factors[0];
  const number = numberOf(slope);
  return number === undefined
    ? emitter.node("PRelu", [emitter.of(found.x), emitter.loose(slope)])
    : emitter.node("LeakyRelu", [emitter.of(found.x)], { alpha: { float: number } });
};

/** x, or alpha (exp(x) - 1) where it is not positive; the exponent is 0 where it is not chosen. */
const elu: Fusion = (value, emitter) => {
  const found = bySign(value);
  const [factor, power] = found ? madeBy(found.below, mulOp) ?? [] : [];
  const [exponent] = power ? madeBy(power, expm1Op) ?? [] : [];
  const chosen = exponent && bySign(exponent);
  const alpha = factor && numberOf(factor);
  const fits = found && chosen && found.above === found.x && chosen.x === found.x && chosen.below === found.x;
  if (!fits || !isNumber(chosen.above, 0) || alpha === undefined) return undefined;
  return emitter.node("Elu", [emitter.of(found.x)], { alpha: { float: alpha } });
};

/** x between two numbers. */
interface Clipped {
  readonly x: Value;
  readonly low: number;
  readonly high: number;
}

/** A choice of a bound where something is beyond it, else of the rest. */
interface Bounded {
  readonly bound: number;
  readonly compared: Value;
  readonly rest: Value;
}

function bounded(value: Value, op: Op<undefined>, side: "low" | "high"): Bounded | undefined {
  const [test, chosen, rest] = madeBy(value, whereOp) ?? [];
  const [a, b] = test ? madeBy(test, op) ?? [] : [];
  const bound = chosen && numberOf(chosen);
  if (!a || bound === undefined) return undefined;
  const [compared, limit] = side === "low" ? [a, b] : [b, a];
  return isNumber(limit, bound) ? { bound, compared, rest } : undefined;
}

/** Both bounds by what x itself is (as hardTanh has it), or one after the other (as clip has it). */
function clipped(value: Value): Clipped | undefined {
  const low = bounded(value, leOp, "low");
  const high = low ? bounded(low.rest, leOp, "high") : bounded(value, ltOp, "high");
  const inner = low ? high : high && bounded(high.rest, ltOp, "low");
  const x = inner?.rest;
  if (!x || inner.compared !== x || (low ? low.compared !== x : high!.compared !== high!.rest)) return undefined;
  const [from, to] = [(low ?? inner).bound, high!.bound];
  return from <= to ? { x, low: from, high: to } : undefined;
}

const clip: Fusion = (value, emitter) => {
  const found = clipped(value);
  if (!found) return undefined;
  const { x, low, high } = found;
  return emitter.node("Clip", [emitter.of(x), emitter.scalar(value.dtype, low), emitter.scalar(value.dtype, high)]);
};

/** The x of x + 3 between 0 and 6, over 6. */
function sigmoidOf(value: Value): Value | undefined {
  const [dividend, six] = madeBy(value, divOp) ?? [];
  const found = dividend && clipped(dividend);
  const [x, three] = found ? madeBy(found.x, addOp) ?? [] : [];
  return found?.low === 0 && found.high === 6 && isNumber(six, 6) && isNumber(three, 3) ? x : undefined;
}

const hardSigmoid: Fusion = (value, emitter) => {
  const x = sigmoidOf(value);
  return x && emitter.node("HardSigmoid", [emitter.of(x)], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
};

/** x times its hard sigmoid; the factor x is bounded below, where the other one is 0. */
const hardSwish: Fusion = (value, emitter) => {
  const [factor, gate] = madeBy(value, mulOp) ?? [];
  const x = gate && sigmoidOf(gate);
  const found = factor && bounded(factor, ltOp, "low");
  if (!x || found?.rest !== x || found.compared !== x || found.bound > -3) return undefined;
  return emitter.node("HardSwish", [emitter.of(x)]);
};

export const activationFusions: readonly (readonly [Op, Fusion])[] = [
  [whereOp as Op, clip],
  [whereOp as Op, leakyRelu],
  [whereOp as Op, elu],
  [divOp as Op, hardSigmoid],
  [mulOp as Op, hardSwish],
];
