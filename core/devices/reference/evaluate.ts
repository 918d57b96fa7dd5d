/**
 * Evaluating scalar expressions over a domain: each node becomes one closure and one register, computed once per point.
 *
 * @module
 */
import { type Expr, visit } from "../../ir/expr.ts";
import type { Access } from "../../ir/kernel.ts";
import type { Shape } from "../../shape.ts";
import { bitcastFunction } from "./bits.ts";
import { binaryFunction, castFunction, constantValue, unaryFunction } from "./scalar.ts";
import { type Linear, walk } from "./walk.ts";

/** The contents of a buffer. Floats are doubles; u8 and bool are bytes. */
export type Memory = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** What the leaves of an expression read. */
export interface Sources {
  /** The contents of every buffer. */
  readonly memories: readonly Memory[];
  /** What `load` refers to by slot. */
  readonly loads: readonly Access[];
  /** What `result` refers to by slot: one value per point, row-major over the domain. */
  readonly results: readonly Float64Array[];
  readonly resultStrides: readonly number[];
}

/**
 * Calls `see` at every point of `shape` in row-major order, with the values of the expressions `roots` and of the integers
 * `targets` there. Both arrays are used again for the next point.
 */
export function evaluate(
  shape: Shape,
  roots: readonly Expr[],
  sources: Sources,
  targets: readonly Linear[],
  see: (values: ArrayLike<number>, at: ArrayLike<number>) => void,
): void {
  const nodes: Expr[] = [];
  visit(roots, (e) => nodes.push(e));
  const registerOf = new Map(nodes.map((e, i) => [e, i]));
  const outputs = roots.map((root) => registerOf.get(root)!);
  const linears = [...targets];
  const at = new Float64Array(targets.length + nodes.length); // a leaf follows one linear at most
  const registers = new Float64Array(nodes.length);
  const follow = (linear: Linear) => linears.push(linear) - 1;
  const steps = nodes.map((e) => stepOf(e, { registers, at, registerOf, follow, sources }));
  const values = new Float64Array(roots.length);
  walk(shape, linears, at, () => {
    for (const step of steps) step();
    for (let k = 0; k < values.length; k++) values[k] = registers[outputs[k]];
    see(values, at);
  });
}

/** Where the closures of one evaluation keep their values. */
interface Frame {
  /** The value of every node. */
  readonly registers: Float64Array;
  /** The value of every linear integer. */
  readonly at: Float64Array;
  /** Which register a node has. */
  readonly registerOf: ReadonlyMap<Expr, number>;
  /** Asks for an integer to be kept in `at`, and says at which index. */
  follow(linear: Linear): number;
  readonly sources: Sources;
}

/** A closure that computes one node into its register from those of its arguments. */
function stepOf(e: Expr, frame: Frame): () => void {
  const { registers, at, registerOf, sources } = frame;
  const out = registerOf.get(e)!;
  const argument = (x: Expr) => registerOf.get(x)!;
  const reading = (memory: Memory, linear: Linear) => {
    const k = frame.follow(linear);
    return () => registers[out] = memory[at[k]];
  };
  const applying = (x: Expr, f: (x: number) => number) => {
    const a = argument(x);
    return () => registers[out] = f(registers[a]);
  };
  switch (e.kind) {
    case "const": {
      const value = constantValue(e.type, e.value);
      return () => registers[out] = value;
    }
    case "load":
      return reading(sources.memories[sources.loads[e.slot].buffer], sources.loads[e.slot]);
    case "result":
      return reading(sources.results[e.slot], { offset: 0, strides: sources.resultStrides });
    case "index": {
      const k = frame.follow(e);
      return () => registers[out] = at[k] | 0;
    }
    case "unary":
      return applying(e.x, unaryFunction(e.op, e.x.type));
    case "cast":
      return applying(e.x, castFunction(e.x.type, e.type));
    case "bitcast":
      return applying(e.x, bitcastFunction(e.x.type, e.type));
    case "binary": {
      const f = binaryFunction(e.op, e.x.type);
      const [a, b] = [argument(e.x), argument(e.y)];
      return () => registers[out] = f(registers[a], registers[b]);
    }
    case "select": {
      const [test, a, b] = [argument(e.test), argument(e.x), argument(e.y)];
      return () => registers[out] = registers[test] !== 0 ? registers[a] : registers[b];
    }
  }
}
