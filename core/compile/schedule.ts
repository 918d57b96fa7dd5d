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
    pending.push(...dependencies[each]);
  }
  return false;
}

/**
 * An order of kernels, by index, that respects the dependencies: what needs the results of exchanges comes as late as possible, so that the
 * device computes while they go on; otherwise as they were.
 */
export function scheduleKernels(kernels: readonly Kernel[], dependencies: Dependencies): number[] {
  const order = schedule([...kernels.keys()], dependencies);
  /** How many exchanges, one after the other, a kernel needs. */
  const needs = new Array<number>(kernels.length).fill(0);
  for (const index of order) {
    for (const before of dependencies[index]) {
      needs[index] = Math.max(needs[index], needs[before] + (kernels[before].kind === "exchange" ? 1 : 0));
    }
  }
  return order.sort((a, b) => needs[a] - needs[b]);
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
