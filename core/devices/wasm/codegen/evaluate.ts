/**
 * Writes the evaluation of expressions inside a nest of loops: every node once per point, and what does not change in an inner
 * loop before that loop.
 *
 * Loops are numbered from the outside: level 0 is before all of them, level k inside the k-th. Values of a level below the deepest
 * are computed by `hoist(level)` into locals that stay.
 *
 * @module
 */
import { argumentsOf, type Expr, visit } from "../../../ir/expr.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { isImmediate, type Lanes, type Printer } from "./printer.ts";

/** The point (or four points) at which an expression is evaluated. */
export interface At {
  readonly lanes: Lanes;
  /** How many points beyond where the pointers stand; in an unrolled loop. */
  readonly step: number;
  /** A local: how many of the lanes count, if not all do. */
  readonly valid?: number;
}

/** Where the values of leaves come from. */
export interface Leaves {
  /** The level of the innermost loop in which the leaf changes. */
  level(leaf: Expr): number;
  push(leaf: Expr, at: At): void;
}

/** Evaluates the expressions of one loop nest. */
export class Evaluator {
  readonly #c: FunctionWriter;
  readonly #printer: Printer;
  readonly #leaves: Leaves;
  readonly #deepest: number;
  readonly #roots: readonly Expr[];
  readonly #levels = new Map<Expr, number>();
  readonly #hoisted = new Map<Expr, number>();
  #uses = new Map<Expr, number>();
  #kept = new Map<Expr, number>();

  constructor(c: FunctionWriter, printer: Printer, leaves: Leaves, roots: readonly Expr[], deepest: number) {
    this.#c = c;
    this.#printer = printer;
    this.#leaves = leaves;
    this.#roots = roots;
    this.#deepest = deepest;
  }

  /** Computes what is settled at this level and needed further in. Called once where the level's code begins. */
  hoist(level: number): void {
    if (level >= this.#deepest) return;
    const needed = new Set(this.#roots);
    visit(this.#roots, (user) => {
      for (const x of argumentsOf(user)) {
        if (this.#level(user) > level && !isImmediate(user, x)) needed.add(x);
      }
    });
    const here = [...needed].filter((e) => this.#level(e) === level && (e.kind !== "const" || this.#printer.keepsLiterals));
    this.evaluate(here, { lanes: "all", step: 0 }, (e, push) => {
      const local = this.#c.local(this.#printer.valueType(e.type));
      push();
      this.#c.set(local);
      this.#hoisted.set(e, local);
    });
  }

  /** Evaluates some of the roots at a point, in order; `sink` is given each and the means to push its value. */
  evaluate(roots: readonly Expr[], at: At, sink: (root: Expr, push: () => void, place: number) => void): void {
    this.#uses = this.#countUses(roots);
    this.#kept = new Map();
    roots.forEach((root, place) => sink(root, () => this.#push(root, at), place));
  }

  #level(e: Expr): number {
    const known = this.#levels.get(e);
    if (known !== undefined) return known;
    const level = e.kind === "const"
      ? 0
      : argumentsOf(e).length === 0
      ? this.#leaves.level(e)
      : Math.max(...argumentsOf(e).map((x) => this.#level(x)));
    this.#levels.set(e, level);
    return level;
  }

  #countUses(roots: readonly Expr[]): Map<Expr, number> {
    const uses = new Map<Expr, number>();
    const count = (e: Expr): void => {
      const before = uses.get(e) ?? 0;
      uses.set(e, before + 1);
      if (before === 0 && !this.#hoisted.has(e)) argumentsOf(e).forEach(count);
    };
    roots.forEach(count);
    return uses;
  }

  #push(e: Expr, at: At): void {
    const c = this.#c;
    const hoisted = this.#hoisted.get(e);
    if (hoisted !== undefined) {
      c.get(hoisted);
      return;
    }
    const uses = this.#uses.get(e)! - 1;
    const kept = this.#kept.get(e);
    const type = this.#printer.valueType(e.type);
    if (kept !== undefined) {
      c.get(kept);
      this.#uses.set(e, uses);
      if (uses === 0) c.release(type, kept);
      return;
    }
    this.#compute(e, at);
    if (uses === 0 || e.kind === "const") return;
    const local = c.local(type);
    c.tee(local);
    this.#kept.set(e, local);
    this.#uses.set(e, uses);
  }

  #compute(e: Expr, at: At): void {
    const [c, printer] = [this.#c, this.#printer];
    const push = (x: Expr) => () => this.#push(x, at);
    switch (e.kind) {
      case "const":
        return printer.literal(c, e.type, e.value);
      case "load":
      case "index":
      case "result":
        return this.#leaves.push(e, at);
      case "unary":
        return printer.unary(c, e.op, e.type, push(e.x));
      case "binary":
        if (this.#multiplyAdd(e, at)) return;
        return printer.binary(c, e.op, e.x.type, push(e.x), push(e.y), e.y);
      case "select":
        return printer.select(c, e.type, push(e.test), push(e.x), push(e.y));
      case "cast":
        return printer.cast(c, e.x.type, e.type, push(e.x));
      case "bitcast":
        return printer.bitcast(c, e.x.type, e.type, push(e.x));
    }
  }

  /** a * b + z and z - a * b as one instruction, where the product has no other use. */
  #multiplyAdd(e: Extract<Expr, { kind: "binary" }>, at: At): boolean {
    if (e.type !== "f32" || !this.#printer.multiplyAdd || (e.op !== "add" && e.op !== "sub")) return false;
    const single = (x: Expr) => {
      const unshared = x.kind === "binary" && x.op === "mul" && this.#uses.get(x) === 1;
      return unshared && !this.#kept.has(x) && !this.#hoisted.has(x) ? x : undefined;
    };
    const right = single(e.y);
    const product = right ?? (e.op === "add" ? single(e.x) : undefined);
    if (!product) return false;
    const push = (x: Expr) => () => this.#push(x, at);
    this.#printer.multiplyAdd(this.#c, push(product.x), push(product.y), push(right ? e.x : e.y), e.op === "sub");
    return true;
  }
}
