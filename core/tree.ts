/**
 * Trees: records and arrays, nested, with tensors at the leaves. Parameters, optimizer states and batches are trees.
 *
 * A leaf is anything that is not a plain object or an array. `undefined` and strings are leaves that are carried along. Where two
 * trees meet, leaves are matched by the keys on the way to them, never by their position: `leavesLike` does that for all.
 *
 * @module
 */
import { firstFew, quoted } from "./quoted.ts";
import { aFunction, argument, isRecord } from "./kinds.ts";
import { ShapeError, TraceError } from "./errors.ts";
import { refuseForeign, Tensor } from "./tensor.ts";

/** A leaf of a tree and its dotted path: `conv1.weight`, `layers.0.bias`. */
export interface Leaf {
  /**
   * The keys on the way, joined by dots; empty for a tree that is a leaf itself. No two leaves of a tree have the same: in a key a
   * dot is written ~1 and a tilde ~0, as in JSON pointers.
   */
  readonly path: string;
  /** The leaf itself. */
  readonly value: unknown;
}

/** Sets an entry of a new record, whatever its key. */
function put(record: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") record[key] = value;
  else Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The path of what lies under a key; `path` is undefined at the root, as a key may be empty. */
function below(path: string | undefined, key: string | number): string {
  const part = typeof key === "string" && /[~.]/.test(key) ? key.replaceAll("~", "~0").replaceAll(".", "~1") : `${key}`;
  return path === undefined ? part : `${path}.${part}`;
}

/** The keys joined by dots, as they are: PyTorch's name for a leaf. Other than paths, names of two leaves can be equal. */
export function dottedName(path: string): string {
  return path.replaceAll("~1", ".").replaceAll("~0", "~");
}

/** Calls `see` with every leaf of a tree and its dotted path, in order. */
function eachLeaf(tree: unknown, see: (value: unknown, path: string) => void, path?: string): void {
  if (Array.isArray(tree)) tree.forEach((item, i) => eachLeaf(item, see, below(path, i)));
  else if (isRecord(tree)) { for (const key of Object.keys(tree)) eachLeaf(tree[key], see, below(path, key)); }
  else {
    refuseForeign(tree);
    see(tree, path ?? "");
  }
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
export function mapLeaves(tree: unknown, f: (value: unknown, path: string) => unknown): unknown {
  argument(f, aFunction(), "f", "mapLeaves");
  return mapBelow(tree, f);
}

function mapBelow(tree: unknown, f: (value: unknown, path: string) => unknown, path?: string): unknown {
  if (Array.isArray(tree)) return tree.map((item, i) => mapBelow(item, f, below(path, i)));
  if (isRecord(tree)) {
    const record: Record<string, unknown> = {};
    for (const key of Object.keys(tree)) put(record, key, mapBelow(tree[key], f, below(path, key)));
    return record;
  }
  refuseForeign(tree);
  return f(tree, path ?? "");
}

/** Nested records whose leaves have these paths: what was an array is a record of its indices. A leaf without a path is the tree. */
export function nestLeaves(leaves: readonly Leaf[]): unknown {
  const root: Record<string, unknown> = {};
  for (const { path, value } of leaves) {
    if (path === "" && leaves.length === 1) return value;
    const keys = path.split(".").map(dottedName);
    const last = keys.pop()!;
    let record = root;
    for (const key of keys) {
      if (!Object.hasOwn(record, key)) put(record, key, {});
      record = record[key] as Record<string, unknown>;
    }
    put(record, last, value);
  }
  return root;
}

/** Which leaves count where two trees meet. */
export interface Counting {
  /** Those that must have no counterpart that does not count, and be none itself. Default tensors. */
  readonly counts?: (leaf: unknown) => boolean;
  /** Those of the first tree that must have a counterpart. Default all that count. */
  readonly needed?: (leaf: unknown) => boolean;
}

function isTensor(leaf: unknown): boolean {
  return leaf instanceof Tensor;
}

/**
 * The leaves of a tree at the paths of those of another, in the latter's order: records are matched by key, in whatever order those come.
 * Leaves that do not count may be missing, or too many.
 *
 * @param problem The beginning of the message: what cannot be done if the trees do not match.
 * @throws {ShapeError} If they do not: it names what is missing and what is too much.
 */
export function leavesLike(
  tree: unknown,
  other: unknown,
  problem: string,
  { counts = isTensor, needed = counts }: Counting = {},
): unknown[] {
  const found: unknown[] = [];
  return follow(tree, other, counts, found) ? found : leavesByPath(tree, other, problem, counts, needed);
}

/** Whether a tree has the form of another; its leaves are appended to `leaves`, as far as it was followed. */
function follow(tree: unknown, other: unknown, counts: (leaf: unknown) => boolean, leaves: unknown[]): boolean {
  if (Array.isArray(tree)) {
    if (!Array.isArray(other) || other.length !== tree.length) return false;
    for (let i = 0; i < tree.length; i++) if (!follow(tree[i], other[i], counts, leaves)) return false;
    return true;
  }
  if (isRecord(tree)) {
    if (!isRecord(other)) return false;
    const keys = Object.keys(tree);
    if (Object.keys(other).length !== keys.length) return false;
    for (const key of keys) if (!Object.hasOwn(other, key) || !follow(tree[key], other[key], counts, leaves)) return false;
    return true;
  }
  leaves.push(other);
  return !Array.isArray(other) && !isRecord(other) && counts(tree) === counts(other);
}

function leavesByPath(
  tree: unknown,
  other: unknown,
  problem: string,
  counts: (leaf: unknown) => boolean,
  needed: (leaf: unknown) => boolean,
): unknown[] {
  const left = new Map(treeLeaves(other).map(({ path, value }) => [path, value]));
  const missing: string[] = [];
  const found = treeLeaves(tree).map(({ path, value }) => {
    const leaf = left.get(path);
    if (left.has(path) && counts(value) && counts(leaf)) left.delete(path);
    else if (needed(value)) missing.push(path);
    return leaf;
  });
  const unexpected = [...left].flatMap(([path, value]) => counts(value) ? [path] : []);
  if (missing.length + unexpected.length === 0) return found;
  const parts = Object.entries({ missing, unexpected }).flatMap(([what, paths]) =>
    paths.length === 0 ? [] : [`${what} ${firstFew(paths.map(nameOf))}`]
  );
  throw new ShapeError(`${problem}: ${parts.join("; ")}`, { path: missing[0] ?? unexpected[0], missing, unexpected });
}

function nameOf(path: string): string {
  return path === "" ? "a leaf that is the whole tree" : `"${path}"`;
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
 * @throws {ShapeError} If another tree has no tensor at a path where the first has one, or one where the first has none.
 */
export function treeMap<T>(f: (x: Tensor, ...others: Tensor[]) => Tensor, tree: T, ...rest: readonly unknown[]): T {
  argument(f, aFunction(), "f", "treeMap");
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
 * @throws {ShapeError} If another tree has no tensor at a path where the first has one, or one where the first has none.
 */
export function treeMapWithPath<T>(
  f: (path: string, x: Tensor, ...others: Tensor[]) => Tensor,
  tree: T,
  ...rest: readonly unknown[]
): T {
  argument(f, aFunction(), "f", "treeMap");
  const others = rest.map((other) => leavesLike(tree, other, "Cannot map trees together"));
  let next = 0;
  return mapLeaves(tree, (value, path) => {
    const index = next++;
    if (!(value instanceof Tensor)) return value;
    const made: unknown = f(path, value, ...others.map((leaves) => leaves[index] as Tensor));
    if (made instanceof Tensor) return made;
    refusePromises(made, "map a tree by");
    throw new TypeError(`Cannot map the tensor${path && ` at "${path}"`} to ${quoted(made)}: the function must return a tensor`);
  }) as T;
}

/**
 * Refuses what an async function gives.
 *
 * @throws {TraceError} If there is a promise in the tree; `what` names what was to be done.
 */
export function refusePromises(tree: unknown, what: string): void {
  const promises = treeLeaves(tree).flatMap(({ value }) => value instanceof Promise ? [value] : []);
  if (promises.length === 0) return;
  // What goes wrong inside it is only a consequence.
  for (const promise of promises) promise.catch(() => {});
  throw new TraceError(
    `Cannot ${what} an async function: it returned a Promise, and its steps after the first await would be missed; await outside`,
    {},
  );
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
  refuseForeign(tree);
  leaves.push(tree);
  return leafForm;
}

/** Whether a tree has this form; its leaves are appended to `leaves`, as far as it was followed. */
export function hasForm(tree: unknown, form: Form, leaves: unknown[]): boolean {
  switch (form.kind) {
    case "leaf":
      leaves.push(tree);
      return tree instanceof Tensor || (!Array.isArray(tree) && !isRecord(tree));
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
        for (let i = 0; i < part.keys.length; i++) put(record, part.keys[i], build(part.items[i]));
        return record;
      }
    }
  };
  return build(form);
}
