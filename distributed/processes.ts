/**
 * The processes that were started together, and the order in which they exchange values.
 *
 * @module
 */
import type { HostArray } from "../core/dtype.ts";
import { DistributedError } from "../core/errors.ts";
import type { Exchanging } from "../core/ir/exchange.ts";
import { Agreement, type Comparison, theEnd } from "./agreement.ts";
import { placeOf } from "./launcher.ts";
import { Communicator, type Request } from "./mpi/communicator.ts";
import { openLibrary } from "./mpi/library.ts";
import { sleep } from "./waiting.ts";

/** The place of a process among those that were started together. */
export interface Processes {
  /** The number of this one, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** The number of this one among those of the same machine. */
  readonly localRank: number;
}

/** Seconds from a failure to the end of all processes. */
const partingSeconds = 1;

/** What begins an exchange between the arrays of all processes. */
export type Begin = (communicator: Communicator) => Request;

let current: (Processes & { readonly exchanges?: Exchanges }) | undefined;

/** Joins the other processes; later calls give the same. */
export function join(timeout: number, overlap: boolean): Processes {
  current ??= joinNow(timeout, overlap);
  const { rank, size, localRank } = current;
  return { rank, size, localRank };
}

function joinNow(timeout: number, overlap: boolean): Processes & { readonly exchanges?: Exchanges } {
  const place = placeOf();
  if (!place) return { rank: 0, size: 1, localRank: 0 };
  const world = Communicator.world(openLibrary(place.library));
  const { rank, size } = world;
  if (size !== place.size) {
    throw new DistributedError(
      `Cannot join ${place.size} processes that ${place.launcher} started: the library of ${place.library} knows of ${size}; ` +
        "start them by the launcher of that library",
      { expected: place.size, found: size },
    );
  }
  const exchanges = new Exchanges(world, timeout, overlap);
  globalThis.addEventListener("unload", () => exchanges.end());
  return { rank, size, localRank: place.localRank, exchanges };
}

/**
 * The processes that were joined.
 *
 * @throws {DistributedError} If `init` was not called.
 */
export function joined(what: string): Processes {
  if (current) return current;
  throw new DistributedError(`Cannot ${what} before init() was called, which joins the other processes`);
}

/** The exchanges of this process; all processes have the same, one after the other. */
class Exchanges {
  readonly #world: Communicator;
  readonly #agreement: Agreement;
  readonly #running: CheckedExchange[] = [];
  readonly #overlap: boolean;
  #failure: unknown;
  #count = 0;

  /**
   * @param timeout How many seconds to wait for another process.
   * @param overlap Whether the program computes meanwhile.
   */
  constructor(world: Communicator, timeout: number, overlap: boolean) {
    this.#world = world;
    this.#overlap = overlap;
    this.#agreement = new Agreement(world, timeout);
  }

  /** Begins an exchange; `step` describes it and must be the same on all processes. */
  start(step: string, begin: Begin): Exchanging {
    if (this.#failure) throw this.#failure;
    const numbered = `exchange ${++this.#count}, ${step}`;
    const exchange = new CheckedExchange(this.#agreement.compare(numbered), () => begin(this.#world));
    this.#running.push(exchange);
    const wait = () => this.#orFail(() => this.#agreement.wait({ test: () => this.#poll(exchange) }, exchange.step));
    if (!this.#overlap) wait();
    return { poll: () => this.#orFail(() => this.#poll(exchange)), wait };
  }

  /** The end of the program: that of the others, too, or they are told. */
  end(): void {
    if (!this.#failure) {
      try {
        this.start(theEnd, () => ({ test: () => true })).wait();
        return this.#world.finalize();
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }
    // The others print, too, what they have found: this ends them.
    sleep(partingSeconds);
    this.#world.abort(1);
  }

  /** In order: the library matches the exchanges of processes by it. */
  #poll(wanted: CheckedExchange): boolean {
    while (this.#running.length > 0 && this.#running[0].test()) this.#running.shift();
    for (const each of this.#running) if (!each.begun && !each.tryToBegin()) break;
    return wanted.ended;
  }

  /** After a failure, whoever finds it, nothing is exchanged any more. */
  #orFail<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** An exchange that begins when all processes have agreed to it. */
class CheckedExchange {
  readonly step: string;
  ended = false;
  readonly #comparison: Comparison;
  readonly #begin: () => Request;
  #request: Request | undefined;

  constructor(comparison: Comparison, begin: () => Request) {
    this.step = comparison.step;
    this.#comparison = comparison;
    this.#begin = begin;
  }

  get begun(): boolean {
    return this.#request !== undefined;
  }

  tryToBegin(): boolean {
    if (!this.#comparison.test()) return false;
    const disagreement = this.#comparison.disagreement();
    if (disagreement) throw disagreement;
    this.#request = this.#begin();
    return true;
  }

  test(): boolean {
    if (!this.#request && !this.tryToBegin()) return false;
    this.ended ||= this.#request!.test();
    return this.ended;
  }
}

/** Begins an exchange of arrays. */
export function startExchange(step: string, source: HostArray, begin: (communicator: Communicator) => Request): Exchanging {
  const { exchanges } = current!;
  return exchanges!.start(`${step} ${source.constructor.name}[${source.length}]`, begin);
}
