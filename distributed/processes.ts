/**
 * The processes that were started together, and the order in which they exchange values.
 *
 * @module
 */
import type { HostArray } from "../core/dtype.ts";
import { DistributedError } from "../core/errors.ts";
import type { Exchanging } from "../core/ir/exchange.ts";
import { real } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { Agreement, type Comparison, theEnd } from "./agreement.ts";
import { placeOf } from "./launcher.ts";
import { Communicator, type Request } from "./mpi/communicator.ts";
import { openLibrary } from "./mpi/library.ts";

/** Options of `init`. */
export interface InitOptions {
  /** Seconds to wait for another process before an error names it. Default 30. */
  readonly timeout?: number;
}

const initOptions = optionTable<InitOptions>({ timeout: real });

/** The place of a process among those that were started together. */
export interface Processes {
  /** The number of this one, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** The number of this one among those of the same machine. */
  readonly localRank: number;
}

/** What begins an exchange between the arrays of all processes. */
export type Begin = (communicator: Communicator) => Request;

let current: (Processes & { readonly exchanges?: Exchanges }) | undefined;

/**
 * Joins the other processes that `mpirun` (or `mpiexec`, or `srun`) started with this one; alone it is rank 0 of 1, needs no library, and all
 * exchanges give what they get. Later calls give the same.
 *
 * ```ts
 * import { init } from "./mod.ts";
 * const { rank, size } = init();
 * console.log(`process ${rank} of ${size}`); // process 0 of 1
 * ```
 *
 * @throws {DistributedError} If the library of the launcher is not installed, or Deno may not call it (`--allow-env --allow-ffi`).
 */
export function init(options: InitOptions = {}): Processes {
  const { timeout = 30 } = checkOptions(options, initOptions, "init");
  if (!(timeout > 0)) throw new RangeError(`Cannot wait for ${timeout} seconds: the timeout must be above 0`);
  current ??= join(timeout);
  const { rank, size, localRank } = current;
  return { rank, size, localRank };
}

function join(timeout: number): Processes & { readonly exchanges?: Exchanges } {
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
  const exchanges = new Exchanges(world, timeout);
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
export class Exchanges {
  readonly #world: Communicator;
  readonly #agreement: Agreement;
  readonly #running: CheckedExchange[] = [];
  #failure: unknown;
  #count = 0;

  /** `timeout`: how many seconds to wait for another process. */
  constructor(world: Communicator, timeout: number) {
    this.#world = world;
    this.#agreement = new Agreement(world, timeout);
  }

  /** Begins an exchange; `step` describes it and must be the same on all processes. */
  start(step: string, begin: Begin): Exchanging {
    if (this.#failure) throw this.#failure;
    const numbered = `exchange ${++this.#count}, ${step}`;
    const exchange = new CheckedExchange(this.#agreement.compare(numbered), () => begin(this.#world));
    this.#running.push(exchange);
    return { poll: () => this.#poll(exchange), wait: () => this.#wait(exchange) };
  }

  /** The end of the program: that of the others, too, or they are told. */
  end(): void {
    try {
      if (this.#failure) throw this.#failure;
      this.start(theEnd, () => ({ test: () => true })).wait();
      this.#world.finalize();
    } catch (error) {
      if (error !== this.#failure) console.error(error instanceof Error ? error.message : error);
      this.#world.abort(1);
    }
  }

  /** In order: the library matches the exchanges of processes by it. */
  #poll(wanted: CheckedExchange): boolean {
    while (this.#running.length > 0 && this.#running[0].test()) this.#running.shift();
    for (const each of this.#running) if (!each.begun && !each.tryToBegin()) break;
    return wanted.ended;
  }

  #wait(exchange: CheckedExchange): void {
    try {
      this.#agreement.wait({ test: () => this.#poll(exchange) }, exchange.step);
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
