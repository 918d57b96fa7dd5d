/**
 * Writes the evaluation of expressions inside a nest of loops: every node once per point, and what does not change in an inner
 * loop before that loop.
 *
 * Loops are numbered from the outside: level 0 is before all of them, level k inside the k-th. Values of a level below the
 * deepest are computed by `hoist(level)` into locals that stay. What is rarely needed is computed in a branch, literals with it.
 *
 * @module
 */
import { constant, eachArgument, eachUsualArgument, type Expr, isLeaf, visit } from "../../../../ir/expr.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type Emitter, isImmediate, isZero, type Lanes, type Select } from "./emitter.ts";

/** The point (or four points) at which an expression is evaluated. */
export interface At {
  readonly lanes: Lanes;
  /** Points from where the pointers are to this one, in an unrolled loop. */
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

/** What is known where a piece of code without branches is written. */
interface Scope {
  /** How often each node is still needed. */
  readonly uses: Map<Expr, number>;
  /** The locals of nodes that are needed again. */
  readonly kept: Map<Expr, number>;
  /** What each branch takes from this scope. */
  readonly branches: ReadonlyMap<Expr, readonly Expr[]>;
  /** The scope around a branch. */
  readonly outer?: Scope;
}

/** Evaluates the expressions of one loop nest. */
export class Evaluator {
  readonly #c: FunctionWriter;
  readonly #emitter: Emitter;
  readonly #leaves: Leaves;
  readonly #deepest: number;
  readonly #roots: readonly Expr[];
  /** All nodes, arguments before users. */
  readonly #nodes: readonly Expr[];
  #levels: ReadonlyMap<Expr, number> | undefined;
  readonly #hoisted = new Map<Expr, number>();
  /** Nodes that are needed outside of branches, if there are any branches. */
  readonly #usual: ReadonlySet<Expr> | undefined;
  #scope: Scope = { uses: new Map(), kept: new Map(), branches: new Map() };

  constructor(c: FunctionWriter, emitter: Emitter, leaves: Leaves, roots: readonly Expr[], deepest: number) {
    this.#c = c;
    this.#emitter = emitter;
    this.#leaves = leaves;
    this.#roots = roots;
    this.#deepest = deepest;
    const nodes: Expr[] = [];
    visit(roots, (e) => nodes.push(e));
    this.#nodes = nodes;
    this.#usual = nodes.some((e) => e.kind === "select" && e.rare) ? usualNodes(roots) : undefined;
  }

  /** Computes what is settled at this level and needed further in. Called once where the level's code begins. */
  hoist(level: number): void {
    if (level >= this.#deepest) return;
    const levels = this.#levels ??= levelsOf(this.#nodes, this.#leaves);
    const needed = new Set(this.#roots);
    let [user] = this.#nodes;
    const need = (x: Expr) => {
      const inBranch = x.kind === "const" && this.#usual !== undefined && !this.#usual.has(user);
      if (!isImmediate(user, x) && !inBranch) needed.add(x);
    };
    for (user of this.#nodes) if (levels.get(user)! > level) eachArgument(user, need);
    const here = [...needed].filter((e) => levels.get(e) === level && (e.kind !== "const" || this.#emitter.keepsLiterals));
    this.evaluate(here, { lanes: "all", step: 0 }, (e, push) => {
      const local = this.#c.local(this.#emitter.valueType(e.type));
      push();
      this.#c.set(local);
      this.#hoisted.set(e, local);
    });
  }

  /** Evaluates some of the roots at a point, in order; `sink` is given each and the means to push its value. */
  evaluate(roots: readonly Expr[], at: At, sink: (root: Expr, push: () => void, index: number) => void): void {
    this.#scope = this.#open(roots);
    roots.forEach((root, index) => sink(root, () => this.#push(root, at), index));
  }

  /**
   * Counts how often the roots need each node; a branch needs what it shares with the code around it, twice: before and inside.
   */
  #open(roots: readonly Expr[], outer?: Scope): Scope {
    let usual: ReadonlySet<Expr> | undefined;
    const uses = new Map<Expr, number>();
    const branches = new Map<Expr, readonly Expr[]>();
    const isGiven = (e: Expr) => this.#hoisted.has(e) || keptBy(outer, e) !== undefined;
    const count = (e: Expr): void => {
      const before = uses.get(e) ?? 0;
      uses.set(e, before + 1);
      if (before > 0 || isGiven(e)) return;
      if (e.kind !== "select" || !e.rare) return eachArgument(e, count);
      const shared = sharedNodes(e.x, usual ??= usualNodes(roots), isGiven);
      branches.set(e, shared);
      [this.#signs(e.test) ?? e.test, e.y, ...shared, ...shared].forEach(count);
    };
    roots.forEach(count);
    return { uses, kept: new Map(), branches, outer };
  }

  #push(e: Expr, at: At): void {
    const c = this.#c;
    const given = this.#hoisted.get(e) ?? keptBy(this.#scope.outer, e);
    if (given !== undefined) {
      c.get(given);
      return;
    }
    const kept = this.#scope.kept.get(e);
    if (kept !== undefined) {
      c.get(kept);
      this.#used(e);
      return;
    }
    this.#compute(e, at);
    const uses = this.#scope.uses.get(e)! - 1;
    if (uses === 0 || e.kind === "const") return;
    const local = c.local(this.#emitter.valueType(e.type));
    c.tee(local);
    this.#scope.kept.set(e, local);
    this.#scope.uses.set(e, uses);
  }

  /** Counts a use of a node that is kept; after the last one its local is free. */
  #used(e: Expr): void {
    const { uses, kept } = this.#scope;
    const left = uses.get(e)! - 1;
    uses.set(e, left);
    if (left > 0) return;
    this.#c.release(this.#emitter.valueType(e.type), kept.get(e)!);
    kept.delete(e);
  }

  #compute(e: Expr, at: At): void {
    const c = this.#c;
    const emitter = this.#emitter;
    const push = (x: Expr) => () => this.#push(x, at);
    switch (e.kind) {
      case "const":
        return emitter.literal(c, e.type, e.value);
      case "load":
      case "index":
      case "result":
        return this.#leaves.push(e, at);
      case "unary":
        return emitter.unary(c, e.op, e.type, push(e.x));
      case "binary":
        if (this.#multiplyAdd(e, at)) return;
        return emitter.binary(c, e.op, e.x.type, push(e.x), push(e.y), e.y);
      case "select":
        if (e.rare) return this.#branch(e, at);
        return emitter.select(c, e, push(e.test), push(e.x), push(e.y));
      case "cast":
        return emitter.cast(c, e.x.type, e.type, push(e.x));
      case "bitcast":
        return emitter.bitcast(c, e.x.type, e.type, push(e.x));
    }
  }

  /** Computes `y`, and where the test holds at any of the points also `x`. */
  #branch(e: Select, at: At): void {
    const [c, emitter, scope] = [this.#c, this.#emitter, this.#scope];
    // Where the sign of an integer decides, it need not become a mask before it is known that any does.
    const signs = this.#signs(e.test);
    const [type, testType] = [emitter.valueType(e.type), emitter.valueType(signs ? "i32" : "bool")];
    const [value, test] = [c.local(type), c.local(testType)];
    const shared = scope.branches.get(e)!;
    for (const x of shared) {
      this.#push(x, at);
      c.op("drop");
    }
    this.#push(e.y, at);
    c.set(value);
    this.#push(signs ?? e.test, at);
    c.tee(test);
    if (signs) emitter.anyNegative!(c);
    else emitter.anywhere(c);
    const holds = () => {
      if (signs) emitter.binary(c, "lt", "i32", () => c.get(test), () => emitter.literal(c, "i32", 0), constant("i32", 0));
      else c.get(test);
    };
    c.ifRarely(() => {
      this.#scope = this.#open([e.x], scope);
      emitter.select(c, e, holds, () => this.#push(e.x, at), () => c.get(value));
      c.set(value);
      this.#scope = scope;
    });
    for (const x of shared) this.#used(x);
    c.get(value).release(type, value).release(testType, test);
  }

  /** The integer whose sign a test asks for, if it asks for one and the emitter has an instruction for that. */
  #signs(test: Expr): Expr | undefined {
    const asks = test.kind === "binary" && test.op === "lt" && test.x.type === "i32" && isZero(test.y);
    return asks && this.#emitter.anyNegative ? test.x : undefined;
  }

  /** a * b + z and z - a * b as one instruction, where the product has no other use. */
  #multiplyAdd(e: Extract<Expr, { kind: "binary" }>, at: At): boolean {
    if (e.type !== "f32" || !this.#emitter.multiplyAdd || (e.op !== "add" && e.op !== "sub")) return false;
    const single = (x: Expr) => {
      const unshared = x.kind === "binary" && x.op === "mul" && this.#scope.uses.get(x) === 1;
      return unshared && keptBy(this.#scope, x) === undefined && !this.#hoisted.has(x) ? x : undefined;
    };
    const right = single(e.y);
    const product = right ?? (e.op === "add" ? single(e.x) : undefined);
    if (!product) return false;
    const push = (x: Expr) => () => this.#push(x, at);
    this.#emitter.multiplyAdd(this.#c, push(product.x), push(product.y), push(right ? e.x : e.y), e.op === "sub");
    return true;
  }
}

/** The level of each node: the highest of its leaves. Arguments come before users. */
function levelsOf(nodes: readonly Expr[], leaves: Leaves): ReadonlyMap<Expr, number> {
  const levels = new Map<Expr, number>();
  let level = 0;
  const raise = (x: Expr) => level = Math.max(level, levels.get(x)!);
  for (const e of nodes) {
    level = isLeaf(e) && e.kind !== "const" ? leaves.level(e) : 0;
    eachArgument(e, raise);
    levels.set(e, level);
  }
  return levels;
}

/** The local in which a scope, or one around it, keeps a node. */
function keptBy(scope: Scope | undefined, e: Expr): number | undefined {
  return scope && (scope.kept.get(e) ?? keptBy(scope.outer, e));
}

/** The nodes that are computed whatever the tests say. */
function usualNodes(roots: readonly Expr[]): ReadonlySet<Expr> {
  const found = new Set<Expr>();
  visit(roots, (e) => found.add(e), eachUsualArgument);
  return found;
}

/** The first nodes under `root` that are among `others`, literals and what is `given` apart. */
function sharedNodes(root: Expr, others: ReadonlySet<Expr>, given: (e: Expr) => boolean): readonly Expr[] {
  const found = new Set<Expr>();
  const seen = new Set<Expr>();
  const go = (e: Expr): void => {
    if (seen.has(e) || e.kind === "const" || given(e)) return;
    seen.add(e);
    if (others.has(e)) found.add(e);
    else eachArgument(e, go);
  };
  go(root);
  return [...found];
}
