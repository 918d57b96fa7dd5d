/**
 * Scalar expressions as closures over registers, each of which has the values of a node at some points: each node has one of both, and is
 * computed once.
 *
 * @module
 */
import { type Expr, visit } from "../../ir/expr.ts";
import { bitcastFunction } from "./bits.ts";
import { binaryFunction, castFunction, constantValue, unaryFunction } from "./scalar.ts";

/** What an expression reads. */
export type Leaf = Extract<Expr, { readonly kind: "load" | "result" | "index" }>;

const isLeaf = (e: Expr): e is Leaf => e.kind === "load" || e.kind === "result" || e.kind === "index";

/** What expressions read, each once. */
export function leavesOf(roots: readonly Expr[]): readonly Leaf[] {
  const leaves: Leaf[] = [];
  visit(roots, (e) => {
    if (isLeaf(e)) leaves.push(e);
  });
  return leaves;
}

/** Computes the values of a node at the first `count` points. */
export type Step = (count: number) => void;

/** Makes the step that reads a leaf into the register `out`. */
export type LeafReader = (leaf: Leaf, out: Float64Array) => Step;

/** Expressions that are ready to be computed, at some points at a time. */
export interface Computation {
  /** The registers of the expressions themselves, which have their values after a run. */
  readonly outputs: readonly Float64Array[];
  /** To be called in order: one for every node but the constants, arguments before users. */
  readonly steps: readonly Step[];
}

/** Makes expressions ready to be computed at `points` points at a time, or fewer. */
export function computation(roots: readonly Expr[], points: number, readLeaf: LeafReader): Computation {
  const registers = new Map<Expr, Float64Array>();
  visit(roots, (e) => registers.set(e, new Float64Array(points)));
  const registerOf = (e: Expr) => registers.get(e)!;
  const steps = [...registers.keys()].flatMap((e) => stepOf(e, registerOf, readLeaf) ?? []);
  return { outputs: roots.map(registerOf), steps };
}

/** A closure that computes one node into its register from those of its arguments; a constant is there already. */
function stepOf(e: Expr, registerOf: (e: Expr) => Float64Array, readLeaf: LeafReader): Step | undefined {
  const out = registerOf(e);
  const applying = (x: Expr, f: (x: number) => number): Step => {
    const a = registerOf(x);
    return (count) => {
      for (let i = 0; i < count; i++) out[i] = f(a[i]);
    };
  };
  switch (e.kind) {
    case "const":
      out.fill(constantValue(e.type, e.value));
      return undefined;
    case "load":
    case "result":
    case "index":
      return readLeaf(e, out);
    case "unary":
      return applying(e.x, unaryFunction(e.op, e.x.type));
    case "cast":
      return applying(e.x, castFunction(e.x.type, e.type));
    case "bitcast":
      return applying(e.x, bitcastFunction(e.x.type, e.type));
    case "binary": {
      const f = binaryFunction(e.op, e.x.type);
      const [a, b] = [registerOf(e.x), registerOf(e.y)];
      return (count) => {
        for (let i = 0; i < count; i++) out[i] = f(a[i], b[i]);
      };
    }
    case "select": {
      const [test, a, b] = [registerOf(e.test), registerOf(e.x), registerOf(e.y)];
      return (count) => {
        for (let i = 0; i < count; i++) out[i] = test[i] !== 0 ? a[i] : b[i];
      };
    }
  }
}

/** An expression of `load`s alone as a function of their values, by slot. */
export function functionOf(e: Expr): (values: ArrayLike<number>) => number {
  switch (e.kind) {
    case "const": {
      const value = constantValue(e.type, e.value);
      return () => value;
    }
    case "load": {
      const { slot } = e;
      return (values) => values[slot];
    }
    case "unary": {
      const [f, x] = [unaryFunction(e.op, e.x.type), functionOf(e.x)];
      return (values) => f(x(values));
    }
    case "binary": {
      const [f, x, y] = [binaryFunction(e.op, e.x.type), functionOf(e.x), functionOf(e.y)];
      return (values) => f(x(values), y(values));
    }
    case "select": {
      const [test, x, y] = [functionOf(e.test), functionOf(e.x), functionOf(e.y)];
      return (values) => test(values) !== 0 ? x(values) : y(values);
    }
    default:
      throw new TypeError(`Cannot compute from values alone: there is an expression of kind ${e.kind}`);
  }
}
