/**
 * What a reduction keeps while it runs, as expressions. A state is one scalar, or for argmax and argmin two: the extreme and its
 * index. States are `result` expressions: slot 2 * k is the value of reduction k, 2 * k + 1 its index.
 *
 * @module
 */
import { indexType } from "../../../../dtype.ts";
import type { Expr, ScalarType } from "../../../../ir/expr.ts";
import { append, merge, neutralElement, neutralIndex, outcomeIn, type ReduceOp } from "../../../../ir/reductions.ts";

/** A reduction as the generator sees it. */
export interface Reduction {
  readonly op: ReduceOp;
  readonly value: Expr;
  /** For argmax and argmin: the index of the value in its window. */
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
export function stateOf({ op, value, position }: Reduction, k: number): readonly StatePart[] {
  const { type } = value;
  const joined = append(op, outcomeIn("result", type, 2 * k), { value, index: position });
  const kept = { type, neutral: neutralElement(op, type), joined: joined.value };
  return joined.index ? [kept, { type: indexType, neutral: neutralIndex, joined: joined.index }] : [kept];
}

/** Joins states that come in no particular order. */
export function joinStates(op: ReduceOp, a: readonly Expr[], b: readonly Expr[]): readonly Expr[] {
  const { value, index } = merge(op, { value: a[0], index: a[1] }, { value: b[0], index: b[1] });
  return index ? [value, index] : [value];
}
