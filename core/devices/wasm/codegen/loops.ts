/**
 * Loops over points: rows by an odometer that keeps the offsets of streams, columns four lanes at a time.
 *
 * @module
 */
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { repeatWhile } from "./emit/loops.ts";
import type { At } from "./evaluate.ts";

/** Visits the points of some axes in row-major order and keeps how far each stream has moved. */
export class Odometer {
  readonly #c: FunctionWriter;
  readonly #extents: readonly number[];
  readonly #indices: readonly number[];
  /** Streams that move alike share a local. */
  readonly #groups: { readonly steps: readonly number[]; readonly local: number }[] = [];
  readonly #groupOf: readonly (number | undefined)[];

  constructor(c: FunctionWriter, extents: readonly number[], strides: readonly (readonly number[])[]) {
    this.#c = c;
    this.#extents = extents;
    this.#indices = extents.map(() => c.local("i32"));
    const groups = new Map<string, number>();
    this.#groupOf = strides.map((steps) => {
      if (steps.every((step) => step === 0)) return undefined;
      const key = steps.join();
      if (!groups.has(key)) groups.set(key, this.#groups.push({ steps, local: c.local("i32") }) - 1);
      return groups.get(key);
    });
  }

  /** Goes to the point whose row-major number is in a local, or to the first. */
  seek(row?: number): void {
    const c = this.#c;
    if (row === undefined) {
      for (const index of this.#indices) c.i32(0).set(index);
      for (const { local } of this.#groups) c.i32(0).set(local);
      return;
    }
    const rest = c.local("i32");
    c.get(row).set(rest);
    for (let axis = this.#extents.length - 1; axis >= 0; axis--) {
      if (axis === 0) c.get(rest).set(this.#indices[axis]);
      else {
        c.get(rest).i32(this.#extents[axis]).op("i32.rem_u").set(this.#indices[axis]);
        c.get(rest).i32(this.#extents[axis]).op("i32.div_u").set(rest);
      }
    }
    for (const { steps, local } of this.#groups) {
      c.i32(0);
      steps.forEach((step, axis) => {
        if (step !== 0) c.get(this.#indices[axis]).i32(step).op("i32.mul").op("i32.add");
      });
      c.set(local);
    }
    c.release("i32", rest);
  }

  /** Goes one point on. */
  next(): void {
    const c = this.#c;
    const advance = (axis: number): void => {
      if (axis < 0) return;
      const wrapped = (steps: readonly number[]) =>
        axis + 1 < steps.length ? steps[axis] - steps[axis + 1] * this.#extents[axis + 1] : steps[axis];
      for (const { steps, local } of this.#groups) {
        if (wrapped(steps) !== 0) c.increment(local, wrapped(steps));
      }
      c.increment(this.#indices[axis], 1);
      if (axis === 0) return;
      c.get(this.#indices[axis]).i32(this.#extents[axis]).op("i32.eq").if(() => {
        c.i32(0).set(this.#indices[axis]);
        advance(axis - 1);
      });
    };
    advance(this.#extents.length - 1);
  }

  /** Adds how far stream `i` has moved to the address on the stack. */
  addOffset(i: number): void {
    const group = this.#groupOf[i];
    if (group !== undefined) this.#c.get(this.#groups[group].local).op("i32.add");
  }

  /** Whether stream `i` moves at all. */
  moves(i: number): boolean {
    return this.#groupOf[i] !== undefined;
  }

  /** Gives the locals back. */
  release(): void {
    for (const index of this.#indices) this.#c.release("i32", index);
    for (const { local } of this.#groups) this.#c.release("i32", local);
  }
}

/** A local that moves along the columns, and by how much per column. */
export interface Pointer {
  readonly local: number;
  readonly step: number;
}

/** A loop over columns, in blocks of `lanes`, unrolled. */
export interface ColumnLoop {
  readonly lanes: 1 | 4;
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
  const all = lanes === 4 ? "all" : "one";
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
