/**
 * Trees: records and arrays, nested, with tensors at the leaves. Parameters, optimizer states and batches are trees.
 *
 * A leaf is anything that is not a plain object or an array. `undefined` and strings are leaves that are carried along.
 *
 * @module
 */
import { ShapeError } from "./errors.ts";
import { Tensor } from "./tensor.ts";

/** A leaf of a tree and its dotted path: `conv1.weight`, `layers.0.bias`. */
export interface Leaf {
  /** The keys on the way, joined by dots; empty for a tree that is a leaf itself. */
  readonly path: string;
  /** The leaf itself. */
  readonly value: unknown;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || value instanceof Tensor) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function below(path: string, key: string | number): string {
  return path === "" ? `${key}` : `${path}.${key}`;
}

/** Calls `see` with every leaf of a tree and its dotted path, in order. */
function eachLeaf(tree: unknown, see: (value: unknown, path: string) => void, path = ""): void {
  if (Array.isArray(tree)) tree.forEach((item, i) => eachLeaf(item, see, below(path, i)));
  else if (isRecord(tree)) { for (const key of Object.keys(tree)) eachLeaf(tree[key], see, below(path, key)); }
  else see(tree, path);
}

/**
 * Every leaf of a tree with its dotted path, in order.
 *
 * ```ts
 * import { type Tensor, treeLeaves, zeros } from "../mod.ts";
 * for (const { path, value } of treeLeaves({ fc: [zeros([2, 3]), zeros([2])] })) console.log(path, (value as Tensor).shape); // fc.0 [2, 3], fc.1 [2]
 * ```
 */
export function treeLeaves(tree: unknown): Leaf[] {
  const leaves: Leaf[] = [];
  eachLeaf(tree, (value, path) => leaves.push({ path, value }));
  return leaves;
}

/**
 * The tensors of a tree, in order.
 *
 * ```ts
 * import { treeTensors, zeros } from "../mod.ts";
 * console.log(treeTensors({ fc: { weight: zeros([2, 3]), bias: zeros([2]) }, steps: 7 }).length); // 2
 * ```
 */
export function treeTensors(tree: unknown): Tensor[] {
  const leaves: unknown[] = [];
  flattenTree(tree, leaves);
  return leaves.filter((value) => value instanceof Tensor);
}

/**
 * A tree of the same form, each leaf replaced by `f(leaf, path)`.
 *
 * ```ts
 * import { mapLeaves, type Tensor, zeros } from "../mod.ts";
 * const sizes = mapLeaves({ weight: zeros([2, 3]), bias: zeros([2]) }, (x) => (x as Tensor).size);
 * console.log(sizes); // { weight: 6, bias: 2 }
 * ```
 */
export function mapLeaves(tree: unknown, f: (value: unknown, path: string) => unknown, path = ""): unknown {
  if (Array.isArray(tree)) return tree.map((item, i) => mapLeaves(item, f, below(path, i)));
  if (isRecord(tree)) {
    const record: Record<string, unknown> = {};
    for (const key of Object.keys(tree)) record[key] = mapLeaves(tree[key], f, below(path, key));
    return record;
  }
  return f(tree, path);
}

/**
 * A tree of the same form whose tensors are what `f` makes of them and of the tensors at the same paths of other trees. Other leaves stay.
 *
 * ```ts
 * import { mul, treeMap, zeros } from "../mod.ts";
 * const halved = treeMap((x) => mul(x, 0.5), { conv1: { weight: zeros([2, 2]) } });
 * console.log(halved.conv1.weight.shape); // [2, 2]
 * ```
 *
 * @throws {ShapeError} If another tree has no tensor at a path where the first has one.
 */
export function treeMap<T>(f: (x: Tensor, ...others: Tensor[]) => Tensor, tree: T, ...rest: readonly unknown[]): T {
  return treeMapWithPath((_, ...tensors) => f(...tensors), tree, ...rest);
}

/**
 * `treeMap` with a function that also gets the dotted path: `conv1.weight`.
 *
 * ```ts
 * import { treeMapWithPath, zeros } from "../mod.ts";
 * const params = { conv1: { weight: zeros([2, 2]), bias: zeros([2]) } };
 * treeMapWithPath((path, x) => (console.log(path, x.shape), x), params); // conv1.weight [2, 2], conv1.bias [2]
 * ```
 *
 * @throws {ShapeError} If another tree has no tensor at a path where the first has one.
 */
export function treeMapWithPath<T>(
  f: (path: string, x: Tensor, ...others: Tensor[]) => Tensor,
  tree: T,
  ...rest: readonly unknown[]
): T {
  // Looked up by path as a whole: a key may hold a dot itself (a flat record of parameters).
  const leaves = rest.map((other) => {
    const found = new Map<string, unknown>();
    eachLeaf(other, (value, path) => found.set(path, value));
    return found;
  });
  return mapLeaves(tree, (value, path) => {
    if (!(value instanceof Tensor)) return value;
    const others = leaves.map((other) => {
      const found = other.get(path);
      if (found instanceof Tensor) return found;
      throw new ShapeError(`Cannot map trees together: one has a tensor at "${path}", another has none there`, { path });
    });
    return f(path, value, ...others);
  }) as T;
}

/** The form of a tree: what is left when the leaves are taken out. */
export type Form =
  | { readonly kind: "leaf" }
  | { readonly kind: "array"; readonly items: readonly Form[] }
  | { readonly kind: "record"; readonly keys: readonly string[]; readonly items: readonly Form[] };

const leafForm: Form = { kind: "leaf" };

/** The form of a tree; its leaves are appended to `leaves`, in order. */
export function flattenTree(tree: unknown, leaves: unknown[]): Form {
  if (Array.isArray(tree)) return { kind: "array", items: tree.map((item) => flattenTree(item, leaves)) };
  if (isRecord(tree)) {
    const keys = Object.keys(tree);
    return { kind: "record", keys, items: keys.map((key) => flattenTree(tree[key], leaves)) };
  }
  leaves.push(tree);
  return leafForm;
}

/** Whether a tree has this form; its leaves are appended to `leaves`, as far as it was followed. */
export function hasForm(tree: unknown, form: Form, leaves: unknown[]): boolean {
  switch (form.kind) {
    case "leaf":
      leaves.push(tree);
      return !Array.isArray(tree) && !isRecord(tree);
    case "array": {
      if (!Array.isArray(tree) || tree.length !== form.items.length) return false;
      for (let i = 0; i < tree.length; i++) if (!hasForm(tree[i], form.items[i], leaves)) return false;
      return true;
    }
    case "record": {
      if (!isRecord(tree)) return false;
      let next = 0;
      for (const key in tree) {
        if (form.keys[next] !== key || !hasForm(tree[key], form.items[next], leaves)) return false;
        next++;
      }
      return next === form.keys.length;
    }
  }
}

/** The tree of a form with the given leaves, in order. */
export function buildTree(form: Form, leaves: readonly unknown[]): unknown {
  let next = 0;
  const build = (part: Form): unknown => {
    switch (part.kind) {
      case "leaf":
        return leaves[next++];
      case "array":
        return part.items.map(build);
      case "record": {
        const record: Record<string, unknown> = {};
        for (let i = 0; i < part.keys.length; i++) record[part.keys[i]] = build(part.items[i]);
        return record;
      }
    }
  };
  return build(form);
}
