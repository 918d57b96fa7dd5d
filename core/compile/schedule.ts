/**
 * The order of kernels: which must come before which, and an order that respects it.
 *
 * @module
 */
import { type Kernel, readsOf, writesOf } from "../ir/kernel.ts";

/** Kernels that must come before others, by index. */
export type Dependencies = readonly ReadonlySet<number>[];

/**
 * For each kernel the kernels whose stores it reads, or whose stores it must follow because both write one buffer. Of several that
 * write a buffer it is the last one, which follows the others.
 */
export function dependenciesOf(kernels: readonly Kernel[]): Set<number>[] {
  const lastWriter = new Map<number, number>();
  return kernels.map((kernel, index) => {
    const writes = writesOf(kernel);
    const before = new Set<number>();
    for (const buffer of [...readsOf(kernel), ...writes]) {
      const writer = lastWriter.get(buffer);
      if (writer !== undefined) before.add(writer);
    }
    for (const buffer of writes) lastWriter.set(buffer, index);
    return before;
  });
}

/** Whether kernel `to` needs kernel `from`, directly or through others. */
export function dependsOn(dependencies: Dependencies, to: number, from: number): boolean {
  const seen = new Set<number>();
  const pending = [...dependencies[to]];
  while (pending.length > 0) {
    const each = pending.pop()!;
    if (each === from) return true;
    if (seen.has(each)) continue;
    seen.add(each);
    for (const before of dependencies[each]) pending.push(before);
  }
  return false;
}

/**
 * An order of kernels, by index, that respects the dependencies: what needs the results of exchanges comes as late as possible, so that the
 * device computes while they go on; what frees memory comes as early as possible; otherwise as they were.
 *
 * @param bytesOf What a buffer takes while it is needed: 0 for inputs and outputs.
 */
export function scheduleKernels(
  kernels: readonly Kernel[],
  dependencies: Dependencies,
  bytesOf: (buffer: number) => number,
): number[] {
  const order = new Freeing(kernels, dependencies, bytesOf).order();
  /** How many exchanges, one after the other, a kernel needs. */
  const needs = new Array<number>(kernels.length).fill(0);
  for (const index of order) {
    for (const before of dependencies[index]) {
      needs[index] = Math.max(needs[index], needs[before] + (kernels[before].kind === "exchange" ? 1 : 0));
    }
  }
  return order.sort((a, b) => needs[a] - needs[b]);
}

/** What is known of a buffer while kernels are put in order. */
interface Use {
  readonly bytes: number;
  /** The kernels that touch it. */
  readonly kernels: number[];
  /** How many of them are not in the order yet, and the sum of their numbers: of the last one its number. */
  left: number;
  sum: number;
  begun: boolean;
}

/**
 * Puts kernels in order, and after each those that need no more memory than they free: the gradient of some filters is taken when that of
 * their results is there and will not be needed again, not at the end, until which it would have to be kept.
 */
class Freeing {
  /** The buffers that each kernel touches. */
  readonly #touched: readonly (readonly number[])[];
  readonly #dependencies: Dependencies;
  readonly #users: readonly number[][];
  /** For each kernel how many of those before it are not in the order yet; below 0 for those that are. */
  readonly #waits: number[];
  readonly #uses = new Map<number, Use>();
  /** How much more memory each kernel would free than it takes, if it came next. */
  readonly #frees: number[];
  readonly #order: number[] = [];

  constructor(kernels: readonly Kernel[], dependencies: Dependencies, bytesOf: (buffer: number) => number) {
    this.#touched = kernels.map((kernel) => [...readsOf(kernel).union(writesOf(kernel))]);
    this.#dependencies = dependencies;
    this.#waits = dependencies.map(({ size }) => size);
    this.#users = kernels.map(() => []);
    dependencies.forEach((before, index) => before.forEach((each) => this.#users[each].push(index)));
    this.#touched.forEach((touched, index) => {
      for (const buffer of touched) {
        let use = this.#uses.get(buffer);
        if (!use) this.#uses.set(buffer, use = { bytes: bytesOf(buffer), kernels: [], left: 0, sum: 0, begun: false });
        use.kernels.push(index);
        use.left++;
        use.sum += index;
      }
    });
    this.#frees = kernels.map(() => 0);
    for (const { bytes, kernels, left } of this.#uses.values()) {
      if (left > 1) { for (const each of kernels) this.#frees[each] -= bytes; }
    }
  }

  order(): number[] {
    for (const index of schedule([...this.#touched.keys()], this.#dependencies)) {
      // Each may let others come next, of which that which frees most is first.
      for (const pending = [index]; pending.length > 0;) {
        const next = pending.pop()!;
        if (this.#waits[next] !== 0 || next !== index && this.#frees[next] <= 0) continue;
        for (const each of this.#take(next)) pending.push(each);
      }
    }
    return this.#order;
  }

  /** Adds a kernel to the order; gives those that may free memory now, that which frees most last. */
  #take(index: number): number[] {
    this.#order.push(index);
    this.#waits[index] = -1;
    const found = new Set<number>();
    for (const user of this.#users[index]) if (--this.#waits[user] === 0) found.add(user);
    for (const buffer of this.#touched[index]) {
      const use = this.#uses.get(buffer)!;
      if (!use.begun) { for (const each of use.kernels) this.#frees[each] += use.bytes; }
      use.begun = true;
      use.left--;
      use.sum -= index;
      if (use.left === 1) {
        this.#frees[use.sum] += use.bytes;
        found.add(use.sum);
      }
    }
    return [...found].sort((a, b) => this.#frees[a] - this.#frees[b] || b - a);
  }
}

/** The items in an order that respects the dependencies, otherwise as they were. */
export function schedule<T>(items: readonly T[], dependencies: Dependencies): T[] {
  const entered = new Set<number>();
  const order: T[] = [];
  // The way down to where the walk is, as a chain may be too long for recursion: indices, and what each still waits for.
  const path: { readonly index: number; readonly waitsFor: number[] }[] = [];
  const enter = (index: number) => {
    if (entered.has(index)) return;
    entered.add(index);
    path.push({ index, waitsFor: [...dependencies[index]].sort((a, b) => b - a) });
  };
  for (let index = 0; index < items.length; index++) {
    enter(index);
    while (path.length > 0) {
      const { index: last, waitsFor } = path[path.length - 1];
      const next = waitsFor.pop();
      if (next !== undefined) enter(next);
      else {
        path.pop();
        order.push(items[last]);
      }
    }
  }
  return order;
}
