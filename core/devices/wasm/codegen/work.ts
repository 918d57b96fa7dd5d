/**
 * Estimates of work: which kernels are worth sharing among threads, and how far loops are unrolled. Rough on purpose.
 *
 * @module
 */
import { eachUsualArgument, type Expr, visit } from "../../../ir/expr.ts";
import { hostFunctionOf } from "./expressions/scalar_emitter.ts";

/** Nanoseconds below which a kernel runs on one thread. */
export const serialNanoseconds = 20_000;

/** Multiply-adds below which a kernel is one serial phase: about ten microseconds of one core. */
export const serialMultiplyAdds = 250_000;

/** Elements moved below which a kernel without arithmetic to speak of is one serial phase. */
const serialMoves = 32_768;

/**
 * Least work of a piece of which a thread has several, in what is worth sharing: a tenth of a millisecond for some of them, a few
 * milliseconds, which is what systems give threads at a time, for many.
 */
const leastPiece = { some: 6, many: 240 } as const;

/** Most pieces of a phase for each thread. */
const mostPieces = { some: 4, many: 16 } as const;

/** How much work a phase is. */
type Work = { readonly nanoseconds: number } | { readonly multiplyAdds: number } | { readonly moves: number };

/**
 * Into how many pieces a phase is cut: one if it is too little to share, else as many as there are threads, or, if it takes long, a multiple,
 * so that a thread whose core is taken away leaves most of its share to the others.
 */
export function piecesFor(threads: number, work: Work): number {
  const [amount, least] = "nanoseconds" in work
    ? [work.nanoseconds, serialNanoseconds]
    : "moves" in work
    ? [work.moves, serialMoves]
    : [work.multiplyAdds, serialMultiplyAdds];
  if (threads === 1 || amount < least) return 1;
  const perThread = (kind: "some" | "many") =>
    Math.min(Math.floor(amount / (threads * leastPiece[kind] * least)), mostPieces[kind]);
  return threads * Math.max(1, perThread("some"), perThread("many"));
}

/** What evaluating the expressions takes per point, in operations; functions of the host count many. */
export function operationCount(roots: readonly Expr[]): number {
  let count = 0;
  visit(roots, (e) => {
    if (e.kind === "const") return;
    count += hostFunctionOf(e) === undefined ? 1 : 100;
  }, eachUsualArgument);
  return count;
}

/** Estimated nanoseconds per point: arithmetic plus the memory it touches. */
export function pointNanoseconds(operations: number, streams: number, lanes: number): number {
  return 0.25 * operations / lanes + 0.2 * streams;
}

/** How many copies of a loop's body to write. */
export function unrollFor(operations: number, columns: number, lanes: number): number {
  if (columns < 8 * lanes) return 1;
  return operations <= 16 ? 4 : operations <= 48 ? 2 : 1;
}
