/**
 * Evaluating scalar expressions at every point of a domain.
 *
 * @module
 */
import type { Expr } from "../../ir/expr.ts";
import type { Access } from "../../ir/kernel.ts";
import type { Shape } from "../../shape.ts";
import { computation, type Leaf, leavesOf } from "./expressions.ts";
import { type Linear, longestRun, type Run, walkRuns } from "./walk.ts";

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
 * Calls `see` for all points of `shape` in row-major order, many at a time, with the values of each of the expressions `roots` there, and where
 * the integers `targets` are. The arrays are used again for the next points.
 */
export function evaluate(
  shape: Shape,
  roots: readonly Expr[],
  sources: Sources,
  targets: readonly Linear[],
  see: (values: readonly Float64Array[], run: Run) => void,
): void {
  const leaves = leavesOf(roots);
  let run: Run;
  const { outputs, steps } = computation(roots, longestRun, (leaf, out) => {
    const k = targets.length + leaves.indexOf(leaf);
    if (leaf.kind === "index") {
      return (count) => {
        for (let i = 0; i < count; i++) out[i] = (run.at[k] + i * run.steps[k]) | 0;
      };
    }
    const memory = leaf.kind === "load" ? sources.memories[sources.loads[leaf.slot].buffer] : sources.results[leaf.slot];
    return (count) => {
      const [from, step] = [run.at[k], run.steps[k]];
      for (let i = 0; i < count; i++) out[i] = memory[from + i * step];
    };
  });
  walkRuns(shape, [...targets, ...leaves.map((leaf) => positionOf(leaf, sources))], (next) => {
    run = next;
    for (const step of steps) step(run.count);
    see(outputs, run);
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
