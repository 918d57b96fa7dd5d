/**
 * What reductions mean: their initial values, and how two partial results combine. Every device combines by these rules, whatever order it goes in.
 *
 * @module
 */
import { extremes, indexType, isFloat } from "../dtype.ts";
import { binary, type BinaryOp, type Expr, type ScalarType, select, unary } from "./expr.ts";

/** Reductions whose outcome is the index of an extreme: the first (row-major over the window); NaN counts as the extreme. */
export type ArgReduceOp = "argmax" | "argmin";

/** How a reduction combines. `max` and `min` give NaN if any value is. */
export type ReduceOp = "sum" | "prod" | "max" | "min" | ArgReduceOp;

/** What is known of a window, or a part of it. */
export interface Outcome {
  readonly value: Expr;
  /** Where in the window the value is: of argmax and argmin. */
  readonly index?: Expr;
}

/** The outcome that leaves hold: the value number `slot`, the index the one after it. */
export function outcomeIn(kind: "load" | "result", type: ScalarType, slot: number): Required<Outcome> {
  return { value: { kind, type, slot }, index: { kind, type: indexType, slot: slot + 1 } };
}

/** Whether a reduction gives an index. */
export function isArgReduction(op: ReduceOp): op is ArgReduceOp {
  return op === "argmax" || op === "argmin";
}

/** The value of an outcome to begin with: it changes nothing. */
export function neutralElement(op: ReduceOp, type: ScalarType): number {
  const [least, most] = extremes(type);
  return { sum: 0, prod: 1, max: least, argmax: least, min: most, argmin: most }[op];
}

/** The index of an outcome to begin with: if no value is more extreme than the neutral element, the first one is as extreme. */
export const neutralIndex = 0;

const operations = { sum: "add", prod: "mul", max: "max", min: "min" } as const satisfies Partial<Record<ReduceOp, BinaryOp>>;

/** Two values combined, by reductions that give no index. */
function combine(op: Exclude<ReduceOp, ArgReduceOp>, x: Expr, y: Expr): Expr {
  return binary(operations[op], x, y);
}

/** Whether `x` is more extreme than `y`: NaN more than any number, and nothing more than NaN, whatever comparisons of NaN give. */
export function beats(op: ArgReduceOp, x: Expr, y: Expr): Expr {
  const beyond = op === "argmax" ? binary("lt", y, x) : binary("lt", x, y);
  if (!isFloat(x.type)) return beyond;
  return binary("and", binary("or", beyond, unary("isNaN", x)), unary("not", unary("isNaN", y)));
}

/** An outcome and what comes later in the window: of equal extremes the former stays. */
export function append(op: ReduceOp, before: Outcome, later: Outcome): Outcome {
  if (!isArgReduction(op)) return { value: combine(op, before.value, later.value) };
  return choose(beats(op, later.value, before.value), later, before);
}

/** Two outcomes in no particular order: of equal extremes that of the lower index stays. */
export function merge(op: ReduceOp, a: Outcome, b: Outcome): Outcome {
  if (!isArgReduction(op)) return append(op, a, b);
  const isEarlierTie = binary("and", unary("not", beats(op, a.value, b.value)), binary("lt", b.index!, a.index!));
  return choose(binary("or", beats(op, b.value, a.value), isEarlierTie), b, a);
}

function choose(test: Expr, x: Outcome, y: Outcome): Outcome {
  return { value: select(test, x.value, y.value), index: select(test, x.index!, y.index!) };
}
