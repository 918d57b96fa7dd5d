/**
 * Brings expressions into the form the emitters take: functions without an instruction become arithmetic (`ir/functions`),
 * operations that mean nothing for a type disappear, and equal subexpressions become one node, so that each is computed once per
 * point.
 *
 * @module
 */
import { isBool, isFloat, maskType } from "../../../../dtype.ts";
import { binary, cast, constant, type Expr, leafKey, select, unary } from "../../../../ir/expr.ts";
import { expandBinary, expandLiteral, expandUnary } from "../../../../ir/functions/mod.ts";

/** Rewrites the expressions of one kernel; nodes are shared among all of them. */
export class Legalizer {
  readonly #leaf: (leaf: Expr) => Expr;
  readonly #done = new Map<Expr, Expr>();
  readonly #leaves = new Map<string, Expr>();
  /** The nodes that have a node as their first argument. */
  readonly #users = new Map<Expr, Expr[]>();

  /** `leaf` chooses one node for all loads of the same element. */
  constructor(leaf: (leaf: Expr) => Expr = (leaf) => leaf) {
    this.#leaf = leaf;
  }

  /** The expression in legal form. */
  legalize(e: Expr): Expr {
    const known = this.#done.get(e);
    if (known) return known;
    const made = this.#make(e);
    this.#done.set(e, made);
    return made;
  }

  #make(e: Expr): Expr {
    switch (e.kind) {
      case "const":
        return this.#uniqueLeaf(e);
      case "load":
      case "index":
      case "result":
        return this.#uniqueLeaf(this.#leaf(e));
      default: {
        const node = withArguments(e, (x) => this.legalize(x));
        const other = rewrite(node);
        return other ? this.legalize(other) : this.#unique(node);
      }
    }
  }

  #uniqueLeaf(e: Expr): Expr {
    const key = leafKey(e);
    const known = this.#leaves.get(key);
    if (known) return known;
    this.#leaves.set(key, e);
    this.#done.set(e, e);
    return e;
  }

  #unique(e: Inner): Expr {
    const first = e.kind === "select" ? e.test : e.x;
    const users = this.#users.get(first);
    const known = users?.find((other) => isSame(other, e));
    if (known) return known;
    if (users) users.push(e);
    else this.#users.set(first, [e]);
    this.#done.set(e, e);
    return e;
  }
}

type Inner = Extract<Expr, { readonly x: Expr }>;

/** Whether two nodes with unique arguments compute the same. */
function isSame(a: Expr, b: Expr): boolean {
  if (a.type !== b.type) return false;
  switch (a.kind) {
    case "unary":
      return b.kind === a.kind && a.op === b.op && a.x === b.x;
    case "binary":
      return b.kind === a.kind && a.op === b.op && a.x === b.x && a.y === b.y;
    case "select":
      return b.kind === a.kind && a.rare === b.rare && a.test === b.test && a.x === b.x && a.y === b.y;
    case "cast":
    case "bitcast":
      return b.kind === a.kind && a.x === b.x;
    default:
      return false;
  }
}

function withArguments(e: Inner, map: (x: Expr) => Expr): Inner {
  switch (e.kind) {
    case "unary":
    case "cast":
    case "bitcast":
      return { ...e, x: map(e.x) };
    case "binary":
      return { ...e, x: map(e.x), y: map(e.y) };
    case "select":
      return { ...e, test: map(e.test), x: map(e.x), y: map(e.y) };
  }
}

/** A simpler expression for a node whose arguments are legal, or undefined if it is legal itself. */
function rewrite(e: Expr): Expr | undefined {
  switch (e.kind) {
    case "unary":
      return e.called ? undefined : rewriteUnary(e.op, e.x);
    case "binary":
      if (isBool(e.x.type)) return rewriteBool(e.op, e.x, e.y);
      return expandLiteral(e.op, e.x, e.y) ?? expandBinary(e.op, e.x, e.y);
    case "cast":
    case "bitcast":
      return e.x.type === e.type ? e.x : undefined;
    case "select":
      return isBool(e.type) ? binary("or", binary("and", e.test, e.x), binary("and", unary("not", e.test), e.y)) : undefined;
    default:
      return undefined;
  }
}

type Unary = Extract<Expr, { kind: "unary" }>["op"];
type Binary = Extract<Expr, { kind: "binary" }>["op"];

function rewriteUnary(op: Unary, x: Expr): Expr | undefined {
  const floating = isFloat(x.type);
  if (op === "isNaN") return floating ? binary("ne", x, x) : constant(maskType, 0);
  if (op === "sign") return sign(x);
  // Machine code rounds every step as written, but for a product that becomes part of a sum.
  if (op === "exact") return x.kind === "binary" && x.op === "mul" ? undefined : x;
  if (isBool(x.type)) return op === "not" ? undefined : x;
  if (floating) return expandUnary(op, x);
  if (op === "neg" || op === "not") return undefined;
  if (op === "abs") return x.type === "u32" ? x : undefined;
  if (["floor", "ceil", "round", "trunc"].includes(op)) return x;
  // Functions of real numbers on integers: through floats, as a cast would.
  return cast(x.type, unary(op, cast("f32", x)));
}

function sign(x: Expr): Expr {
  if (isBool(x.type)) return x;
  const zero = constant(x.type, 0);
  const one = constant(x.type, 1);
  if (x.type === "u32") return select(binary("ne", x, zero), one, zero);
  // What is neither above nor below zero (0, -0, NaN) is its own sign.
  return select(binary("lt", zero, x), one, select(binary("lt", x, zero), constant(x.type, -1), x));
}

/** Logic by and, or, xor and not alone. */
function rewriteBool(op: Binary, x: Expr, y: Expr): Expr | undefined {
  switch (op) {
    case "eq":
      return unary("not", binary("xor", x, y));
    case "ne":
      return binary("xor", x, y);
    case "lt":
      return binary("and", unary("not", x), y);
    case "le":
      return binary("or", unary("not", x), y);
    case "min":
    case "mul":
      return binary("and", x, y);
    case "max":
    case "add":
      return binary("or", x, y);
    default:
      return undefined;
  }
}
