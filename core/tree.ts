/**
 * Trees: records and arrays, nested, with tensors at the leaves. Parameters, optimizer states and batches are trees.
 *
 * A leaf is anything that is not a plain object or an array. `undefined` and strings are leaves that are carried along.
 *
 * @module
 */
import { ShapeError } from "./errors.ts";
import { Tensor } from "./tensor.ts";

/** A leaf and where it is: `conv1.weight`, `layers.0.bias`. */
export interface Leaf {
  /** The keys on the way, joined by dots; empty for a tree that is a leaf itself. */
  readonly path: string;
  /** What stands there. */
  readonly value: unknown;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || value instanceof Tensor) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Every leaf of a tree with its dotted path, in order. */
export function treeLeaves(tree: unknown, path = ""): Leaf[] {
  const below = (key: string | number) => path === "" ? `${key}` : `${path}.${key}`;
  if (Array.isArray(tree)) return tree.flatMap((item, i) => treeLeaves(item, below(i)));
  if (isRecord(tree)) return Object.entries(tree).flatMap(([key, value]) => treeLeaves(value, below(key)));
  return [{ path, value: tree }];
}

/** The tensors of a tree, in order. */
export function treeTensors(tree: unknown): Tensor[] {
  return treeLeaves(tree).map((leaf) => leaf.value).filter((value) => value instanceof Tensor);
}

/** A tree of the same form whose leaves are what `f` makes of them and their paths. */
export function mapLeaves(tree: unknown, f: (value: unknown, path: string) => unknown, path = ""): unknown {
  const below = (key: string | number) => path === "" ? `${key}` : `${path}.${key}`;
  if (Array.isArray(tree)) return tree.map((item, i) => mapLeaves(item, f, below(i)));
  if (isRecord(tree)) {
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, mapLeaves(value, f, below(key))]));
  }
  return f(tree, path);
}

/** The leaves at the same path of another tree. */
function at(tree: unknown, path: string): unknown {
  if (path === "") return tree;
  return path.split(".").reduce((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree);
}

/**
 * A tree of the same form whose tensors are what `f` makes of them and of the tensors at the same places of other trees. Other leaves stay.
 *
 * ```ts
 * import { mul, treeMap, zeros } from "../mod.ts";
 * const halved = treeMap((x) => mul(x, 0.5), { conv1: { weight: zeros([2, 2]) } });
 * console.log(halved.conv1.weight.shape); // [2, 2]
 * ```
 *
 * @throws {ShapeError} If another tree has no tensor at a place where the first has one.
 */
export function treeMap<T>(f: (x: Tensor, ...others: Tensor[]) => Tensor, tree: T, ...rest: readonly unknown[]): T {
  return mapLeaves(tree, (value, path) => {
    if (!(value instanceof Tensor)) return value;
    const others = rest.map((other) => {
      const found = at(other, path);
      if (found instanceof Tensor) return found;
      throw new ShapeError(`Cannot map trees together: one has a tensor at "${path}", another has none there`, { path });
    });
    return f(value, ...others);
  }) as T;
}

/** A tree taken apart: `build` puts other leaves into the same form. */
export interface FlatTree {
  readonly leaves: readonly unknown[];
  /** Equal for trees of the same form (paths, not leaves). */
  readonly form: string;
  build(leaves: readonly unknown[]): unknown;
}

/** Takes a tree apart. */
export function flattenTree(tree: unknown): FlatTree {
  const leaves: unknown[] = [];
  const form = describeForm(tree, leaves);
  return {
    leaves,
    form,
    build: (others) => {
      let next = 0;
      return mapLeaves(tree, () => others[next++]);
    },
  };
}

function describeForm(tree: unknown, leaves: unknown[]): string {
  if (Array.isArray(tree)) return `[${tree.map((item) => describeForm(item, leaves)).join()}]`;
  if (isRecord(tree)) {
    return `{${Object.entries(tree).map(([key, value]) => `${JSON.stringify(key)}:${describeForm(value, leaves)}`).join()}}`;
  }
  leaves.push(tree);
  return "*";
}
