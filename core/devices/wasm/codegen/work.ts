/**
 * Estimates of work: which kernels are worth sharing among threads, and how far loops are unrolled. Rough on purpose.
 *
 * @module
 */
import { eachUsualArgument, type Expr, visit } from "../../../ir/expr.ts";

/** Nanoseconds below which a kernel runs on one thread. */
export const serialNanoseconds = 20_000;

/** Multiply-adds below which a kernel is one serial phase: about ten microseconds of one core. */
export const serialMultiplyAdds = 250_000;

/** Elements moved below which a kernel without arithmetic to speak of is one serial phase. */
export const serialMoves = 32_768;

/** What evaluating the expressions takes per point, in operations; functions of the host count many. */
export function operationCount(roots: readonly Expr[]): number {
  let count = 0;
  visit(roots, (e) => {
    if (e.kind === "const") return;
    const host = e.type === "f64" && e.kind === "unary" &&
      !["neg", "abs", "sqrt", "floor", "ceil", "round", "trunc"].includes(e.op);
    count += host ? 100 : 1;
  }, eachUsualArgument);
  return count;
}

/** Estimated nanoseconds per point: arithmetic plus the memory it touches. */
export function pointNanoseconds(operations: number, streams: number, lanes: 1 | 4): number {
  return 0.25 * operations / lanes + 0.2 * streams;
}

/** How many copies of a loop's body to write. */
export function unrollFor(operations: number, columns: number, lanes: number): number {
  if (columns < 8 * lanes) return 1;
  return operations <= 16 ? 4 : operations <= 48 ? 2 : 1;
}
