/**
 * Merging kernels: an elementwise kernel that reads what another kernel just stored, point by point, becomes part of it.
 *
 * This is one rule for everything: bias and activation end a matmul or a convolution, an optimizer's update ends the kernel of its gradient,
 * two elementwise kernels become one with two outputs, and a stored intermediate that nobody else reads is never stored.
 *
 * @module
 */
import { reshapeStrides, sameShape, type Shape, sizeOf } from "../shape.ts";
import { type Expr, mapLeaves, visit } from "./expr.ts";
import { type Access, type Kernel, type MapKernel, operandsOf, readsOf, type Store, writesOf } from "./kernel.ts";

/** What merging needs to know beside the kernels. */
export interface MergeLimits {
  /** Buffers that must be stored: the program's outputs. */
  readonly outputs: ReadonlySet<number>;
  readonly maxBuffersPerKernel: number;
}

/** Kernels that must come before others, by index. */
export type Dependencies = readonly ReadonlySet<number>[];

/** For each kernel the kernels whose stores it reads, or whose stores it must follow because both write one buffer. */
export function dependenciesOf(kernels: readonly Kernel[]): Dependencies {
  const writers = new Map<number, number[]>();
  return kernels.map((kernel, index) => {
    const before = new Set<number>();
    for (const buffer of readsOf(kernel)) for (const writer of writers.get(buffer) ?? []) before.add(writer);
    for (const buffer of writesOf(kernel)) {
      for (const writer of writers.get(buffer) ?? []) before.add(writer);
      writers.set(buffer, [...writers.get(buffer) ?? [], index]);
    }
    return before;
  });
}

/** Whether kernel `to` needs kernel `from`, directly or through others, disregarding the direct edge if `indirectly`. */
export function reaches(dependencies: Dependencies, from: number, to: number, indirectly = false): boolean {
  const seen = new Set<number>();
  const pending = [...dependencies[to]].filter((each) => !(indirectly && each === from));
  while (pending.length > 0) {
    const each = pending.pop()!;
    if (each === from) return true;
    if (seen.has(each)) continue;
    seen.add(each);
    pending.push(...dependencies[each]);
  }
  return false;
}

/** The kernels in an order that respects the dependencies, otherwise as they were. */
export function inOrder<T>(items: readonly T[], dependencies: Dependencies): T[] {
  const done = new Set<number>();
  const order: T[] = [];
  const place = (index: number): void => {
    if (done.has(index)) return;
    done.add(index);
    for (const before of [...dependencies[index]].sort((a, b) => a - b)) place(before);
    order.push(items[index]);
  };
  items.forEach((_, index) => place(index));
  return order;
}

/** A map kernel seen over another domain of the same size, or undefined if strides cannot say it. */
function over(kernel: MapKernel, shape: Shape): MapKernel | undefined {
  if (sameShape(kernel.shape, shape)) return kernel;
  if (sizeOf(kernel.shape) !== sizeOf(shape)) return undefined;
  let possible = true;
  const restride = (strides: readonly number[]): readonly number[] => {
    const made = reshapeStrides(kernel.shape, strides, shape);
    if (!made) possible = false;
    return made?.map((stride, axis) => shape[axis] === 1 ? 0 : stride) ?? strides;
  };
  const access = <A extends Access>(each: A): A => ({ ...each, strides: restride(each.strides) });
  const memo = new Map<Expr, Expr>();
  const value = (e: Expr) =>
    mapLeaves(e, (leaf) => leaf.kind === "index" ? { ...leaf, strides: restride(leaf.strides) } : leaf, memo);
  const made: MapKernel = {
    kind: "map",
    shape,
    loads: kernel.loads.map(access),
    stores: kernel.stores.map((store) => ({ ...access(store), value: value(store.value) })),
  };
  return possible ? made : undefined;
}

function samePlace(a: Access, b: Access): boolean {
  return a.buffer === b.buffer && a.offset === b.offset && a.strides.every((stride, axis) => stride === b.strides[axis]);
}

function buffersOf(kernel: Kernel): Set<number> {
  return new Set([...readsOf(kernel), ...writesOf(kernel)]);
}

/** `user` as the end of `maker`: its loads of what `maker` stores become the stored values. Undefined if it is not that simple. */
function join(maker: Kernel, user: MapKernel): Kernel | undefined {
  const seen = over(user, maker.shape);
  if (!seen) return undefined;
  const made = writesOf(maker);
  // A user that overwrites what the maker reads elsewhere would change it too early.
  if (seen.stores.some((store) => operandsOf(maker).some((operand) => operand.buffer === store.buffer))) return undefined;
  const loads = [...maker.loads];
  const replacements: Expr[] = [];
  for (const [slot, load] of seen.loads.entries()) {
    if (made.has(load.buffer)) {
      const store = maker.stores.find((each) => samePlace(each, load));
      if (!store) return undefined;
      replacements[slot] = store.value;
      continue;
    }
    const known = loads.findIndex((each) => samePlace(each, load));
    const type = leafType(seen, slot);
    replacements[slot] = { kind: "load", type, slot: known >= 0 ? known : loads.push(load) - 1 };
  }
  const memo = new Map<Expr, Expr>();
  const stores = seen.stores.map((store): Store => ({
    ...store,
    value: mapLeaves(store.value, (leaf) => leaf.kind === "load" ? replacements[leaf.slot] : leaf, memo),
  }));
  return { ...maker, loads, stores: [...maker.stores, ...stores] };
}

function leafType(kernel: MapKernel, slot: number): Expr["type"] {
  let type: Expr["type"] = "f32";
  const memo = new Map<Expr, Expr>();
  for (const store of kernel.stores) {
    mapLeaves(store.value, (leaf) => {
      if (leaf.kind === "load" && leaf.slot === slot) type = leaf.type;
      return leaf;
    }, memo);
  }
  return type;
}

/** Drops stores that nobody reads and loads that no store uses. */
function prune(kernel: Kernel, needed: (buffer: number) => boolean): Kernel {
  const stores = kernel.stores.filter((store) => needed(store.buffer));
  const used: number[] = [];
  const memo = new Map<Expr, Expr>();
  const renumbered = stores.map((store) => ({
    ...store,
    value: mapLeaves(store.value, (leaf) => {
      if (leaf.kind !== "load") return leaf;
      let slot = used.indexOf(leaf.slot);
      if (slot < 0) slot = used.push(leaf.slot) - 1;
      return { ...leaf, slot };
    }, memo),
  }));
  return { ...kernel, loads: used.map((slot) => kernel.loads[slot]), stores: renumbered };
}

/** Operations that one kernel's stores may take: printers and compilers of shaders have limits. */
const maxOperations = 1000;

function isTooLong(kernel: Kernel): boolean {
  let count = 0;
  visit(kernel.stores.map(({ value }) => value), () => count++);
  return count > maxOperations;
}

/** Merges until nothing merges any more. */
export function merge(kernels: readonly Kernel[], { outputs, maxBuffersPerKernel }: MergeLimits): Kernel[] {
  let list = [...kernels];
  for (;;) {
    const merged = mergeOnce(list, outputs, maxBuffersPerKernel);
    if (!merged) return list;
    list = merged;
  }
}

function mergeOnce(list: readonly Kernel[], outputs: ReadonlySet<number>, limit: number): Kernel[] | undefined {
  const dependencies = dependenciesOf(list);
  const readers = new Map<number, number>();
  const writers = new Map<number, number>();
  for (const kernel of list) {
    for (const buffer of readsOf(kernel)) readers.set(buffer, (readers.get(buffer) ?? 0) + 1);
    for (const buffer of writesOf(kernel)) writers.set(buffer, (writers.get(buffer) ?? 0) + 1);
  }
  for (const [index, user] of list.entries()) {
    if (user.kind !== "map") continue;
    for (const makerIndex of dependencies[index]) {
      const maker = list[makerIndex];
      const stored = writesOf(maker);
      // Buffers pieced together by several kernels are complete only after the last of them.
      if ([...stored, ...writesOf(user)].some((buffer) => writers.get(buffer)! > 1)) continue;
      if (reaches(dependencies, makerIndex, index, true)) continue;
      const joined = join(maker, user);
      if (!joined) continue;
      const readElsewhere = (buffer: number) => readers.get(buffer)! - (readsOf(user).has(buffer) ? 1 : 0) > 0;
      const kernel = prune(joined, (buffer) => outputs.has(buffer) || writesOf(user).has(buffer) || readElsewhere(buffer));
      if (buffersOf(kernel).size > limit || isTooLong(kernel)) continue;
      const rest = list.map((each, i) => i === index ? kernel : each).filter((_, i) => i !== makerIndex);
      return inOrder(rest, dependenciesOfUnordered(rest));
    }
  }
  return undefined;
}

/** Dependencies of kernels that are not yet in order: every buffer's writers come before its readers. */
function dependenciesOfUnordered(list: readonly Kernel[]): Dependencies {
  const writers = new Map<number, number[]>();
  list.forEach((kernel, index) => {
    for (const buffer of writesOf(kernel)) writers.set(buffer, [...writers.get(buffer) ?? [], index]);
  });
  return list.map((kernel, index) => {
    const before = new Set<number>();
    for (const buffer of readsOf(kernel)) {
      for (const writer of writers.get(buffer) ?? []) if (writer !== index) before.add(writer);
    }
    for (const buffer of writesOf(kernel)) for (const writer of writers.get(buffer) ?? []) if (writer < index) before.add(writer);
    return before;
  });
}
