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

/** The kernels while they are fused: what is known about buffers is kept up to date, so that a step costs what it moves. */
class Fusion {
  /** In order; a step leaves a gap. */
  readonly #list: (Kernel | undefined)[];
  readonly #limits: FusionLimits;
  readonly #readers = new Map<number, Set<Kernel>>();
  readonly #writers = new Map<number, Set<Kernel>>();
  readonly #positions = new Map<Kernel, number>();
  /** For a consumer the producers it also needs by way of others, which will always lie between them. */
  readonly #apart = new Map<Kernel, Set<Kernel>>();
  /** Instructions per point of kernels that were asked for. */
  readonly #costs = new Map<Kernel, number>();

  constructor(kernels: readonly Kernel[], limits: FusionLimits) {
    this.#list = [...kernels];
    this.#limits = limits;
    kernels.forEach((kernel, position) => this.#add(kernel, position));
  }

  get kernels(): Kernel[] {
    return this.#list.filter((kernel) => kernel !== undefined);
  }

  /** Tries each kernel once, with all that it can become part of. Whether anything was fused. */
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

  #add(kernel: Kernel, position: number): void {
    this.#positions.set(kernel, position);
    for (const buffer of readsOf(kernel)) addTo(this.#readers, buffer, kernel);
    for (const buffer of writesOf(kernel)) addTo(this.#writers, buffer, kernel);
  }

  #remove(kernel: Kernel): void {
    this.#positions.delete(kernel);
    for (const buffer of readsOf(kernel)) this.#readers.get(buffer)!.delete(kernel);
    for (const buffer of writesOf(kernel)) this.#writers.get(buffer)!.delete(kernel);
  }

  /** Makes the kernel at `position` part of one that it reads from; returns where that one is now. */
  #fuseAt(position: number): number | undefined {
    const consumer = this.#list[position];
    if (consumer?.kind !== "map") return undefined;
    const producers = new Set<Kernel>([...readsOf(consumer)].flatMap((buffer) => [...this.#writers.get(buffer) ?? []]));
    producers.delete(consumer); // which may work in place
    for (const producer of producers) {
      if (this.#apart.get(consumer)?.has(producer)) continue;
      const kernel = this.#joined(producer, consumer);
      const next = kernel && this.#replace(producer, consumer, kernel);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  #joined(producer: Kernel, consumer: MapKernel): Kernel | undefined {
    const { outputs, maxBuffersPerKernel, maxInstructions } = this.#limits;
    if (sizeOf(producer.shape) !== sizeOf(consumer.shape)) return undefined;
    const written = writesOf(consumer);
    // Buffers pieced together by several kernels are complete only after the last of them.
    const isPieced = (buffer: number) => this.#writers.get(buffer)!.size > 1;
    if ([...writesOf(producer)].some(isPieced) || [...written].some(isPieced)) return undefined;
    const cost = this.#costOf(producer) + this.#costOf(consumer);
    if (cost > maxInstructions) return undefined;
    const read = readsOf(consumer);
    const readElsewhere = (buffer: number) => (this.#readers.get(buffer)?.size ?? 0) - (read.has(buffer) ? 1 : 0) > 0;
    const kernel = join(producer, consumer, (buffer) => outputs.has(buffer) || written.has(buffer) || readElsewhere(buffer));
    if (!kernel || buffersOf(kernel).size > maxBuffersPerKernel) return undefined;
    this.#costs.set(kernel, cost);
    return kernel;
  }

  #costOf(kernel: Kernel): number {
    const known = this.#costs.get(kernel);
    if (known !== undefined) return known;
    const cost = instructions(expressionsOf(kernel));
    this.#costs.set(kernel, cost);
    return cost;
  }

  /**
   * Replaces both by `kernel`. What lies between and needs the producer comes after it; undefined if the consumer needs some of that,
   * for then it cannot.
   */
  #replace(producer: Kernel, consumer: Kernel, kernel: Kernel): number | undefined {
    const [from, to] = [this.#positions.get(producer)!, this.#positions.get(consumer)!];
    const made = writesOf(producer);
    if (!this.#isTouched(made, from, to)) {
      this.#remove(producer);
      this.#remove(consumer);
      this.#list[from] = undefined;
      this.#list[to] = kernel;
      this.#add(kernel, to);
      return to;
    }
    const [before, after]: [Kernel[], Kernel[]] = [[], []];
    const later = new Set<number>();
    for (const each of this.#list.slice(from + 1, to)) {
      if (!each) continue;
      if (!touches(each, made) && !touches(each, later)) before.push(each);
      else {
        after.push(each);
        for (const buffer of writesOf(each)) later.add(buffer);
      }
    }
    if (touches(consumer, later)) {
      addTo(this.#apart, consumer, producer);
      return undefined;
    }
    this.#remove(producer);
    this.#remove(consumer);
    this.#list.fill(undefined, from, to + 1);
    [...before, kernel, ...after].forEach((each, i) => {
      this.#list[from + i] = each;
      this.#positions.set(each, from + i);
    });
    this.#add(kernel, from + before.length);
    return from + before.length;
  }

  /** Whether a kernel between two positions reads or writes one of the buffers. */
  #isTouched(buffers: ReadonlySet<number>, from: number, to: number): boolean {
    const isBetween = (kernel: Kernel) => this.#positions.get(kernel)! > from && this.#positions.get(kernel)! < to;
    for (const buffer of buffers) {
      for (const users of [this.#readers.get(buffer), this.#writers.get(buffer)]) {
        for (const kernel of users ?? []) if (isBetween(kernel)) return true;
      }
    }
    return false;
  }
}

/** Whether a kernel reads or writes one of the buffers. */
function touches(kernel: Kernel, buffers: ReadonlySet<number>): boolean {
  return !buffers.isDisjointFrom(readsOf(kernel)) || !buffers.isDisjointFrom(writesOf(kernel));
}

function addTo<K>(sets: Map<K, Set<Kernel>>, key: K, kernel: Kernel): void {
  const others = sets.get(key);
  if (others) others.add(kernel);
  else sets.set(key, new Set([kernel]));
}
