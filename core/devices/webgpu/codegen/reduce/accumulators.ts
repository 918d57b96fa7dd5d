/**
 * The running values of reductions: how they begin, and how further values are taken in.
 *
 * @module
 */
import { indexType } from "../../../../dtype.ts";
import type { Expr, ScalarType } from "../../../../ir/expr.ts";
import type { MergedReduce } from "../../../../ir/merged_axes.ts";
import {
  isArgReduction,
  merge as mergeOutcomes,
  neutralElement,
  neutralIndex,
  outcomeIn,
  type ReduceOp,
} from "../../../../ir/reductions.ts";
import { expressionPrinter } from "../shader/expressions.ts";
import { literal } from "../shader/literals.ts";
import type { Shader } from "../shader/shader.ts";

/** The variables of one reduction; `index` for argmax and argmin. */
export interface Accumulator {
  readonly op: ReduceOp;
  readonly type: ScalarType;
  readonly value: string;
  readonly index?: string;
}

/** A value to be taken in, and its index in the window, if the reduction asks for it. */
export interface Candidate {
  readonly value: string;
  readonly index?: string;
}

/** Writes the declarations of all accumulators of a kernel. */
export function declareAccumulators(shader: Shader, { reductions }: MergedReduce): Accumulator[] {
  return reductions.map(({ op, value: { type } }) => {
    const value = shader.fresh("s");
    const start = neutral(shader, op, type);
    // Of an empty sum drivers see the 0, times which infinity would be 0.
    shader.line(`var ${value} = ${type === "f32" ? `${shader.helper("exact")}(${start})` : start};`);
    if (!isArgReduction(op)) return { op, type, value };
    const index = shader.fresh("at");
    shader.line(`var ${index} = ${literal(shader, indexType, neutralIndex)};`);
    return { op, type, value, index };
  });
}

/** What a reduction gives. */
export function resultOf({ value, index }: Accumulator): string {
  return index ?? value;
}

/** The value that changes nothing. */
export function neutral(shader: Shader, op: ReduceOp, type: ScalarType): string {
  return literal(shader, type, neutralElement(op, type));
}

/** Prints expressions of named values: `load` number i is the i-th. */
export function printerOf(shader: Shader, names: readonly string[]): (e: Expr) => string {
  const unknown = () => {
    throw new Error("Outcomes are combined by their values alone");
  };
  return expressionPrinter(shader, { load: (slot) => names[slot], index: unknown, result: unknown });
}

/** Takes one more value in, in whatever order. */
export function merge(shader: Shader, { op, type, value, index }: Accumulator, candidate: Candidate): void {
  const merged = mergeOutcomes(op, outcomeIn("load", type, 0), outcomeIn("load", type, 2));
  const names = [value, index ?? "", shader.define(candidate.value), index ? shader.define(candidate.index!) : ""];
  const print = printerOf(shader, names);
  const next = print(merged.value);
  if (index) shader.line(`${index} = ${print(merged.index!)};`);
  shader.line(`${value} = ${next};`);
}

/** Takes several values in at once, by value and accumulator; they are combined as a balanced tree first. */
export function mergeAll(
  shader: Shader,
  accumulators: readonly Accumulator[],
  candidates: readonly (readonly Candidate[])[],
): void {
  accumulators.forEach((accumulator, i) => {
    if (accumulator.index) {
      for (const candidate of candidates) merge(shader, accumulator, candidate[i]);
      return;
    }
    let level = candidates.map((candidate) => candidate[i].value);
    while (level.length > 1) level = combinePairs(shader, accumulator, level);
    if (level.length === 1) merge(shader, accumulator, { value: level[0] });
  });
}

function combinePairs(shader: Shader, { op, type }: Accumulator, values: readonly string[]): string[] {
  const pairs: string[] = [];
  const { value } = mergeOutcomes(op, outcomeIn("load", type, 0), outcomeIn("load", type, 2));
  for (let i = 0; i + 1 < values.length; i += 2) pairs.push(printerOf(shader, [values[i], "", values[i + 1]])(value));
  return values.length % 2 === 1 ? [...pairs, values[values.length - 1]] : pairs;
}
