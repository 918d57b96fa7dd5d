/**
 * Values that no one means to pass, by name.
 *
 * @module
 */
import { type Tensor, tensor } from "../../../mod.ts";

function disposed(): Tensor {
  const x = tensor([1, 2, 3]);
  x[Symbol.dispose]();
  return x;
}

/** Each is made anew for every call: functions may keep or change what they get. */
export const hostileValues = {
  "NaN": () => NaN,
  "-1": () => -1,
  "-0": () => -0,
  "0.5": () => 0.5,
  "2^31": () => 2 ** 31,
  "2^53": () => 2 ** 53,
  "Infinity": () => Infinity,
  "true": () => true,
  "null": () => null,
  "undefined": () => undefined,
  '""': () => "",
  '"1"': () => "1",
  "1n": () => 1n,
  "symbol": () => Symbol("s"),
  "[]": () => [],
  "[1, , 3]": () => [1, , 3],
  "[NaN]": () => [NaN],
  "[0.5]": () => [0.5],
  "[-1]": () => [-1],
  '["1"]': () => ["1"],
  "[undefined]": () => [undefined],
  "[[1], [2, 3]]": () => [[1], [2, 3]],
  "[1, true]": () => [1, true],
  "{}": () => ({}),
  "{ a: 1 }": () => ({ a: 1 }),
  "function": () => () => undefined,
  "async function": () => async () => await Promise.resolve(1),
  "Promise": () => Promise.resolve(1),
  "Date": () => new Date(0),
  "Float32Array": () => Float32Array.of(1, 2),
  "disposed": disposed,
  "like a tensor": () => ({ shape: [2], dtype: "f32", weak: false, serial: 0 }),
} satisfies Record<string, () => unknown>;

/** The name of a hostile value. */
export type Hostile = keyof typeof hostileValues;

const numbers: readonly Hostile[] = ["-1", "-0", "0.5", "2^31", "2^53", "Infinity"];

/** A parameter: a value that it takes, and which of the hostile ones it takes too. */
export class Param {
  constructor(readonly value: () => unknown, readonly takes: readonly Hostile[]) {}

  /** The same, which may be left out. */
  get optional(): Param {
    return new Param(this.value, [...this.takes, "undefined"]);
  }

  /** The same, which takes some more. */
  or(...more: readonly Hostile[]): Param {
    return new Param(this.value, [...this.takes, ...more]);
  }
}

/** Options by name, all of them. */
export class OptionParams {
  constructor(readonly options: Readonly<Record<string, Param>>) {}
}

const param = (...takes: readonly Hostile[]) => (value: unknown): Param => new Param(() => value, takes);

/** Made anew for each call. */
export const made = (value: () => unknown, ...takes: readonly Hostile[]): Param => new Param(value, takes);
export const anyNumber = param("NaN", ...numbers);
export const real = param(...numbers);
export const finite = param("-1", "-0", "0.5", "2^31", "2^53");
/** From 0 on. */
export const positive = param("-0", "0.5", "2^31", "2^53", "Infinity");
export const finitePositive = param("-0", "0.5", "2^31", "2^53");
export const share = param("-0", "0.5");
export const whole = param("-1", "-0", "2^31");
export const count = param("-0", "2^31");
export const axis = param("-1", "-0");
export const axes = param("-1", "-0", "[]", "[-1]");
export const flag = param("true");
export const word = param();
export const text = param('""', '"1"');
export const extents = param("[]");
/** A tensor or a number. */
export const tensorLike = param("NaN", ...numbers, "true");
/** Lists with something in them, which are trees too. */
export const lists = [
  "[1, , 3]",
  "[NaN]",
  "[0.5]",
  "[-1]",
  '["1"]',
  "[undefined]",
  "[[1], [2, 3]]",
  "[1, true]",
] as const satisfies readonly Hostile[];
/** Whatever is a tree, which is nearly everything. */
export const tree = new Set(Object.keys(hostileValues)) as ReadonlySet<Hostile>;

/** All options of a function; those that may be left out. */
export function options(each: Readonly<Record<string, Param>>): OptionParams {
  return new OptionParams(Object.fromEntries(Object.entries(each).map(([name, one]) => [name, one.optional])));
}

/** Options, some of which must be given. */
export function needed(must: Readonly<Record<string, Param>>, may: Readonly<Record<string, Param>> = {}): OptionParams {
  return new OptionParams({ ...must, ...options(may).options });
}
