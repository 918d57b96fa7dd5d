/**
 * Fusing kernels: an elementwise kernel that reads what another kernel just stored, point by point, becomes part of it.
 *
 * One rule covers all cases: bias and activation end a matmul or a convolution, an optimizer's update ends the kernel of its gradient,
 * two elementwise kernels become one with two outputs, and an intermediate that no other kernel reads is never stored.
 *
 * @module
 */
import { sizeOf } from "../shape.ts";
import { type Expr, mapLeaves, visit } from "../ir/expr.ts";
import { instructions } from "../ir/cost.ts";
import {
  type Access,
  expressionsOf,
  type Kernel,
  type MapKernel,
  operandsOf,
  readsOf,
  type Store,
  writesOf,
} from "../ir/kernel.ts";
import { mapOver } from "../ir/kernels/map.ts";

/** What fusion needs to know beside the kernels. */
export interface FusionLimits {
  /** Buffers that must be stored: the program's outputs. */
  readonly outputs: ReadonlySet<number>;
  readonly maxBuffersPerKernel: number;
  readonly maxInstructions: number;
}

function sameAccess(a: Access, b: Access): boolean {
  return a.buffer === b.buffer && a.offset === b.offset && a.strides.every((stride, axis) => stride === b.strides[axis]);
}

function buffersOf(kernel: Kernel): Set<number> {
  return new Set([...readsOf(kernel), ...writesOf(kernel)]);
}

/**
 * `consumer` as the end of `producer`: its loads of what `producer` stores become the stored values, and of these stores only the needed
 * ones are left. Undefined if it is not that simple. Takes time for the consumer alone, so that a long chain is fused in linear time.
 */
function join(producer: Kernel, consumer: MapKernel, needed: (buffer: number) => boolean): Kernel | undefined {
  const seen = mapOver(consumer, producer.shape);
  if (!seen) return undefined;
  const made = writesOf(producer);
  // A consumer that overwrites what the producer reads elsewhere would change it too early.
  if (seen.stores.some((store) => operandsOf(producer).some((operand) => operand.buffer === store.buffer))) return undefined;
  const stored = seen.loads.map((load) => made.has(load.buffer) && producer.stores.find((each) => sameAccess(each, load)));
  if (stored.includes(undefined)) return undefined;
  const loads = [...producer.loads];
  const types = loadTypes(seen);
  const replacements = stored.map((store, slot): Expr => {
    if (store) return store.value;
    const load = seen.loads[slot];
    const known = loads.findIndex((each) => sameAccess(each, load));
    return { kind: "load", type: types[slot], slot: known >= 0 ? known : loads.push(load) - 1 };
  });
  // What replaces a load is not visited itself.
  const memo = new Map<Expr, Expr>();
  const stores = seen.stores.map((store): Store => ({
    ...store,
    value: mapLeaves(store.value, (leaf) => leaf.kind === "load" ? replacements[leaf.slot] : leaf, memo),
  }));
  const left = producer.stores.filter(({ buffer }) => needed(buffer));
  const kernel = { ...producer, loads, stores: [...left, ...stores] };
  const read = readsOf(consumer);
  const someUnread = producer.stores.some(({ buffer }) => !needed(buffer) && !read.has(buffer));
  return someUnread ? withoutUnusedLoads(kernel) : kernel;
}

/** The types of a kernel's loads, by slot. */
function loadTypes(kernel: Kernel): Expr["type"][] {
  const types: Expr["type"][] = [];
  visit(kernel.stores.map(({ value }) => value), (e) => {
    if (e.kind === "load") types[e.slot] = e.type;
  });
  return types;
}

/** Drops loads that no store uses. */
function withoutUnusedLoads(kernel: Kernel): Kernel {
  const used: number[] = [];
  const memo = new Map<Expr, Expr>();
  const stores = kernel.stores.map((store) => ({
    ...store,
    value: mapLeaves(store.value, (leaf) => {
      if (leaf.kind !== "load") return leaf;
      let slot = used.indexOf(leaf.slot);
      if (slot < 0) slot = used.push(leaf.slot) - 1;
      return { ...leaf, slot };
    }, memo),
  }));
  return { ...kernel, loads: used.map((slot) => kernel.loads[slot]), stores };
}

/** Fuses until nothing fuses any more. */
export function fuse(kernels: readonly Kernel[], limits: FusionLimits): Kernel[] {
  const fusion = new Fusion(kernels, limits);
  while (fusion.pass());
  return fusion.kernels;
}

/** A kernel among the others. */
interface Item {
  readonly kernel: Kernel;
  readonly size: number;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  position: number;
  /** Instructions per point, if it was asked for. */
  cost: number | undefined;
  /** Whether it was tried, and nothing has changed for it since. */
  settled: boolean;
}

/** The kernels while they are fused: what is known about buffers is kept up to date, so that a step costs what it moves. */
class Fusion {
  /** In order; a step leaves a gap. */
  readonly #list: (Item | undefined)[];
  readonly #limits: FusionLimits;
  readonly #readers = new Map<number, Set<Item>>();
  readonly #writers = new Map<number, Set<Item>>();
  /** For a consumer the producers it also needs by way of others, which will always lie between them. */
  readonly #apart = new Map<Item, Set<Item>>();

  constructor(kernels: readonly Kernel[], limits: FusionLimits) {
    this.#limits = limits;
    this.#list = kernels.map((kernel, position) => this.#add(kernel, position));
  }

  get kernels(): Kernel[] {
    return this.#list.flatMap((item) => item ? [item.kernel] : []);
  }

  /**
   * Tries each kernel with all that it can become part of, and goes on from where it is then, with what is not settled. Whether anything
   * was fused.
   */
  pass(): boolean {
    let fused = false;
    for (let position = 0; position < this.#list.length; position++) {
      for (let next = this.#fuseAt(position); next !== undefined; next = this.#fuseAt(position)) {
        position = next;
        fused = true;
      }
    }
    return fused;
  }

  #add(kernel: Kernel, position: number, cost?: number): Item {
    const [reads, writes] = [[...readsOf(kernel)], [...writesOf(kernel)]];
    const item: Item = { kernel, size: sizeOf(kernel.shape), reads, writes, position, cost, settled: false };
    for (const buffer of reads) addTo(this.#readers, buffer, item);
    for (const buffer of writes) addTo(this.#writers, buffer, item);
    return item;
  }

  /** The kernel that two others have become. */
  #become(kernel: Kernel, producer: Item, consumer: Item): Item {
    this.#remove(producer);
    this.#remove(consumer);
    const item = this.#add(kernel, consumer.position, costOf(producer) + costOf(consumer));
    this.#unsettle(producer);
    this.#unsettle(consumer);
    return item;
  }

  #remove(item: Item): void {
    for (const buffer of item.reads) this.#readers.get(buffer)!.delete(item);
    for (const buffer of item.writes) this.#writers.get(buffer)!.delete(item);
  }

  /** Where a kernel was replaced, others are tried again: those that share a buffer with it, and those with a producer that does. */
  #unsettle({ reads, writes }: Item): void {
    for (const buffer of [...reads, ...writes]) {
      for (const reader of this.#readers.get(buffer) ?? []) reader.settled = false;
      for (const writer of this.#writers.get(buffer) ?? []) {
        writer.settled = false;
        for (const made of writer.writes) {
          for (const reader of this.#readers.get(made) ?? []) reader.settled = false;
        }
      }
    }
  }

  /** Makes the kernel at `position` part of one that it reads from; returns where that one is now. */
  #fuseAt(position: number): number | undefined {
    const consumer = this.#list[position];
    if (!consumer || consumer.settled) return undefined;
    consumer.settled = true;
    if (consumer.kernel.kind !== "map") return undefined;
    for (const buffer of consumer.reads) {
      for (const producer of this.#writers.get(buffer) ?? []) {
        // A kernel may work in place, and most that it reads from are of another size.
        if (producer === consumer || producer.size !== consumer.size || this.#apart.get(consumer)?.has(producer)) continue;
        const kernel = this.#joined(producer, consumer, consumer.kernel);
        const next = kernel && this.#replace(producer, consumer, kernel);
        if (next !== undefined) return next;
      }
    }
    return undefined;
  }

  #joined(producer: Item, consumer: Item, map: MapKernel): Kernel | undefined {
    const { outputs, maxBuffersPerKernel, maxInstructions } = this.#limits;
    // Buffers pieced together by several kernels are complete only after the last of them.
    const isPieced = (buffer: number) => this.#writers.get(buffer)!.size > 1;
    if (producer.writes.some(isPieced) || consumer.writes.some(isPieced)) return undefined;
    if (costOf(producer) + costOf(consumer) > maxInstructions) return undefined;
    const read = readsOf(map);
    const readElsewhere = (buffer: number) => (this.#readers.get(buffer)?.size ?? 0) - (read.has(buffer) ? 1 : 0) > 0;
    const needed = (buffer: number) => outputs.has(buffer) || consumer.writes.includes(buffer) || readElsewhere(buffer);
    const kernel = join(producer.kernel, map, needed);
    return kernel && buffersOf(kernel).size <= maxBuffersPerKernel ? kernel : undefined;
  }

  /**
   * Replaces both by `kernel`. What lies between and needs the producer comes after it; undefined if the consumer needs some of that,
   * for then it cannot.
   */
  #replace(producer: Item, consumer: Item, kernel: Kernel): number | undefined {
    const [from, to] = [producer.position, consumer.position];
    const after = this.#between(producer, consumer);
    if (!after) {
      addTo(this.#apart, consumer, producer);
      return undefined;
    }
    const fused = this.#become(kernel, producer, consumer);
    this.#list[from] = undefined;
    if (after.length === 0) {
      this.#place(fused, to);
      return to;
    }
    let [end, moved] = [from, 0];
    for (let i = from + 1; i < to; i++) {
      const each = this.#list[i];
      if (!each) continue;
      if (each === after[moved]) moved++;
      else this.#place(each, end++);
    }
    this.#place(fused, end++);
    for (const each of after) this.#place(each, end++);
    this.#list.fill(undefined, end, to + 1);
    return fused.position;
  }

  /** What lies between two kernels and needs the first, in order; undefined if the second needs some of that. */
  #between(producer: Item, consumer: Item): readonly Item[] | undefined {
    const needing = new Set([producer]);
    for (const item of needing) {
      for (const buffer of item.writes) {
        for (const users of [this.#readers.get(buffer), this.#writers.get(buffer)]) {
          for (const user of users ?? []) {
            if (user.position <= item.position || user.position > consumer.position) continue;
            if (user !== consumer) needing.add(user);
            else if (item !== producer) return undefined;
          }
        }
      }
    }
    needing.delete(producer);
    return [...needing].sort((a, b) => a.position - b.position);
  }

  #place(item: Item, position: number): void {
    this.#list[position] = item;
    item.position = position;
  }
}

function costOf(item: Item): number {
  return item.cost ??= instructions(expressionsOf(item.kernel));
}

function addTo<K>(sets: Map<K, Set<Item>>, key: K, item: Item): void {
  const others = sets.get(key);
  if (others) others.add(item);
  else sets.set(key, new Set([item]));
}
