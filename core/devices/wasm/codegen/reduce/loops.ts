/**
 * Writes the loops of a reduction as planned in `plan.ts`.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { columnLoop } from "../elementwise/column_loop.ts";
import { mayOverrun } from "../elementwise/formula.ts";
import { eachRow } from "../emit/loops.ts";
import type { At, Evaluator } from "../expressions/evaluator.ts";
import type { ReducePlan, ReduceRange } from "./plan.ts";
import { ReducePointers } from "./pointers.ts";
import { ReduceStates, type State } from "./states.ts";
import { streamEvaluator } from "./stream_evaluator.ts";
import { WindowLoops } from "./window_loops.ts";

/** The most columns that are reduced side by side in one sweep over the window. */
const maxSweepColumns = 16;

/** Writes a reduction over a part of its points or window. */
export function writeReduce(c: FunctionWriter, plan: ReducePlan, range: ReduceRange): void {
  new ReduceWriter(c, plan, range).write();
}

class ReduceWriter {
  readonly #c: FunctionWriter;
  readonly #plan: ReducePlan;
  readonly #range: ReduceRange;
  readonly #pointers: ReducePointers;
  readonly #states: ReduceStates;
  readonly #window: WindowLoops;
  readonly #outputs: Evaluator;
  /** The locals that `result` expressions mean while code is written. */
  #results: ReadonlyMap<number, number> = new Map();

  constructor(c: FunctionWriter, plan: ReducePlan, range: ReduceRange) {
    this.#c = c;
    this.#plan = plan;
    this.#range = range;
    this.#states = new ReduceStates(c, plan);
    this.#pointers = new ReducePointers(c, plan);
    this.#window = new WindowLoops(c, plan, range, this.#pointers, this.#states);
    this.#outputs = streamEvaluator(c, plan, this.#pointers, {
      formula: plan.spec.outputs,
      first: plan.readCount,
      deepest: plan.layout === "points" ? 2 : 1,
      levelOf: (i) => this.#pointers.outputLevel(i),
      results: () => this.#results,
    });
  }

  write(): void {
    const c = this.#c;
    const { rows: range, columns } = this.#range;
    this.#window.hoist(0);
    this.#outputs.hoist(0);
    const row = c.local("i32");
    this.#pointers.points.seek(range?.from);
    eachRow(c, row, range, this.#plan.rows, () => {
      this.#pointers.setPoints(columns);
      this.#window.hoist(1);
      if (this.#plan.layout === "points") {
        this.#outputs.hoist(1);
        this.#columns();
      } else this.#sweep([{ lanes: "one", step: 0 }]);
      this.#pointers.points.next();
      c.increment(row, 1);
    });
  }

  /** Points layout: all columns of a row. */
  #columns(): void {
    const [c, plan] = [this.#c, this.#plan];
    const { lanes } = plan.emitter;
    const range = this.#range.columns;
    const reads = plan.streams.slice(0, plan.readCount + plan.spec.outputs.leaves.size);
    const partial = plan.columns > 1 && reads.every(({ dtype }, i) => mayOverrun(dtype, this.#pointers.columnStep(i)));
    c.withLocals("i32", 1, (count) => {
      if (!range && partial && plan.columns <= maxSweepColumns) return this.#fewColumns(count);
      if (range) c.get(range.to).get(range.from).op("i32.sub").set(count);
      else c.i32(plan.columns).set(count);
      columnLoop(c, {
        lanes,
        unroll: plan.columns >= 8 * lanes ? plan.unroll : 1,
        count,
        most: plan.columns,
        ragged: plan.columns % lanes !== 0,
        partial,
        pointers: this.#pointers.alongPoints(),
      }, (points) => this.#sweep(points));
    });
  }

  /** Few columns in one sweep; `count` is a local for the lanes that the last of them leave. */
  #fewColumns(count: number): void {
    const { columns, emitter: { lanes } } = this.#plan;
    const whole = Math.floor(columns / lanes);
    const points = Array.from({ length: whole }, (_, i): At => ({ lanes: "all", step: i * lanes }));
    if (columns % lanes > 0) {
      this.#c.i32(columns % lanes).set(count);
      points.push({ lanes: "all", step: whole * lanes, valid: count });
    }
    this.#sweep(points);
  }

  /** Reduces the windows of some points (in the window layout: of one) and stores the outcome. */
  #sweep(points: readonly At[]): void {
    const { layout, unroll, emitter } = this.#plan;
    const inWindow = layout === "window";
    const states = Array.from({ length: inWindow ? unroll : points.length }, () => this.#states.create());
    this.#window.write(points, states);
    if (inWindow) { for (const state of states.slice(1)) this.#states.join(states[0], state); }
    for (const state of inWindow ? states.slice(0, 1) : states) {
      this.#states.finishBlocks(state);
      if (inWindow && emitter.lanes > 1) this.#states.joinLanes(state);
    }
    points.forEach((at, i) => this.#store(at, states[i]));
    states.forEach((state) => this.#states.release(state));
  }

  /** Stores what is computed from the state of a point. */
  #store(at: At, state: State): void {
    const { emitter, spec, readCount, streams } = this.#plan;
    this.#results = this.#states.results(state);
    const first = readCount + spec.outputs.leaves.size;
    this.#outputs.evaluate(spec.outputs.roots, at, (_, push, i) => {
      const { dtype } = streams[first + i];
      if (dtype === "index") throw new Error("A store needs memory");
      emitter.store(this.#c, dtype, this.#pointers.locate(first + i, at.step), at.lanes, push, at.valid);
    });
  }
}
