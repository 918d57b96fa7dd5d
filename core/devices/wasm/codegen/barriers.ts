/**
 * Where threads wait for each other: before a phase that needs what others before it do. Neighbours that touch nothing in common, as the
 * gradients of a layer's weights and of its input, run side by side, so that a thread that finds no more pieces of one begins the next.
 *
 * What takes the same memory one after the other does not run side by side, be it a slot of the program or scratch memory.
 *
 * @module
 */
import { type Kernel, kindOf, readsOf, writesOf } from "../../../ir/kernel.ts";
import { memoryOf, type Program } from "../../../ir/program.ts";
import { sizeOf } from "../../../shape.ts";
import type { Phase } from "./context.ts";
import { serialNanoseconds } from "./work.ts";

/** Phases each of which needs the one before: those of a kernel, or of kernels that run together. */
export interface PhasesUnit {
  readonly kernels: readonly Kernel[];
  readonly phases: readonly Phase[];
  /** Bytes of the scratch memory that its threads share. */
  readonly scratch: number;
  /** Is told where that begins. */
  place(offset: number): void;
}

/** Units that are repeated. */
export interface LoopUnit {
  readonly count: number;
  readonly units: readonly Unit[];
}

export type Unit = PhasesUnit | LoopUnit;

/** What one thread does alone. */
export type SerialStep = Phase | { readonly count: number; readonly steps: readonly SerialStep[] };

/** Pieces of a phase, or what one thread does alone, as one piece. */
export type Step = Phase | { readonly serial: readonly SerialStep[] };

/** Steps that threads go through without waiting, in order, until all of them are finished; or groups that are repeated. */
export type Group = readonly Step[] | { readonly count: number; readonly groups: readonly Group[] };

/** The most shared scratch memory that a unit needs. */
export function scratchOf(units: readonly Unit[]): number {
  return units.reduce((most, unit) => Math.max(most, "units" in unit ? scratchOf(unit.units) : unit.scratch), 0);
}

/** Groups units, in their order, and gives them places in `room` bytes of shared scratch memory. */
export function groupsOf(program: Program, units: readonly Unit[], room: number, threads: number): Group[] {
  const groups: Group[] = [];
  let open = new OpenGroup();
  const close = () => {
    if (!open.isEmpty) groups.push(open.steps(threads));
    open = new OpenGroup();
  };
  /** Adds steps each of which needs the one before; gives where their scratch memory is. */
  const add = (steps: readonly SerialStep[], kernels: readonly Kernel[], scratch: number): number => {
    const touched = touchedBy(program, kernels);
    let place: number | undefined;
    for (const step of steps) {
      const free = open.roomFor(touched, isAlone(step), scratch, room);
      if (free === undefined) close();
      place ??= free ?? 0;
      open.add(step, kernels, touched, { from: place, to: place + scratch });
    }
    return place ?? 0;
  };
  for (const unit of units) {
    if ("phases" in unit) {
      unit.place(add(unit.phases, unit.kernels, unit.scratch));
      continue;
    }
    const serial = serialLoop(unit);
    if (serial) {
      const place = add([serial], kernelsOf(unit), scratchOf([unit]));
      for (const each of phasesUnitsOf(unit)) each.place(place);
    } else {
      close();
      groups.push({ count: unit.count, groups: groupsOf(program, unit.units, room, threads) });
    }
  }
  close();
  return groups;
}

/** The memory that kernels touch, by name. */
interface Touched {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
}

/** Shared scratch memory. */
interface Scratch {
  readonly from: number;
  readonly to: number;
}

/** Steps that one thread does alone, since they need each other. */
interface Chain {
  readonly steps: SerialStep[];
  readonly kernels: Kernel[];
  /** The chain that this one has become a part of. */
  into?: Chain;
}

/** A group to which steps are added. */
class OpenGroup {
  readonly #phases: Phase[] = [];
  readonly #chains = new Set<Chain>();
  /** Stands for the phases in what follows. */
  readonly #shared: Chain = { steps: [], kernels: [] };
  readonly #writers = new Map<string, Chain>();
  readonly #readers = new Map<string, Set<Chain>>();
  readonly #scratch: (Scratch & { readonly chain: Chain })[] = [];

  get isEmpty(): boolean {
    return this.#phases.length === 0 && this.#chains.size === 0;
  }

  /** Where a step may have scratch memory, if it need not wait for what there is; what one thread does alone goes on a chain. */
  roomFor(touched: Touched, alone: boolean, scratch: number, room: number): number | undefined {
    const met = this.#met(touched);
    if (alone ? met.has(this.#shared) : met.size > 0) return undefined;
    if (scratch === 0) return 0;
    const others = this.#scratch.filter(({ chain }) => !met.has(rootOf(chain)));
    const begins = [0, ...others.map(({ to }) => to)].sort((a, b) => a - b);
    return begins.find((begin) =>
      begin + scratch <= room && others.every(({ from, to }) => to <= begin || begin + scratch <= from)
    );
  }

  add(step: SerialStep, kernels: readonly Kernel[], touched: Touched, scratch: Scratch): void {
    const chain = isAlone(step) ? this.#chainOf(this.#met(touched)) : this.#shared;
    if (isAlone(step)) chain.steps.push(step);
    else this.#phases.push(step as Phase);
    chain.kernels.push(...kernels);
    for (const name of touched.writes) this.#writers.set(name, chain);
    for (const name of touched.reads) {
      const readers = this.#readers.get(name);
      if (readers) readers.add(chain);
      else this.#readers.set(name, new Set([chain]));
    }
    if (scratch.to > scratch.from) this.#scratch.push({ ...scratch, chain });
  }

  /** What one thread does alone comes first, so that it does not end last; as many threads do some as it is worth. */
  steps(threads: number): Step[] {
    return [...this.#lists(threads).map((serial) => ({ serial })), ...this.#phases];
  }

  #lists(threads: number): SerialStep[][] {
    const chains = [...this.#chains].map(({ steps, kernels }) => ({
      steps,
      nanoseconds: kernels.reduce((sum, kernel) => sum + nanosecondsOf(kernel), 0),
    }));
    const total = chains.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
    const count = Math.max(Math.min(threads, chains.length, Math.floor(total / leastSerial)), Math.min(chains.length, 1));
    const lists = Array.from({ length: count }, () => ({ steps: [] as SerialStep[], nanoseconds: 0 }));
    for (const { steps, nanoseconds } of chains.sort((a, b) => b.nanoseconds - a.nanoseconds)) {
      const shortest = lists.reduce((best, list) => list.nanoseconds < best.nanoseconds ? list : best);
      shortest.steps.push(...steps);
      shortest.nanoseconds += nanoseconds;
    }
    return lists.map(({ steps }) => steps);
  }

  /** The chains, or the phases, that write what is touched, or touch what is written. */
  #met({ reads, writes }: Touched): Set<Chain> {
    const met = new Set<Chain>();
    for (const name of [...reads, ...writes]) {
      const writer = this.#writers.get(name);
      if (writer) met.add(rootOf(writer));
    }
    for (const name of writes) {
      for (const reader of this.#readers.get(name) ?? []) met.add(rootOf(reader));
    }
    return met;
  }

  /** One chain of several, or a new one. */
  #chainOf([first, ...others]: Iterable<Chain>): Chain {
    if (!first) {
      const chain: Chain = { steps: [], kernels: [] };
      this.#chains.add(chain);
      return chain;
    }
    for (const other of others) {
      first.steps.push(...other.steps);
      first.kernels.push(...other.kernels);
      other.into = first;
      this.#chains.delete(other);
    }
    return first;
  }
}

function rootOf(chain: Chain): Chain {
  let root = chain;
  while (root.into) root = root.into;
  return root;
}

/** Nanoseconds of what one thread does alone that are worth another thread: half of those for which a kernel is shared. */
const leastSerial = serialNanoseconds / 2;

/** Roughly, without a look at expressions: what moves rows takes as long. */
function nanosecondsOf(kernel: Kernel): number {
  if (kernel.kind === "loop") return kernel.count * kernel.kernels.reduce((sum, each) => sum + nanosecondsOf(each), 0);
  return sizeOf(kernel.shape) * (0.5 + 0.05 * sizeOf(kindOf(kernel).reduced(kernel)));
}

function isAlone(step: SerialStep): boolean {
  return "steps" in step || step.pieces === 1;
}

function touchedBy(program: Program, kernels: readonly Kernel[]): Touched {
  const names = (touched: (kernel: Kernel) => ReadonlySet<number>) =>
    new Set(kernels.flatMap((kernel) => [...touched(kernel)].map((buffer) => memoryOf(program, buffer))));
  return { reads: names(readsOf), writes: names(writesOf) };
}

/** A loop of which one thread does everything. */
function serialLoop({ count, units }: LoopUnit): SerialStep | undefined {
  const steps: SerialStep[] = [];
  for (const unit of units) {
    if ("phases" in unit) {
      if (!unit.phases.every(isAlone)) return undefined;
      steps.push(...unit.phases);
    } else {
      const inner = serialLoop(unit);
      if (!inner) return undefined;
      steps.push(inner);
    }
  }
  return { count, steps };
}

function phasesUnitsOf({ units }: LoopUnit): PhasesUnit[] {
  return units.flatMap((unit) => "units" in unit ? phasesUnitsOf(unit) : [unit]);
}

function kernelsOf(loop: LoopUnit): Kernel[] {
  return phasesUnitsOf(loop).flatMap(({ kernels }) => kernels);
}
