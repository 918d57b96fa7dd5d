/**
 * The law of numbers in jitted functions: as an argument of `jit` a number gives what it gives without, errors included, or it is an error that
 * names `static`; nothing else. Cases are all numbers that public functions take.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as library from "../../mod.ts";
import type { Row, Rows } from "./hostile/rows.ts";
import { coreRows } from "./hostile/rows_core.ts";
import { layerRows } from "./hostile/rows_layers.ts";
import { opRows } from "./hostile/rows_ops.ts";
import { trainingRows } from "./hostile/rows_training.ts";
import { argumentsOf, type Fn, functionsOf } from "./hostile/trials.ts";
import { Param } from "./hostile/values.ts";
import { outcomeOf, roughly } from "./outcome.ts";

const { jit } = library;
/** Calls of public functions. */
export const rows: Rows = { ...opRows, ...coreRows, ...layerRows, ...trainingRows };
const functions = new Map(functionsOf(library));

/** Networks of many layers, whose numbers are those of their parts. */
const large = /^layers\.zoo\./;
/** What changes the program around it, is async or prints. */
const aside = new Set(["setDevice", "checkGradients", "debug.print"]);

/** Where a number is among the arguments of a call. */
type Place = readonly (string | number)[];

/** The places of the numbers in a tree. */
function placesIn(tree: unknown, path: Place = []): Place[] {
  if (typeof tree === "number") return [path];
  const isTree = Array.isArray(tree) ||
    (typeof tree === "object" && tree !== null && Object.getPrototypeOf(tree) === Object.prototype);
  return isTree ? Object.entries(tree as object).flatMap(([key, part]) => placesIn(part, [...path, key])) : [];
}

/** Whether a parameter may be a tensor, a number or a boolean. */
export function isTensorLike(param: Row["params"][number]): boolean {
  return param instanceof Param && param.takes.includes("0.5") && param.takes.includes("true");
}

function at(tree: unknown, place: Place): unknown {
  return place.reduce((part, key) => (part as Record<string, unknown> | undefined)?.[key], tree);
}

/** The tree with another value at a place. */
function replaced(tree: unknown, [key, ...rest]: Place, value: unknown): unknown {
  if (key === undefined) return value;
  const copy: Record<string, unknown> = Array.isArray(tree) ? [...tree] as never : { ...tree as object };
  copy[key] = replaced(copy[key], rest, value);
  return copy;
}

/** A number that a function takes, in a call. */
export interface Case {
  readonly name: string;
  /** Whether a number may stand for a tensor there: then it is traced. */
  readonly isTensorLike: boolean;
  readonly call: (n: unknown) => unknown;
  readonly base: number;
}

/** The same arguments, with floats of another type. */
function typed(args: readonly unknown[], dtype: library.DType): unknown[] {
  const cast = (x: library.Tensor) => x.dtype === "f32" ? library.realize(library.cast(x, dtype)) : x;
  return args.map((arg) => arg instanceof library.Tensor ? cast(arg) : library.treeMap(cast, arg));
}

/** A call for each number that a function takes, beside tensors of a type. */
export function casesOf(path: string, f: Fn, row: Row, dtype: library.DType = "f32"): Case[] {
  const args = argumentsOf(row);
  const tensorLike = row.params.flatMap((param, i) => isTensorLike(param) ? [i] : []);
  const numbers = placesIn(args).filter(([first, ...rest]) => rest.length > 0 || !tensorLike.includes(first as number));
  return [...numbers, ...tensorLike.map((i) => [i])].map((place) => {
    const base = at(args, place);
    const call = (n: unknown) => {
      const given = dtype === "f32" ? argumentsOf(row) : typed(argumentsOf(row), dtype);
      const result = f(...replaced(given, place, n) as unknown[]);
      return row.use ? row.use(result as never) : result;
    };
    return {
      name: `${path}(${place.join(".")})${dtype === "f32" ? "" : ` beside ${dtype}`}`,
      isTensorLike: place.length === 1 && tensorLike.includes(place[0] as number),
      call,
      base: typeof base === "number" ? base : 1,
    };
  });
}

/** The functions that have such calls. */
export const subjects = [...functions].filter(([path]) => path in rows && !large.test(path) && !aside.has(path));

/** Checks the law for some numbers; says whether the number was traced or refused. */
export async function check({ name, call, base }: Case, numbers: readonly number[]): Promise<"traced" | "refused"> {
  const jitted = jit((n: library.TensorLike) => call(n));
  let refused = false;
  for (const n of [base, ...numbers]) {
    const plain = await outcomeOf(() => call(n), roughly);
    const outcome = await outcomeOf(() => jitted(n), roughly);
    if (/jit\(f, \{ static: \[0\] \}\)/.test(outcome)) refused = true;
    else assert.equal(outcome, plain, `${name} of ${n}`);
  }
  return refused ? "refused" : "traced";
}
