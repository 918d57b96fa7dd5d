/**
 * The addresses of a reduction's streams as they move over its points and its window.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { Odometer } from "../elementwise/odometer.ts";
import type { Location } from "../expressions/emitter.ts";
import type { Range, ReducePlan } from "./plan.ts";

/** Writes how the pointers of the streams move. Level 1 is a row of points, 2 a row of the window, 3 a point in it. */
export class ReducePointers {
  /** Over the points, for all streams; over the window, for those the reductions read. */
  readonly points: Odometer;
  readonly window: Odometer;
  readonly #c: FunctionWriter;
  readonly #plan: ReducePlan;
  readonly #bases: readonly number[];
  readonly #pointPointers: readonly number[];
  readonly #windowPointers: readonly number[];

  constructor(c: FunctionWriter, plan: ReducePlan) {
    this.#c = c;
    this.#plan = plan;
    const outer = (strides: readonly number[]) => strides.slice(0, -1);
    this.points = new Odometer(c, outer(plan.points.extents), plan.points.strides.map(outer));
    this.window = new Odometer(c, outer(plan.window.extents), plan.window.strides.map(outer));
    this.#bases = plan.streams.map((stream) => {
      const base = c.local("i32");
      stream.base(c);
      c.set(base);
      return base;
    });
    this.#pointPointers = this.#bases.map((base, i) => this.#movesOverPoints(i) ? c.local("i32") : base);
    this.#windowPointers = this.#pointPointers.map((pointer, i) => this.#movesOverWindow(i) ? c.local("i32") : pointer);
  }

  /** How far stream i moves from column to column of the points, and of the window. */
  columnStep(i: number): number {
    return this.#plan.points.strides[i].at(-1)!;
  }

  windowStep(i: number): number {
    return this.#plan.window.strides[i]?.at(-1) ?? 0;
  }

  #movesOverPoints(i: number): boolean {
    return this.columnStep(i) !== 0 || this.points.moves(i);
  }

  #movesOverWindow(i: number): boolean {
    return i < this.#plan.readCount && (this.windowStep(i) !== 0 || this.window.moves(i));
  }

  /** The level at which a stream that the reductions read changes. */
  readLevel(i: number): number {
    if (this.windowStep(i) !== 0 || this.columnStep(i) !== 0) return 3;
    return this.window.moves(i) ? 2 : this.points.moves(i) ? 1 : 0;
  }

  /** The level at which a stream that the outputs read changes. */
  outputLevel(i: number): number {
    return this.columnStep(i) !== 0 ? 2 : this.points.moves(i) ? 1 : 0;
  }

  /** The location of stream i, `step` points along the direction of the lanes. */
  locate(i: number, step: number): Location {
    const inWindow = this.#plan.layout === "window" && i < this.#plan.readCount;
    const stride = inWindow ? this.windowStep(i) : this.columnStep(i);
    return { pointer: this.#windowPointers[i], offset: stride * step, stride };
  }

  /** Sets the pointers for a row of points, from the first of some columns on. */
  setPoints(columns: Range | undefined): void {
    const c = this.#c;
    this.#pointPointers.forEach((pointer, i) => {
      if (!this.#movesOverPoints(i)) return;
      c.get(this.#bases[i]);
      this.points.addOffset(i);
      if (columns && this.columnStep(i) !== 0) c.get(columns.from).i32(this.columnStep(i)).op("i32.mul").op("i32.add");
      c.set(pointer);
    });
  }

  /** Sets the pointers for a row of the window, from the first of some columns on. */
  setWindow(columns: Range | undefined): void {
    const c = this.#c;
    for (let i = 0; i < this.#plan.readCount; i++) {
      if (!this.#movesOverWindow(i)) continue;
      c.get(this.#pointPointers[i]);
      this.window.addOffset(i);
      if (columns && this.windowStep(i) !== 0) c.get(columns.from).i32(this.windowStep(i)).op("i32.mul").op("i32.add");
      c.set(this.#windowPointers[i]);
    }
  }

  /** The pointers that move along the columns of the window, and those that move along those of the points. */
  alongWindow(): { readonly local: number; readonly step: number }[] {
    return Array.from({ length: this.#plan.readCount }, (_, i) => ({ local: this.#windowPointers[i], step: this.windowStep(i) }));
  }

  alongPoints(): { readonly local: number; readonly step: number }[] {
    return this.#pointPointers.map((local, i) => ({ local, step: this.columnStep(i) }));
  }
}
