/**
 * Writes the loops of a reduction as planned in `plan.ts`.
 *
 * @module
 */
import type { Expr } from "../../../../ir/expr.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { columnLoop } from "../elementwise/column_loop.ts";
import { type Formula, mayOverrun } from "../elementwise/formula.ts";
import { repeatWhile } from "../emit/loops.ts";
import { type At, Evaluator } from "../expressions/evaluator.ts";
import type { Range, ReducePlan, ReduceRange } from "./plan.ts";
import { ReducePointers } from "./pointers.ts";
import { blockLength, ReduceStates, type State } from "./states.ts";

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
  readonly #reductions: Evaluator;
  readonly #outputs: Evaluator;
  /** How often one lane is evaluated in a row of the window. */
  readonly #rowLength: number;
  /** The locals that `result` expressions mean while code is written. */
  #results: ReadonlyMap<number, number> = new Map();

  constructor(c: FunctionWriter, plan: ReducePlan, range: ReduceRange) {
    this.#c = c;
    this.#plan = plan;
    this.#range = range;
    const perBlock = plan.layout === "window" ? plan.emitter.lanes * plan.unroll : 1;
    this.#rowLength = Math.ceil(plan.windowColumns / perBlock);
    this.#states = new ReduceStates(c, plan, this.#rowLength);
    const pointers = new ReducePointers(c, plan);
    this.#pointers = pointers;
    this.#reductions = this.#evaluator(plan.spec.joined, 0, 3, (i) => pointers.readLevel(i));
    const deepest = plan.layout === "points" ? 2 : 1;
    this.#outputs = this.#evaluator(plan.spec.outputs, plan.readCount, deepest, (i) => pointers.outputLevel(i));
  }

  /** Evaluates formulas whose leaves are streams from number `first` on, or results. */
  #evaluator(formula: Formula, first: number, deepest: number, levelOf: (i: number) => number): Evaluator {
    const { emitter, streams } = this.#plan;
    const numbers = new Map([...formula.leaves.keys()].map((leaf, i) => [leaf, first + i]));
    const leaves = {
      level: (leaf: Expr) => numbers.has(leaf) ? levelOf(numbers.get(leaf)!) : deepest,
      push: (leaf: Expr, at: At) => {
        const i = numbers.get(leaf);
        if (i === undefined) {
          this.#c.get(this.#results.get((leaf as Extract<Expr, { kind: "result" }>).slot)!);
          return;
        }
        const { dtype } = streams[i];
        if (dtype === "index") emitter.sequence(this.#c, this.#pointers.locate(i, at.step), at.lanes);
        else emitter.load(this.#c, dtype, this.#pointers.locate(i, at.step), at.lanes);
      },
    };
    return new Evaluator(this.#c, emitter, leaves, formula.roots, deepest);
  }

  /** Sets `row` to the first of some rows and repeats `body` for each, after `begin`. */
  #eachRow(row: number, range: Range | undefined, rows: number, body: () => void, begin = () => {}): void {
    const c = this.#c;
    if (range) c.get(range.from).set(row);
    else c.i32(0).set(row);
    begin();
    const more = () => {
      c.get(row);
      if (range) c.get(range.to);
      else c.i32(rows);
      c.op("i32.lt_s");
    };
    repeatWhile(c, more, rows === 1, body);
  }

  write(): void {
    const c = this.#c;
    const { rows: range, columns } = this.#range;
    this.#reductions.hoist(0);
    this.#outputs.hoist(0);
    const row = c.local("i32");
    this.#pointers.points.seek(range?.from);
    this.#eachRow(row, range, this.#plan.rows, () => {
      this.#pointers.setPoints(columns);
      this.#reductions.hoist(1);
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
    this.#windowLoops(points, states);
    if (inWindow) { for (const state of states.slice(1)) this.#states.join(states[0], state); }
    for (const state of inWindow ? states.slice(0, 1) : states) {
      this.#states.finishBlocks(state);
      if (inWindow && emitter.lanes === 4) this.#states.joinLanes(state);
    }
    points.forEach((at, i) => this.#store(at, states[i]));
    states.forEach((state) => this.#states.release(state));
  }

  /** Lets the values of the whole window join the states. */
  #windowLoops(points: readonly At[], states: readonly State[]): void {
    const [c, plan] = [this.#c, this.#plan];
    if (plan.windowRows * plan.windowColumns === 0) return;
    const { windowRows: range, windowColumns } = this.#range;
    const rowsPerBlock = Math.max(1, Math.floor(blockLength / this.#rowLength));
    c.withLocals("i32", 2, (row, untilBlock) => {
      this.#pointers.window.seek(range?.from);
      const beginBlock = () => void c.i32(rowsPerBlock).set(untilBlock);
      this.#eachRow(row, range, plan.windowRows, () => {
        this.#pointers.setWindow(windowColumns);
        this.#reductions.hoist(2);
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
      if (!blocked || this.#rowLength <= blockLength) {
        pushAll().set(count);
        this.#windowColumns(points, states, count, plan.windowColumns);
        if (blocked && this.#rowLength * 2 > blockLength) this.#states.endBlocks(states);
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
    this.#results = this.#states.results(state);
    const masked = plan.layout === "window" && plan.emitter.lanes === 4 && (at.valid !== undefined || at.lanes === "one");
    this.#reductions.evaluate(plan.spec.joined.roots, at, (_, push, i) => {
      push();
      if (!masked) return;
      c.get(state.parts[i]);
      if (at.valid === undefined) c.i32x4(-1, 0, 0, 0);
      else c.i32x4(0, 1, 2, 3).get(at.valid).op("i32x4.splat").op("i32x4.lt_s");
      c.op("i32x4.relaxed_laneselect");
    });
    for (const part of [...state.parts].reverse()) c.set(part);
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
