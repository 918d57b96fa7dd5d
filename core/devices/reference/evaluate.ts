/**
 * Evaluating scalar expressions at every point of a domain.
 *
 * @module
 */
import type { Expr } from "../../ir/expr.ts";
import type { Access } from "../../ir/kernel.ts";
import type { Shape } from "../../shape.ts";
import { computation, type Leaf, leavesOf } from "./expressions.ts";
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
  const leaves = leavesOf(roots);
  const linears = [...targets, ...leaves.map((leaf) => positionOf(leaf, sources))];
  const at = new Float64Array(linears.length);
  const { registers, outputs, steps } = computation(roots, (leaf, registers, out) => {
    const k = targets.length + leaves.indexOf(leaf);
    if (leaf.kind === "index") return () => registers[out] = at[k] | 0;
    const memory = leaf.kind === "load" ? sources.memories[sources.loads[leaf.slot].buffer] : sources.results[leaf.slot];
    return () => registers[out] = memory[at[k]];
  });
  const values = new Float64Array(roots.length);
  walk(shape, linears, at, () => {
    for (const step of steps) step();
    for (let k = 0; k < values.length; k++) values[k] = registers[outputs[k]];
    see(values, at);
  });
}

/** Where a leaf's value is in its memory; of an index, what it is. */
function positionOf(leaf: Leaf, { loads, resultStrides }: Sources): Linear {
  switch (leaf.kind) {
    case "load":
      return loads[leaf.slot];
    case "result":
      return { offset: 0, strides: resultStrides };
    case "index":
      return leaf;
  }
}
