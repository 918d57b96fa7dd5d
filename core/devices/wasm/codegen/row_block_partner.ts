/**
 * Which map of kernels that run together by blocks of rows runs in one loop with the last one, whose divisions then cost little.
 *
 * @module
 */
import { eachUsualArgument, type Expr, visit } from "../../../ir/expr.ts";
import { expressionsOf } from "../../../ir/kernel.ts";
import { memoryOf, type Program } from "../../../ir/program.ts";
import { Legalizer } from "./expressions/legalize.ts";
import type { RowKernel } from "./rows.ts";
import { operationCount } from "./work.ts";

/** Blocks of a thread from which on a last map may run beside another one, which takes a block more. */
const leastBlocks = 16;

/** Operations in the time of a division, and those of a map that leave the divider idle for long enough. */
const operationsPerDivision = 8;
const leastBeside = 12;

/**
 * The map beside which the last one should run: where the last one waits for the divider, which takes a quotient in the time of many other
 * operations and is idle while those are computed. At either end of a thread's blocks one of the two has nothing to do: what it then writes has to
 * be where nothing is lost.
 *
 * @returns Its number among the kernels.
 */
export function partnerOfLast(
  program: Program,
  { kernels, rows, blockRows, kept }: {
    readonly kernels: readonly RowKernel[];
    readonly rows: number;
    readonly blockRows: number;
    /** Buffers that nothing but the kernels reads. */
    readonly kept: ReadonlyMap<number, unknown>;
  },
  threads: number,
): number | undefined {
  const last = kernels.at(-1)!;
  const values = expressionsOf(last);
  if (last.kind !== "map" || operationCount(values) > operationsPerDivision * divisionsIn(values)) return undefined;
  if (rows / blockRows < leastBlocks * threads) return undefined;
  const found = kernels.findIndex((kernel, i) => {
    if (kernel === last || kernel.kind !== "map" || kernel.shape.join() !== last.shape.join()) return false;
    if (!kernel.stores.every(({ buffer }) => kept.has(buffer))) return false;
    if (!kernels.slice(i).every((each) => mayWriteEarly(program, last, each, each === kernel))) return false;
    const legalizer = new Legalizer();
    const legal = expressionsOf(kernel).map((value) => legalizer.legalize(value));
    return operationCount(legal) >= leastBeside && divisionsIn(legal) === 0;
  });
  return found < 0 ? undefined : found;
}

/** Whether a kernel reads nothing of what the last one writes, or, in one loop with it, element by element before that is written. */
function mayWriteEarly(program: Program, last: RowKernel, kernel: RowKernel, inOneLoop: boolean): boolean {
  return last.stores.every((store) =>
    [...kernel.operands, ...kernel.loads].every((read) => {
      if (memoryOf(program, read.buffer) !== memoryOf(program, store.buffer)) return true;
      return inOneLoop && read.offset === store.offset && read.strides.join() === store.strides.join();
    })
  );
}

/** How many quotients and roots of f32 are computed for each point. */
function divisionsIn(values: readonly Expr[]): number {
  let count = 0;
  visit(values, (e) => {
    const divides = (e.kind === "binary" && e.op === "div") || (e.kind === "unary" && e.op === "sqrt");
    if (divides && e.type === "f32") count++;
  }, eachUsualArgument);
  return count;
}
