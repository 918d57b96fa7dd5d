/**
 * Loops over columns, as many lanes at a time as a vector has.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { repeatWhile } from "../emit/loops.ts";
import type { At } from "../expressions/evaluator.ts";

/** A local that moves along the columns, and by how much per column. */
export interface Pointer {
  readonly local: number;
  readonly step: number;
}

/** A loop over columns, in blocks of `lanes`, unrolled. */
export interface ColumnLoop {
  readonly lanes: number;
  readonly unroll: number;
  /** A local: how many columns; 0 afterwards. */
  readonly count: number;
  /** The most that `count` can be. */
  readonly most: number;
  /** Whether `count` may leave a remainder of the lanes. */
  readonly ragged: boolean;
  /** Whether a remainder may be evaluated as if it were whole (its stores then take `valid` lanes only). */
  readonly partial: boolean;
  readonly pointers: readonly Pointer[];
}

/** Writes the loop; `body` is called for each unrolled copy (all steps of one block at once) and for the remainder. */
export function columnLoop(c: FunctionWriter, loop: ColumnLoop, body: (points: readonly At[]) => void): void {
  const { lanes, unroll, count, most } = loop;
  const all = lanes > 1 ? "all" : "one";
  const block = (copies: number): void => {
    const width = lanes * copies;
    if (most < width) return;
    const points = Array.from({ length: copies }, (_, copy): At => ({ lanes: all, step: copy * lanes }));
    repeatWhile(c, () => c.get(count).i32(width).op("i32.ge_s"), most < 2 * width, () => {
      body(points);
      advance(c, loop, width);
    });
  };
  if (unroll > 1) block(unroll);
  block(1);
  if (lanes === 1 || !loop.ragged) return;
  if (loop.partial) {
    c.get(count).i32(0).op("i32.gt_s").if(() => body([{ lanes: "all", step: 0, valid: count }]));
  } else {
    repeatWhile(c, () => c.get(count).i32(0).op("i32.gt_s"), most === 1, () => {
      body([{ lanes: "one", step: 0 }]);
      advance(c, loop, 1);
    });
  }
}

function advance(c: FunctionWriter, { pointers, count }: ColumnLoop, columns: number): void {
  for (const { local, step } of pointers) if (step !== 0) c.increment(local, step * columns);
  c.increment(count, -columns);
}
