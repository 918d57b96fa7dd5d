/**
 * Writes the loops over the window of a reduction, in which values join the states of some points.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { columnLoop } from "../elementwise/column_loop.ts";
import { mayOverrun } from "../elementwise/formula.ts";
import { eachRow, repeatWhile } from "../emit/loops.ts";
import type { At, Evaluator } from "../expressions/evaluator.ts";
import type { ReducePlan, ReduceRange } from "./plan.ts";
import type { ReducePointers } from "./pointers.ts";
import { blockLength, type ReduceStates, type State } from "./states.ts";
import { streamEvaluator } from "./stream_evaluator.ts";

/** The loops over a window. Levels: 0 is before all loops, 1 in a row of points, 2 in a row of the window, 3 at a point in it. */
export class WindowLoops {
  readonly #c: FunctionWriter;
  readonly #plan: ReducePlan;
  readonly #range: ReduceRange;
  readonly #pointers: ReducePointers;
  readonly #states: ReduceStates;
  readonly #evaluator: Evaluator;
  /** The locals that `result` expressions mean while code is written. */
  #results: ReadonlyMap<number, number> = new Map();

  constructor(c: FunctionWriter, plan: ReducePlan, range: ReduceRange, pointers: ReducePointers, states: ReduceStates) {
    this.#c = c;
    this.#plan = plan;
    this.#range = range;
    this.#pointers = pointers;
    this.#states = states;
    const [formula, levelOf] = [plan.spec.joined, (i: number) => pointers.readLevel(i)];
    this.#evaluator = streamEvaluator(c, plan, pointers, {
      formula,
      first: 0,
      deepest: 3,
      levelOf,
      results: () => this.#results,
    });
  }

  /** Computes what does not change in the loops below a level. */
  hoist(level: number): void {
    this.#evaluator.hoist(level);
  }

  /** Lets the values of the whole window join the states. */
  write(points: readonly At[], states: readonly State[]): void {
    const [c, plan] = [this.#c, this.#plan];
    if (plan.windowRows * plan.windowColumns === 0) return;
    const { windowRows: range, windowColumns } = this.#range;
    const rowsPerBlock = Math.max(1, Math.floor(blockLength / this.#plan.rowLength));
    c.withLocals("i32", 2, (row, untilBlock) => {
      this.#pointers.window.seek(range?.from);
      const beginBlock = () => void c.i32(rowsPerBlock).set(untilBlock);
      eachRow(c, row, range, plan.windowRows, () => {
        this.#pointers.setWindow(windowColumns);
        this.#evaluator.hoist(2);
        this.#windowRow(points, states);
        if (rowsPerBlock > 1 && this.#states.blocked) {
          c.increment(untilBlock, -1).get(untilBlock).op("i32.eqz").if(() => {
            this.#states.endBlocks(states);
            beginBlock();
          });
        }
        this.#pointers.window.next();
        c.increment(row, 1);
      }, beginBlock);
    });
  }

  /** One row of the window: at once, or in blocks if it is long. */
  #windowRow(points: readonly At[], states: readonly State[]): void {
    const [c, plan] = [this.#c, this.#plan];
    const range = this.#range.windowColumns;
    const { blocked } = this.#states;
    const perBlock = plan.layout === "window" ? plan.emitter.lanes * plan.unroll * blockLength : blockLength;
    const pushAll = () => range ? c.get(range.to).get(range.from).op("i32.sub") : c.i32(plan.windowColumns);
    c.withLocals("i32", 2, (left, count) => {
      if (!blocked || this.#plan.rowLength <= blockLength) {
        pushAll().set(count);
        this.#windowColumns(points, states, count, plan.windowColumns);
        if (blocked && this.#plan.rowLength * 2 > blockLength) this.#states.endBlocks(states);
        return;
      }
      pushAll().set(left);
      repeatWhile(c, () => c.get(left).i32(0).op("i32.gt_s"), false, () => {
        c.i32(perBlock).get(left).i32(perBlock).get(left).op("i32.lt_s").op("select").set(count);
        c.get(left).get(count).op("i32.sub").set(left);
        this.#windowColumns(points, states, count, perBlock);
        this.#states.endBlocks(states);
      });
    });
  }

  /** As many columns of the window as local `count` says, `most` at most. */
  #windowColumns(points: readonly At[], states: readonly State[], count: number, most: number): void {
    const [c, plan] = [this.#c, this.#plan];
    const pointers = this.#pointers.alongWindow();
    if (plan.layout === "points") {
      repeatWhile(c, () => c.get(count).i32(0).op("i32.gt_s"), plan.windowColumns === 1, () => {
        points.forEach((at, i) => this.#join(states[i], at));
        for (const { local, step } of pointers) if (step !== 0) c.increment(local, step);
        c.increment(count, -1);
      });
      return;
    }
    const { lanes } = plan.emitter;
    columnLoop(c, {
      lanes,
      unroll: plan.unroll,
      count,
      most,
      ragged: plan.windowColumns % lanes !== 0,
      partial: plan.windowColumns > 1 && pointers.every(({ step }, i) => mayOverrun(plan.streams[i].dtype, step)),
      pointers,
    }, (steps) => steps.forEach((at, copy) => this.#join(states[copy], at)));
  }

  /** Lets the values at a point join a state; lanes that do not count keep theirs. */
  #join(state: State, at: At): void {
    const [c, plan] = [this.#c, this.#plan];
    const masked = plan.layout === "window" && plan.emitter.lanes > 1 && (at.valid !== undefined || at.lanes === "one");
    this.#results = this.#states.results(state);
    this.#evaluator.evaluate(plan.spec.joined.roots, at, (_, push, i) => {
      push();
      if (!masked) return;
      c.get(state.parts[i]);
      if (at.valid === undefined) c.i32(1);
      else c.get(at.valid);
      c.op("i32x4.splat").i32x4(...plan.emitter.lanes === 4 ? [0, 1, 2, 3] as const : [0, 0, 1, 1] as const).op("i32x4.gt_s");
      c.op("i32x4.relaxed_laneselect");
    });
    for (const part of [...state.parts].reverse()) c.set(part);
  }
}
