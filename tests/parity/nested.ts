/**
 * Flat records with dotted names as nested records.
 *
 * @module
 */
import type { Tensors } from "./run.ts";

/** Tensors, and records of them. */
export interface Nested {
  [name: string]: Tensors[string] | Nested;
}

/** `{ "conv1.weight": w }` as `{ conv1: { weight: w } }`. */
export function nested(flat: Tensors): Nested {
  const root: Nested = {};
  for (const [path, tensor] of Object.entries(flat)) {
    const names = path.split(".");
    const last = names.pop()!;
    const parent = names.reduce((at, name) => (at[name] ??= {}) as Nested, root);
    parent[last] = tensor;
  }
  return root;
}
