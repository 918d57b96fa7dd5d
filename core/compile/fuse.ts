/**
 * Merging kernels: an elementwise kernel that reads what another kernel just stored, point by point, becomes part of it.
 *
 * This is one rule for everything: bias and activation end a matmul or a convolution, an optimizer's update ends the kernel of its gradient,
 * two elementwise kernels become one with two outputs, and a stored intermediate that nobody else reads is never stored.
 *
 * @module
 */
import { reshapeStrides, sameShape, type Shape, sizeOf } from "../shape.ts";
import { type Expr, mapLeaves, visit } from "../ir/expr.ts";
import { type Access, type Kernel, type MapKernel, operandsOf, readsOf, type Store, writesOf } from "../ir/kernel.ts";

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

/** Whether kernel `to` needs kernel `from`, directly or through others. */
export function reaches(dependencies: Dependencies, from: number, to: number): boolean {
  const seen = new Set<number>();
  const pending = [...dependencies[to]];
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
    operands: [],
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
export function merge(kernels: readonly Kernel[], limits: MergeLimits): Kernel[] {
  const merging = new Merging(kernels, limits);
  while (merging.pass());
  return merging.kernels;
}

/** The kernels while they are merged: what is known about buffers is kept up to date, so that a merge costs what it moves. */
class Merging {
  /** In order; a merge leaves a gap. */
  readonly #list: (Kernel | undefined)[];
  readonly #limits: MergeLimits;
  /** How many kernels read a buffer. */
  readonly #readers = new Map<number, number>();
  readonly #writers = new Map<number, Set<Kernel>>();
  readonly #places = new Map<Kernel, number>();

  constructor(kernels: readonly Kernel[], limits: MergeLimits) {
    this.#list = [...kernels];
    this.#limits = limits;
    kernels.forEach((kernel, place) => this.#add(kernel, place));
  }

  get kernels(): Kernel[] {
    return this.#list.filter((kernel) => kernel !== undefined);
  }

  /** Tries each kernel once, with all that it can become part of. Whether anything was merged. */
  pass(): boolean {
    let merged = false;
    for (let place = 0; place < this.#list.length; place++) {
      for (let next = this.#mergeAt(place); next !== undefined; next = this.#mergeAt(place)) {
        place = next;
        merged = true;
      }
    }
    return merged;
  }

  #add(kernel: Kernel, place: number): void {
    this.#places.set(kernel, place);
    for (const buffer of readsOf(kernel)) this.#readers.set(buffer, (this.#readers.get(buffer) ?? 0) + 1);
    for (const buffer of writesOf(kernel)) {
      const writers = this.#writers.get(buffer);
      if (writers) writers.add(kernel);
      else this.#writers.set(buffer, new Set([kernel]));
    }
  }

  #remove(kernel: Kernel): void {
    this.#places.delete(kernel);
    for (const buffer of readsOf(kernel)) this.#readers.set(buffer, this.#readers.get(buffer)! - 1);
    for (const buffer of writesOf(kernel)) this.#writers.get(buffer)!.delete(kernel);
  }

  /** Makes the kernel at `place` part of one that it reads from; returns where that one is now. */
  #mergeAt(place: number): number | undefined {
    const user = this.#list[place];
    if (user?.kind !== "map") return undefined;
    const makers = new Set<Kernel>([...readsOf(user)].flatMap((buffer) => [...this.#writers.get(buffer) ?? []]));
    makers.delete(user); // which may work in place
    for (const maker of makers) {
      const kernel = this.#joined(maker, user);
      const next = kernel && this.#replace(maker, user, kernel);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  #joined(maker: Kernel, user: MapKernel): Kernel | undefined {
    const { outputs, maxBuffersPerKernel } = this.#limits;
    const written = writesOf(user);
    // Buffers pieced together by several kernels are complete only after the last of them.
    if ([...writesOf(maker), ...written].some((buffer) => this.#writers.get(buffer)!.size > 1)) return undefined;
    const joined = join(maker, user);
    if (!joined) return undefined;
    const read = readsOf(user);
    const readElsewhere = (buffer: number) => (this.#readers.get(buffer) ?? 0) - (read.has(buffer) ? 1 : 0) > 0;
    const kernel = prune(joined, (buffer) => outputs.has(buffer) || written.has(buffer) || readElsewhere(buffer));
    return buffersOf(kernel).size > maxBuffersPerKernel || isTooLong(kernel) ? undefined : kernel;
  }

  /**
   * Puts `kernel` in the place of both. What lies between and needs the maker comes after it; undefined if the user needs some of that,
   * for then it cannot.
   */
  #replace(maker: Kernel, user: Kernel, kernel: Kernel): number | undefined {
    const [from, to] = [this.#places.get(maker)!, this.#places.get(user)!];
    const made = new Set(writesOf(maker));
    const [before, after]: [Kernel[], Kernel[]] = [[], []];
    const later = new Set<number>();
    for (const each of this.#list.slice(from + 1, to)) {
      if (!each) continue;
      const needs = (buffer: number) => made.has(buffer) || later.has(buffer);
      if (![...readsOf(each), ...writesOf(each)].some(needs)) before.push(each);
      else {
        after.push(each);
        for (const buffer of writesOf(each)) later.add(buffer);
      }
    }
    if ([...readsOf(user), ...writesOf(user)].some((buffer) => later.has(buffer))) return undefined;
    this.#remove(maker);
    this.#remove(user);
    this.#list.fill(undefined, from, to + 1);
    [...before, kernel, ...after].forEach((each, i) => {
      this.#list[from + i] = each;
      this.#places.set(each, from + i);
    });
    this.#add(kernel, from + before.length);
    return from + before.length;
  }
}
