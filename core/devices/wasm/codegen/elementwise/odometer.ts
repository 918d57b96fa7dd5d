/**
 * Loops over the rows of several axes, which keep the offsets of streams.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";

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
