/**
 * Scalar expressions as closures over registers: each node has one of both, and is computed once.
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

/** Makes the closure that reads a leaf into the register `out`. */
export type LeafReader = (leaf: Leaf, registers: Float64Array, out: number) => () => void;

/** Expressions that are ready to be computed. */
export interface Computation {
  /** The values of all nodes after a run. */
  readonly registers: Float64Array;
  /** Which registers those of the expressions themselves are. */
  readonly outputs: readonly number[];
  /** To be called in order: one for every node but the constants, arguments before users. */
  readonly steps: readonly (() => void)[];
}

/** Makes expressions ready. */
export function computation(roots: readonly Expr[], readLeaf: LeafReader): Computation {
  const nodes: Expr[] = [];
  visit(roots, (e) => nodes.push(e));
  const registers = new Float64Array(nodes.length);
  const registerOf = new Map(nodes.map((e, i) => [e, i]));
  const steps = nodes.flatMap((e) => stepOf(e, registers, (x) => registerOf.get(x)!, readLeaf) ?? []);
  return { registers, outputs: roots.map((root) => registerOf.get(root)!), steps };
}

/** A closure that computes one node into its register from those of its arguments; a constant is there already. */
function stepOf(
  e: Expr,
  registers: Float64Array,
  registerOf: (e: Expr) => number,
  readLeaf: LeafReader,
): (() => void) | undefined {
  const out = registerOf(e);
  const applying = (x: Expr, f: (x: number) => number) => {
    const a = registerOf(x);
    return () => registers[out] = f(registers[a]);
  };
  switch (e.kind) {
    case "const":
      registers[out] = constantValue(e.type, e.value);
      return undefined;
    case "load":
    case "result":
    case "index":
      return readLeaf(e, registers, out);
    case "unary":
      return applying(e.x, unaryFunction(e.op, e.x.type));
    case "cast":
      return applying(e.x, castFunction(e.x.type, e.type));
    case "bitcast":
      return applying(e.x, bitcastFunction(e.x.type, e.type));
    case "binary": {
      const f = binaryFunction(e.op, e.x.type);
      const [a, b] = [registerOf(e.x), registerOf(e.y)];
      return () => registers[out] = f(registers[a], registers[b]);
    }
    case "select": {
      const [test, a, b] = [registerOf(e.test), registerOf(e.x), registerOf(e.y)];
      return () => registers[out] = registers[test] !== 0 ? registers[a] : registers[b];
    }
  }
}

/** An expression of `load`s alone as a function of their values, by slot. */
export function functionOf(root: Expr): (values: readonly number[]) => number {
  let given: readonly number[];
  const { registers, outputs: [output], steps } = computation([root], (leaf, registers, out) => {
    if (leaf.kind !== "load") {
      throw new TypeError(`Cannot compute from values alone: there is an expression of kind ${leaf.kind}`);
    }
    return () => registers[out] = given[leaf.slot];
  });
  return (values) => {
    given = values;
    for (const step of steps) step();
    return registers[output];
  };
}
