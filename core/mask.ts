/**
 * Masks: some of the tensors of a tree, by name or by kind.
 *
 * @module
 */
import { ShapeError } from "./errors.ts";
import { quoted } from "./quoted.ts";
import type { Tensor } from "./tensor.ts";
import { treeLeaves } from "./tree.ts";

/** A tree of booleans. One boolean may stand for a whole subtree. */
export type MaskTree = boolean | readonly MaskTree[] | { readonly [key: string]: MaskTree };

/**
 * Selects tensors of a tree: a function of the dotted path and the tensor, or a tree of booleans.
 *
 * ```ts
 * import type { Mask } from "../mod.ts";
 * const weights: Mask = (_, x) => x.rank > 1; // no biases, and not the scales of normalisations
 * const head: Mask = (path) => path.startsWith("head.");
 * const same: Mask = { conv1: false, conv2: false, head: true };
 * ```
 */
export type Mask = MaskTree | ((path: string, x: Tensor) => boolean);

/**
 * The mask as a function.
 *
 * @throws {ShapeError} From the function, if a tree of booleans has none for a path.
 */
export function selector(mask: Mask): (path: string, x: Tensor) => boolean {
  if (typeof mask === "function") {
    return (path, x) => {
      const mark: unknown = mask(path, x);
      if (typeof mark === "boolean") return mark;
      throw new TypeError(`Cannot use a mask that gives ${quoted(mark)} for "${path}": it must give a boolean`);
    };
  }
  const marks = new Map(treeLeaves(mask).map(({ path, value }) => [path, value]));
  return (path) => {
    for (let above = path;; above = above.slice(0, Math.max(0, above.lastIndexOf(".")))) {
      const mark = marks.get(above);
      if (typeof mark === "boolean") return mark;
      if (above === "") throw new ShapeError(`Cannot use a mask without an entry for "${path}"`, { path });
    }
  };
}
