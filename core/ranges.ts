/**
 * Checks of numbers in options: each returns the number, or throws a RangeError that names the option, its range and its value.
 *
 * @module
 */
import { quoted } from "./quoted.ts";

function refuse(name: string, range: string, value: unknown): never {
  throw new RangeError(`${name} must be ${range}, but is ${quoted(value)}`);
}

/** An integer of at least `least`, and at most `most`: features, steps. */
export function integer(value: number, name: string, least = 1, most = Infinity): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return refuse(name, most === Infinity ? `an integer of at least ${least}` : `an integer from ${least} to ${most}`, value);
}

/** Tensors that one call may give as a list. */
const mostTensors = 2 ** 20;

/** How many tensors to give as a list: an integer of at least `least`, and no more than memory has room for. */
export function tensorCount(value: number, name: string, least = 1): number {
  return integer(value, name, least, mostTensors);
}

/** A number in [0, 1]: a probability, a share. */
export function fraction(value: number, name: string): number {
  return typeof value === "number" && value >= 0 && value <= 1 ? value : refuse(name, "in [0, 1]", value);
}

/** A number in [0, 1): the weight of the past in a running mean. */
export function decayRate(value: number, name: string): number {
  return typeof value === "number" && value >= 0 && value < 1 ? value : refuse(name, "in [0, 1)", value);
}

/** A finite number above 0. */
export function positive(value: number, name: string): number {
  return typeof value === "number" && value > 0 && value < Infinity ? value : refuse(name, "positive and finite", value);
}

/** A finite number of at least 0. */
export function nonNegative(value: number, name: string): number {
  return typeof value === "number" && value >= 0 && value < Infinity ? value : refuse(name, "at least 0 and finite", value);
}

/** Two finite numbers of at least 0, the first not above the second: an interval to draw from. */
export function ordered(value: readonly [number, number], name: string): readonly [number, number] {
  const [low, high] = Array.isArray(value) ? value : [];
  return typeof low === "number" && typeof high === "number" && low >= 0 && low <= high && high < Infinity
    ? value
    : refuse(name, "two finite numbers of at least 0, in order", value);
}
