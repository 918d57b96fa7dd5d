/**
 * The evaluation of formulas whose leaves are the streams or results of a reduction.
 *
 * @module
 */
import type { Expr } from "../../../../ir/expr.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { Formula } from "../elementwise/formula.ts";
import { type At, Evaluator } from "../expressions/evaluator.ts";
import type { ReducePlan } from "./plan.ts";
import type { ReducePointers } from "./pointers.ts";

/** Formulas, and what is known of their leaves. */
export interface StreamFormulas {
  readonly formula: Formula;
  /** The number of the stream of the first leaf. */
  readonly first: number;
  /** The level of the innermost loop, and that at which a stream changes. */
  readonly deepest: number;
  readonly levelOf: (stream: number) => number;
  /** The locals of `result` expressions, while code is written. */
  readonly results: () => ReadonlyMap<number, number>;
}

/** Evaluates formulas whose leaves are streams or results. */
export function streamEvaluator(
  c: FunctionWriter,
  { emitter, streams }: ReducePlan,
  pointers: ReducePointers,
  { formula, first, deepest, levelOf, results }: StreamFormulas,
): Evaluator {
  const numbers = new Map([...formula.leaves.keys()].map((leaf, i) => [leaf, first + i]));
  const leaves = {
    level: (leaf: Expr) => numbers.has(leaf) ? levelOf(numbers.get(leaf)!) : deepest,
    push: (leaf: Expr, at: At) => {
      const i = numbers.get(leaf);
      if (i === undefined) {
        c.get(results().get((leaf as Extract<Expr, { kind: "result" }>).slot)!);
        return;
      }
      const { dtype } = streams[i];
      if (dtype === "index") emitter.sequence(c, pointers.locate(i, at.step), at.lanes);
      else emitter.load(c, dtype, pointers.locate(i, at.step), at.lanes);
    },
  };
  return new Evaluator(c, emitter, leaves, formula.roots, deepest);
}
