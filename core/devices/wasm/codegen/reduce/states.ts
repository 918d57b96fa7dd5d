/**
 * The states that a reduction keeps in locals: how they begin, join each other and end.
 *
 * Long sums of f32 are kept in blocks of a hundred or so additions, which are added up with their rounding errors (Knuth's
 * two-sum), so that a sum of millions is as good as a sum of hundreds.
 *
 * @module
 */
import { binary, type Expr, select, unary } from "../../../../ir/expr.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { Evaluator } from "../expressions/evaluator.ts";
import { Legalizer } from "../expressions/legalize.ts";
import { joinStates, stateOf, type StatePart } from "./accumulate.ts";
import type { ReducePlan } from "./plan.ts";

/** Additions per lane after which a block of a long sum ends, and the most without blocks. */
export const blockLength = 128;
const maxUnblocked = 512;

/** One scalar of the state. */
interface Part extends StatePart {
  /** Number of its `result` expression. */
  readonly slot: number;
  /** Whether it is a sum that is kept in blocks. */
  readonly blocked: boolean;
}

/** The state of one point, or of as many as a vector has lanes, in locals. */
export interface State {
  readonly parts: readonly number[];
  /** For blocked sums: the total of finished blocks and its error. */
  readonly totals: readonly (readonly [total: number, error: number] | undefined)[];
}

/** Writes what is done with states. */
export class ReduceStates {
  readonly #c: FunctionWriter;
  readonly #plan: ReducePlan;
  readonly #parts: readonly Part[];

  constructor(c: FunctionWriter, plan: ReducePlan) {
    this.#c = c;
    this.#plan = plan;
    const long = plan.rowLength * plan.windowRows > maxUnblocked;
    this.#parts = plan.spec.reductions.flatMap((reduction, k) =>
      stateOf(reduction, k).map((part, i): Part => ({
        ...part,
        slot: 2 * k + i,
        blocked: long && plan.emitter.lanes > 1 && reduction.op === "sum" && part.type === "f32",
      }))
    );
  }

  /** Whether some sums are kept in blocks. */
  get blocked(): boolean {
    return this.#parts.some(({ blocked }) => blocked);
  }

  /** The locals of a state by the numbers of their `result` expressions. */
  results(state: State): ReadonlyMap<number, number> {
    return new Map(this.#parts.map(({ slot }, i) => [slot, state.parts[i]]));
  }

  /** A state of nothing. */
  create(): State {
    const { emitter } = this.#plan;
    const fresh = ({ type, neutral }: StatePart) => {
      const local = this.#c.local(emitter.valueType(type));
      emitter.literal(this.#c, type, neutral);
      this.#c.set(local);
      return local;
    };
    return {
      parts: this.#parts.map(fresh),
      totals: this.#parts.map((part) => part.blocked ? [fresh(part), fresh(part)] as const : undefined),
    };
  }

  release({ parts, totals }: State): void {
    this.#parts.forEach(({ type }, i) => {
      this.#c.release(this.#plan.emitter.valueType(type), parts[i], ...totals[i] ?? []);
    });
  }

  /** Sets locals to expressions in which `result` number i is the i-th of some locals. */
  #assign(targets: readonly number[], values: readonly Expr[], locals: readonly number[]): void {
    const legalizer = new Legalizer();
    const roots = values.map((value) => legalizer.legalize(value));
    const push = (leaf: Expr) => void this.#c.get(locals[(leaf as Extract<Expr, { kind: "result" }>).slot]);
    new Evaluator(this.#c, this.#plan.emitter, { level: () => 1, push }, roots, 1)
      .evaluate(roots, { lanes: "all", step: 0 }, (_, pushRoot) => pushRoot());
    for (const target of [...targets].reverse()) this.#c.set(target);
  }

  /** Joins the unfinished blocks of `other` to those of `state`. */
  join(state: State, other: State): void {
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

  /** Adds the blocked sums to their totals and begins new blocks. In the window layout all states are of one point. */
  endBlocks(states: readonly State[]): void {
    const c = this.#c;
    const onePoint = this.#plan.layout === "window";
    this.#parts.forEach((part, i) => {
      if (!part.blocked) return;
      for (const other of onePoint ? states.slice(1) : []) {
        c.get(states[0].parts[i]).get(other.parts[i]).op("f32x4.add").set(states[0].parts[i]);
        c.f32x4(0).set(other.parts[i]);
      }
      for (const state of onePoint ? states.slice(0, 1) : states) {
        this.#addToTotal(state.totals[i]!, state.parts[i]);
        c.f32x4(0).set(state.parts[i]);
      }
    });
  }

  /** Adds a block to the total of those before and its rounding error to theirs. */
  #addToTotal([total, error]: readonly [number, number], block: number): void {
    const [s, x] = [sumResult(0), sumResult(2)];
    const next = binary("add", s, x);
    const added = binary("sub", next, s);
    const lost = binary("add", binary("sub", s, binary("sub", next, added)), binary("sub", x, added));
    this.#assign([total, error], [next, binary("add", sumResult(1), lost)], [total, error, block]);
  }

  /** Makes the totals of blocked sums part of the state. */
  finishBlocks(state: State): void {
    if (!this.blocked) return;
    this.endBlocks([state]);
    this.#parts.forEach((_, i) => {
      const totals = state.totals[i];
      if (!totals) return;
      // The error is NaN where the total became infinite.
      const [total, error] = [sumResult(0), sumResult(1)];
      const corrected = select(unary("isNaN", error), total, binary("add", total, error));
      this.#assign([state.parts[i]], [corrected], totals);
    });
  }

  /** Joins the lanes; the outcome is in all of them. */
  joinLanes(state: State): void {
    const c = this.#c;
    const other: State = { parts: c.locals("v128", state.parts.length), totals: [] };
    const halves = [[2, 3, 0, 1], [1, 0, 3, 2]] as const;
    for (const order of halves.slice(0, Math.log2(this.#plan.emitter.lanes))) {
      state.parts.forEach((part, i) => c.get(part).get(part).shuffle32([...order]).set(other.parts[i]));
      this.join(state, other);
    }
    c.release("v128", ...other.parts);
  }
}

/** The `result` expression of a sum. */
function sumResult(slot: number): Expr {
  return { kind: "result", type: "f32", slot };
}
