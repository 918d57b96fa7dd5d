/**
 * Writes the loops of a reduction as planned in `reduce_plan.ts`.
 *
 * Long sums of f32 are kept in blocks of a hundred or so additions, which are added up with their rounding errors (Knuth's
 * two-sum), so that a sum of millions is as good as a sum of hundreds.
 *
 * @module
 */
import { binary, type Expr, select, unary } from "../../../ir/expr.ts";
import { joinStates, stateOf, type StatePart } from "./accumulate.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { repeatWhile } from "./emit/loops.ts";
import { type At, Evaluator } from "./evaluate.ts";
import { mayOverrun } from "./generate.ts";
import { Legalizer } from "./legalize.ts";
import { columnLoop, Odometer } from "./loops.ts";
import type { ReducePlan } from "./reduce_plan.ts";

interface Range {
  /** Locals. */
  readonly from: number;
  readonly to: number;
}

/** Which part of the points, and of the window, to reduce; undefined for all. */
export interface ReduceRange {
  readonly rows?: Range;
  readonly columns?: Range;
  readonly windowRows?: Range;
  readonly windowColumns?: Range;
}

/** Additions per lane after which a block of a long sum ends, and the most without blocks. */
const blockLength = 128;
const shortLength = 512;

/** The most columns that are reduced side by side in one sweep over the window. */
const sweepColumns = 16;

/** One scalar of the state with where it belongs. */
interface Part extends StatePart {
  /** Number of its `result` expression. */
  readonly slot: number;
  /** Whether it is a sum that is kept in blocks. */
  readonly blocked: boolean;
}

/** The state of one block of points, in locals. */
interface State {
  readonly parts: readonly number[];
  /** For blocked sums: the total of finished blocks and its error. */
  readonly totals: readonly (readonly [total: number, error: number] | undefined)[];
}

/** Writes a reduction over a part of its points or window. */
export function writeReduce(c: FunctionWriter, plan: ReducePlan, range: ReduceRange): void {
  new ReduceWriter(c, plan, range).write();
}

class ReduceWriter {
  readonly #c: FunctionWriter;
  readonly #plan: ReducePlan;
  readonly #range: ReduceRange;
  readonly #parts: readonly Part[];
  /** Over the points, for all streams; over the window, for those the reductions read. */
  readonly #points: Odometer;
  readonly #window: Odometer;
  readonly #bases: readonly number[];
  readonly #pointPointers: readonly number[];
  readonly #windowPointers: readonly number[];
  readonly #reductions: Evaluator;
  readonly #outputs: Evaluator;
  /** Evaluations of one lane in a row of the window, and whether rows are cut into blocks. */
  readonly #rowLength: number;
  /** What `result` expressions mean while code is written. */
  #results: ReadonlyMap<number, number> = new Map();

  constructor(c: FunctionWriter, plan: ReducePlan, range: ReduceRange) {
    this.#c = c;
    this.#plan = plan;
    this.#range = range;
    const perBlock = plan.layout === "window" ? plan.printer.lanes * plan.unroll : 1;
    this.#rowLength = Math.ceil(plan.windowColumns / perBlock);
    const long = this.#rowLength * plan.windowRows > shortLength;
    this.#parts = plan.spec.reductions.flatMap((reduction, k) =>
      stateOf(reduction, k).map((part, i): Part => ({
        ...part,
        slot: 2 * k + i,
        blocked: long && plan.printer.lanes === 4 && reduction.op === "sum" && part.type === "f32",
      }))
    );
    const outer = (strides: readonly number[]) => strides.slice(0, -1);
    this.#points = new Odometer(c, outer(plan.points.extents), plan.points.strides.map(outer));
    this.#window = new Odometer(c, outer(plan.window.extents), plan.window.strides.map(outer));
    this.#bases = plan.streams.map((stream) => {
      const base = c.local("i32");
      stream.base(c);
      c.set(base);
      return base;
    });
    this.#pointPointers = this.#bases.map((base, i) => this.#movesOverPoints(i) ? c.local("i32") : base);
    this.#windowPointers = this.#pointPointers.map((pointer, i) => this.#movesOverWindow(i) ? c.local("i32") : pointer);
    this.#reductions = this.#evaluator(plan.spec.joined, 0, 3, (i) => this.#readLevel(i));
    this.#outputs = this.#evaluator(plan.spec.outputs, plan.readCount, plan.layout === "points" ? 2 : 1, (i) => {
      return this.#columnStep(i) !== 0 ? 2 : this.#points.moves(i) ? 1 : 0;
    });
  }

  #evaluator(formula: ReducePlan["spec"]["joined"], first: number, deepest: number, levelOf: (i: number) => number): Evaluator {
    const { printer, streams } = this.#plan;
    const places = new Map([...formula.leaves.keys()].map((leaf, i) => [leaf, first + i]));
    return new Evaluator(
      this.#c,
      printer,
      {
        level: (leaf) => places.has(leaf) ? levelOf(places.get(leaf)!) : deepest,
        push: (leaf, at) => {
          const i = places.get(leaf);
          if (i === undefined) {
            this.#c.get(this.#results.get((leaf as Extract<Expr, { kind: "result" }>).slot)!);
            return;
          }
          const { dtype } = streams[i];
          if (dtype === "index") printer.sequence(this.#c, this.#place(i, at.step), at.lanes);
          else printer.load(this.#c, dtype, this.#place(i, at.step), at.lanes);
        },
      },
      formula.roots,
      deepest,
    );
  }

  #columnStep(i: number): number {
    return this.#plan.points.strides[i].at(-1)!;
  }

  #windowStep(i: number): number {
    return this.#plan.window.strides[i]?.at(-1) ?? 0;
  }

  #movesOverPoints(i: number): boolean {
    return this.#columnStep(i) !== 0 || this.#points.moves(i);
  }

  #movesOverWindow(i: number): boolean {
    return i < this.#plan.readCount && (this.#windowStep(i) !== 0 || this.#window.moves(i));
  }

  #readLevel(i: number): number {
    if (this.#windowStep(i) !== 0 || this.#columnStep(i) !== 0) return 3;
    return this.#window.moves(i) ? 2 : this.#points.moves(i) ? 1 : 0;
  }

  /** Where stream i lies, `step` points along the direction of the lanes. */
  #place(i: number, step: number) {
    const inWindow = this.#plan.layout === "window" && i < this.#plan.readCount;
    const stride = inWindow ? this.#windowStep(i) : this.#columnStep(i);
    return { pointer: this.#windowPointers[i], offset: stride * step, stride };
  }

  write(): void {
    const c = this.#c;
    const { rows: range, columns } = this.#range;
    this.#reductions.hoist(0);
    this.#outputs.hoist(0);
    const row = c.local("i32");
    this.#points.seek(range?.from);
    if (range) c.get(range.from).set(row);
    else c.i32(0).set(row);
    const more = () => {
      c.get(row);
      if (range) c.get(range.to);
      else c.i32(this.#plan.rows);
      c.op("i32.lt_s");
    };
    repeatWhile(c, more, this.#plan.rows === 1, () => {
      this.#pointPointers.forEach((pointer, i) => {
        if (!this.#movesOverPoints(i)) return;
        c.get(this.#bases[i]);
        this.#points.addOffset(i);
        if (columns && this.#columnStep(i) !== 0) c.get(columns.from).i32(this.#columnStep(i)).op("i32.mul").op("i32.add");
        c.set(pointer);
      });
      this.#reductions.hoist(1);
      if (this.#plan.layout === "points") {
        this.#outputs.hoist(1);
        this.#columns();
      } else this.#sweep([{ lanes: "one", step: 0 }]);
      this.#points.next();
      c.increment(row, 1);
    });
  }

  /** Points layout: all columns of a row. */
  #columns(): void {
    const [c, plan] = [this.#c, this.#plan];
    const { lanes } = plan.printer;
    const range = this.#range.columns;
    const reads = plan.streams.slice(0, plan.readCount + plan.spec.outputs.leaves.size);
    const partial = plan.columns > 1 && reads.every(({ dtype }, i) => mayOverrun(dtype, this.#columnStep(i)));
    const count = c.local("i32");
    if (!range && partial && plan.columns <= sweepColumns) {
      const whole = Math.floor(plan.columns / lanes);
      const points = Array.from({ length: whole }, (_, i): At => ({ lanes: "all", step: i * lanes }));
      if (plan.columns % lanes > 0) {
        c.i32(plan.columns % lanes).set(count);
        points.push({ lanes: "all", step: whole * lanes, valid: count });
      }
      this.#sweep(points);
    } else {
      if (range) c.get(range.to).get(range.from).op("i32.sub").set(count);
      else c.i32(plan.columns).set(count);
      columnLoop(c, {
        lanes,
        unroll: plan.columns >= 8 * lanes ? plan.unroll : 1,
        count,
        most: plan.columns,
        ragged: plan.columns % lanes !== 0,
        partial,
        pointers: plan.streams.map((_, i) => ({ local: this.#pointPointers[i], step: this.#columnStep(i) })),
      }, (points) => this.#sweep(points));
    }
    c.release("i32", count);
  }

  /** Reduces the windows of some points (in the window layout: of one) and stores the outcome. */
  #sweep(points: readonly At[]): void {
    const { layout, unroll } = this.#plan;
    const states = Array.from({ length: layout === "window" ? unroll : points.length }, () => this.#newState());
    this.#windowLoops(points, states);
    if (layout === "window") { for (const state of states.slice(1)) this.#joinInto(states[0], state); }
    for (const state of layout === "window" ? states.slice(0, 1) : states) {
      this.#finishBlocks(state);
      if (layout === "window" && this.#plan.printer.lanes === 4) this.#joinLanes(state);
    }
    points.forEach((at, i) => this.#store(at, states[i]));
    states.forEach((state) => this.#releaseState(state));
  }

  #windowLoops(points: readonly At[], states: readonly State[]): void {
    const [c, plan] = [this.#c, this.#plan];
    if (plan.windowRows * plan.windowColumns === 0) return;
    const range = this.#range.windowRows;
    const rowsPerBlock = Math.max(1, Math.floor(blockLength / this.#rowLength));
    const [row, untilBlock] = c.locals("i32", 2);
    this.#window.seek(range?.from);
    if (range) c.get(range.from).set(row);
    else c.i32(0).set(row);
    c.i32(rowsPerBlock).set(untilBlock);
    const more = () => {
      c.get(row);
      if (range) c.get(range.to);
      else c.i32(plan.windowRows);
      c.op("i32.lt_s");
    };
    repeatWhile(c, more, plan.windowRows === 1, () => {
      for (let i = 0; i < plan.readCount; i++) {
        if (!this.#movesOverWindow(i)) continue;
        c.get(this.#pointPointers[i]);
        this.#window.addOffset(i);
        const from = this.#range.windowColumns?.from;
        if (from !== undefined && this.#windowStep(i) !== 0) c.get(from).i32(this.#windowStep(i)).op("i32.mul").op("i32.add");
        c.set(this.#windowPointers[i]);
      }
      this.#reductions.hoist(2);
      this.#windowRow(points, states);
      if (rowsPerBlock > 1 && this.#parts.some(({ blocked }) => blocked)) {
        c.increment(untilBlock, -1).get(untilBlock).op("i32.eqz").if(() => {
          this.#endBlock(states);
          c.i32(rowsPerBlock).set(untilBlock);
        });
      }
      this.#window.next();
      c.increment(row, 1);
    });
    c.release("i32", row).release("i32", untilBlock);
  }

  /** One row of the window: at once, or in blocks if it is long. */
  #windowRow(points: readonly At[], states: readonly State[]): void {
    const [c, plan] = [this.#c, this.#plan];
    const range = this.#range.windowColumns;
    const [left, count] = c.locals("i32", 2);
    const blocked = this.#parts.some((part) => part.blocked);
    const perBlock = plan.layout === "window" ? plan.printer.lanes * plan.unroll * blockLength : blockLength;
    const pushAll = () => range ? c.get(range.to).get(range.from).op("i32.sub") : c.i32(plan.windowColumns);
    if (!blocked || this.#rowLength <= blockLength) {
      pushAll().set(count);
      this.#windowColumns(points, states, count, plan.windowColumns);
      if (blocked && this.#rowLength * 2 > blockLength) this.#endBlock(states);
    } else {
      pushAll().set(left);
      repeatWhile(c, () => c.get(left).i32(0).op("i32.gt_s"), false, () => {
        c.i32(perBlock).get(left).i32(perBlock).get(left).op("i32.lt_s").op("select").set(count);
        c.get(left).get(count).op("i32.sub").set(left);
        this.#windowColumns(points, states, count, perBlock);
        this.#endBlock(states);
      });
    }
    c.release("i32", left).release("i32", count);
  }

  #windowColumns(points: readonly At[], states: readonly State[], count: number, most: number): void {
    const [c, plan] = [this.#c, this.#plan];
    const pointers = Array.from(
      { length: plan.readCount },
      (_, i) => ({ local: this.#windowPointers[i], step: this.#windowStep(i) }),
    );
    if (plan.layout === "window") {
      const { lanes } = plan.printer;
      columnLoop(c, {
        lanes,
        unroll: plan.unroll,
        count,
        most,
        ragged: plan.windowColumns % lanes !== 0,
        partial: plan.windowColumns > 1 && pointers.every(({ step }, i) => mayOverrun(plan.streams[i].dtype, step)),
        pointers,
      }, (steps) => steps.forEach((at, copy) => this.#join(states[copy], at)));
    } else {
      repeatWhile(c, () => c.get(count).i32(0).op("i32.gt_s"), plan.windowColumns === 1, () => {
        points.forEach((at, i) => this.#join(states[i], at));
        for (const { local, step } of pointers) if (step !== 0) c.increment(local, step);
        c.increment(count, -1);
      });
    }
  }

  /** Lets the values at a point join a state. */
  #join(state: State, at: At): void {
    const [c, plan] = [this.#c, this.#plan];
    this.#results = new Map(this.#parts.map(({ slot }, i) => [slot, state.parts[i]]));
    const masked = plan.layout === "window" && plan.printer.lanes === 4 && (at.valid !== undefined || at.lanes === "one");
    this.#reductions.evaluate(plan.spec.joined.roots, at, (_, push, i) => {
      push();
      if (!masked) return;
      c.get(state.parts[i]);
      if (at.valid === undefined) c.i32x4(-1, 0, 0, 0);
      else c.i32x4(0, 1, 2, 3).get(at.valid).op("i32x4.splat").op("i32x4.lt_s");
      c.op("i32x4.relaxed_laneselect");
    });
    for (let i = state.parts.length - 1; i >= 0; i--) c.set(state.parts[i]);
  }

  #newState(): State {
    const { printer } = this.#plan;
    const fresh = ({ type, neutral }: StatePart) => {
      const local = this.#c.local(printer.valueType(type));
      printer.literal(this.#c, type, neutral);
      this.#c.set(local);
      return local;
    };
    return {
      parts: this.#parts.map(fresh),
      totals: this.#parts.map((part) => part.blocked ? [fresh(part), fresh(part)] as const : undefined),
    };
  }

  #releaseState({ parts, totals }: State): void {
    this.#parts.forEach(({ type }, i) => {
      const valueType = this.#plan.printer.valueType(type);
      for (const local of [parts[i], ...totals[i] ?? []]) this.#c.release(valueType, local);
    });
  }

  /** Sets locals to expressions in which `result` number i is the i-th of some locals. */
  #assign(targets: readonly number[], values: readonly Expr[], locals: readonly number[]): void {
    const legalizer = new Legalizer();
    const roots = values.map((value) => legalizer.legalize(value));
    const push = (leaf: Expr) => void this.#c.get(locals[(leaf as Extract<Expr, { kind: "result" }>).slot]);
    new Evaluator(this.#c, this.#plan.printer, { level: () => 1, push }, roots, 1)
      .evaluate(roots, { lanes: "all", step: 0 }, (_, pushRoot) => pushRoot());
    for (let i = targets.length - 1; i >= 0; i--) this.#c.set(targets[i]);
  }

  /** Lets the unfinished blocks of `other` join those of `state`. */
  #joinInto(state: State, other: State): void {
    let i = 0;
    for (const reduction of this.#plan.spec.reductions) {
      const size = reduction.position ? 2 : 1;
      const types = this.#parts.slice(i, i + size).map(({ type }) => type);
      const [a, b] = [state.parts.slice(i, i + size), other.parts.slice(i, i + size)];
      const results = (from: number) => types.map((type, k): Expr => ({ kind: "result", type, slot: from + k }));
      this.#assign(a, joinStates(reduction.op, results(0), results(size)), [...a, ...b]);
      i += size;
    }
  }

  /** Adds the blocked sums to their totals and begins new blocks. */
  #endBlock(states: readonly State[]): void {
    const c = this.#c;
    const joined = this.#plan.layout === "window" ? states.slice(0, 1) : states;
    const sum = (slot: number): Expr => ({ kind: "result", type: "f32", slot });
    this.#parts.forEach((part, i) => {
      if (!part.blocked) return;
      for (const other of joined === states ? [] : states.slice(1)) {
        c.get(states[0].parts[i]).get(other.parts[i]).op("f32x4.add").set(states[0].parts[i]);
        c.f32x4(0).set(other.parts[i]);
      }
      for (const state of joined) {
        const [total, error] = state.totals[i]!;
        const [s, x] = [sum(0), sum(2)];
        const next = binary("add", s, x);
        const added = binary("sub", next, s);
        const lost = binary("add", binary("sub", s, binary("sub", next, added)), binary("sub", x, added));
        this.#assign([total, error], [next, binary("add", sum(1), lost)], [total, error, state.parts[i]]);
        c.f32x4(0).set(state.parts[i]);
      }
    });
  }

  /** Makes the totals of blocked sums part of the state. */
  #finishBlocks(state: State): void {
    if (!this.#parts.some(({ blocked }) => blocked)) return;
    this.#endBlock([state]);
    const sum = (slot: number): Expr => ({ kind: "result", type: "f32", slot });
    this.#parts.forEach((_, i) => {
      const totals = state.totals[i];
      if (!totals) return;
      // The error is NaN where the total became infinite.
      const corrected = select(unary("isNaN", sum(1)), sum(0), binary("add", sum(0), sum(1)));
      this.#assign([state.parts[i]], [corrected], totals);
    });
  }

  /** Joins the four lanes; the outcome is in all of them. */
  #joinLanes(state: State): void {
    const c = this.#c;
    const other: State = { parts: state.parts.map(() => c.local("v128")), totals: [] };
    for (const order of [[2, 3, 0, 1], [1, 0, 3, 2]] as const) {
      state.parts.forEach((part, i) => c.get(part).get(part).shuffle32([...order]).set(other.parts[i]));
      this.#joinInto(state, other);
    }
    c.release("v128", ...other.parts);
  }

  #store(at: At, state: State): void {
    const { printer, spec, readCount, streams } = this.#plan;
    this.#results = new Map(this.#parts.map(({ slot }, i) => [slot, state.parts[i]]));
    const first = readCount + spec.outputs.leaves.size;
    this.#outputs.evaluate(spec.outputs.roots, at, (_, push, i) => {
      const { dtype } = streams[first + i];
      if (dtype === "index") throw new Error("A store needs memory");
      printer.store(this.#c, dtype, this.#place(first + i, at.step), at.lanes, push, at.valid);
    });
  }
}
