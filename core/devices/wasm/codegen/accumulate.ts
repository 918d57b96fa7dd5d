/**
 * What a reduction keeps while it runs, as expressions: its neutral element, how a value joins, how two partial states join.
 *
 * A state is one scalar, or for argmax and argmin two: the extreme and its position. States are `result` expressions: slot 2 * k is
 * the value of reduction k, 2 * k + 1 its position.
 *
 * @module
 */
import { extremes, indexType, isFloat } from "../../../dtype.ts";
import { binary, type Expr, type ScalarType, select, unary } from "../../../ir/expr.ts";
import type { ReduceOp } from "../../../ir/kernel.ts";

/** A reduction as the generator sees it. */
export interface Reduction {
  readonly op: ReduceOp;
  readonly value: Expr;
  /** For argmax and argmin: the place of the value in its window. */
  readonly position?: Expr;
}

/** One scalar of a state. */
export interface StatePart {
  readonly type: ScalarType;
  readonly neutral: number;
  /** The state after a value has joined. */
  readonly joined: Expr;
}

/** The scalars that reduction number k keeps. */
export function stateOf(reduction: Reduction, k: number): readonly StatePart[] {
  const { op, value, position } = reduction;
  const { type } = value;
  const before: Expr = { kind: "result", type, slot: 2 * k };
  if (op !== "argmax" && op !== "argmin") {
    return [{ type, neutral: neutralOf(op, type), joined: join(op, before, value) }];
  }
  const at: Expr = { kind: "result", type: indexType, slot: 2 * k + 1 };
  const wins = better(op, value, before);
  return [
    { type, neutral: neutralOf(op, type), joined: select(wins, value, before) },
    { type: indexType, neutral: 0, joined: select(wins, position!, at) },
  ];
}

/** Joins state parts that come in no particular order: a tie goes to the lower position. */
export function joinStates(op: ReduceOp, a: readonly Expr[], b: readonly Expr[]): readonly Expr[] {
  if (op !== "argmax" && op !== "argmin") return [join(op, a[0], b[0])];
  const tie = binary("and", unary("not", better(op, a[0], b[0])), binary("lt", b[1], a[1]));
  const wins = binary("or", better(op, b[0], a[0]), tie);
  return [select(wins, b[0], a[0]), select(wins, b[1], a[1])];
}

function join(op: "sum" | "prod" | "max" | "min", before: Expr, value: Expr): Expr {
  return binary(op === "sum" ? "add" : op === "prod" ? "mul" : op, before, value);
}

/** Whether `x` is more extreme than `y`; NaN is the most extreme. */
function better(op: "argmax" | "argmin", x: Expr, y: Expr): Expr {
  const beyond = op === "argmax" ? binary("lt", y, x) : binary("lt", x, y);
  if (!isFloat(x.type)) return beyond;
  return binary("or", beyond, binary("and", unary("isNaN", x), unary("not", unary("isNaN", y))));
}

function neutralOf(op: ReduceOp, type: ScalarType): number {
  if (op === "sum") return 0;
  if (op === "prod") return 1;
  const [least, most] = extremes(type);
  return op === "max" || op === "argmax" ? least : most;
}
