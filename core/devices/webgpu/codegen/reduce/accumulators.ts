/**
 * The running values of reductions: how they begin, and how further values are taken in.
 *
 * @module
 */
import { extremes } from "../../../../dtype.ts";
import type { ScalarType } from "../../../../ir/expr.ts";
import type { ReduceOp } from "../../../../ir/kernel.ts";
import { literal } from "../shader/expressions.ts";
import { Shader } from "../shader/shader.ts";
import type { CollapsedReduce } from "./collapsed.ts";

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

/** Whether a reduction gives an index. */
export function isArgReduction(op: ReduceOp): boolean {
  return op === "argmax" || op === "argmin";
}

/** Writes the declarations of all accumulators of a kernel. */
export function declareAccumulators(shader: Shader, { reductions }: CollapsedReduce): Accumulator[] {
  return reductions.map(({ op, value: { type } }) => {
    const value = shader.fresh("s");
    shader.line(`var ${value} = ${neutral(shader, op, type)};`);
    if (!isArgReduction(op)) return { op, type, value };
    const index = shader.fresh("at");
    shader.line(`var ${index} = 0x7fffffffi;`);
    return { op, type, value, index };
  });
}

/** What a reduction gives. */
export function resultOf({ value, index }: Accumulator): string {
  return index ?? value;
}

/** The value that changes nothing. */
export function neutral(shader: Shader, op: ReduceOp, type: ScalarType): string {
  const [lowest, highest] = extremes(type);
  return literal(shader, type, { sum: 0, prod: 1, max: lowest, argmax: lowest, min: highest, argmin: highest }[op]);
}

/** `x op y` for reductions that give no index. */
function combine(shader: Shader, op: ReduceOp, type: ScalarType, x: string, y: string): string {
  if (type === "bool") return op === "sum" || op === "max" ? `${x} | ${y}` : `${x} & ${y}`;
  if (op === "sum") return `${x} + ${y}`;
  if (op === "prod") return `${x} * ${y}`;
  if (type !== "f32") return `${op}(${x}, ${y})`;
  return `${shader.helper(op === "max" ? "maximum" : "minimum")}(${x}, ${y})`;
}

/** Takes one more value in. Of equal extremes the lower index stays, so that the order of merging does not matter. */
export function merge(shader: Shader, accumulator: Accumulator, candidate: Candidate): void {
  const { op, type, value, index } = accumulator;
  if (!index) {
    shader.line(`${value} = ${combine(shader, op, type, value, candidate.value)};`);
    return;
  }
  const v = shader.define(candidate.value);
  const at = shader.define(candidate.index!);
  const beats = type === "bool"
    ? (op === "argmax" ? `(${v} & !${value})` : `(!${v} & ${value})`)
    : `${v} ${op === "argmax" ? ">" : "<"} ${value}`;
  const isEarlier = shader.define(`${at} < ${index}`);
  const wins = type === "f32"
    ? winsOrIsNan(shader, beats, v, value, isEarlier)
    : `${beats} || (${v} == ${value} && ${isEarlier})`;
  const taken = shader.define(wins);
  shader.line(`${value} = select(${value}, ${v}, ${taken});`);
  shader.line(`${index} = select(${index}, ${at}, ${taken});`);
}

/** NaN beats every number, and the earlier NaN a later one. */
function winsOrIsNan(shader: Shader, beats: string, v: string, best: string, isEarlier: string): string {
  const isNan = shader.helper("isNan");
  const mine = shader.define(`${isNan}(${v})`);
  const theirs = shader.define(`${isNan}(${best})`);
  return `select((${beats} || (${v} == ${best} && ${isEarlier})) && !${theirs}, !${theirs} || ${isEarlier}, ${mine})`;
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
  for (let i = 0; i + 1 < values.length; i += 2) pairs.push(shader.define(combine(shader, op, type, values[i], values[i + 1])));
  return values.length % 2 === 1 ? [...pairs, values[values.length - 1]] : pairs;
}
