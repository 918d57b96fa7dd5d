/**
 * Agreement: before values are exchanged, the processes compare what they are about to do, so that those which disagree, or do not come,
 * are named instead of waited for without end.
 *
 * What is compared is a number made of the text that describes the next step. Where it differs, the texts themselves are sent around.
 *
 * @module
 */
import { hashOfText } from "../core/hash.ts";
import { DistributedError } from "../core/errors.ts";
import type { Communicator, Request } from "./mpi/communicator.ts";
import { waitFor } from "./waiting.ts";

/** Bytes of a step's description in messages. */
const textBytes = 1024;

/** Seconds to wait for the descriptions of processes that wait as well. */
const grace = 3;

/** What a process says when its program ends. */
export const theEnd = "the end of the program";

/** The comparison of one step. */
export interface Comparison extends Request {
  /** What this process is about to do. */
  readonly step: string;
  /** The result, once the request has ended: undefined if all are about to do the same. */
  disagreement(): DistributedError | undefined;
}

/** Compares the steps of all processes. */
export class Agreement {
  readonly #comparing: Communicator;
  readonly #telling: Communicator;
  readonly #timeout: number;

  /** `timeout`: how many seconds to wait for another process. */
  constructor(world: Communicator, timeout: number) {
    this.#comparing = world.duplicate();
    this.#telling = world.duplicate();
    this.#timeout = timeout;
  }

  /** Begins to compare what is to be done next. */
  compare(step: string): Comparison {
    const hash = hashOfText(step);
    // The largest of a number and of its complement: equal to this process's own only if all have it.
    const own = Int32Array.of(hash, ~hash);
    const largest = new Int32Array(2);
    const request = this.#comparing.allReduce(own, largest, "max");
    return {
      step,
      test: () => request.test(),
      disagreement: () => largest[0] === ~largest[1] ? undefined : this.#difference(step),
    };
  }

  /**
   * Waits for the end of a step.
   *
   * @throws {DistributedError} If it does not come: with the ranks of the processes that are missing.
   */
  wait(request: Request, step: string): void {
    if (!waitFor(request, this.#timeout)) throw this.#missing(step);
  }

  /** All processes are here, and about to do different things. */
  #difference(step: string): DistributedError {
    const all = new Uint8Array(textBytes * this.#comparing.size);
    const gathered = this.#comparing.allGather(encode(step), all);
    if (!waitFor(gathered, this.#timeout)) return this.#missing(step);
    const steps = Array.from({ length: this.#comparing.size }, (_, rank) => decode(all.subarray(textBytes * rank)));
    const groups = [...Map.groupBy(steps.keys(), (rank) => steps[rank])];
    const each = groups.map(([text, ranks]) => `${ranked(ranks)} ${ranks.length > 1 ? "are" : "is"} at ${text}`);
    return new DistributedError(`Cannot go on: the processes disagree: ${each.join("; ")}`, {
      steps,
      rank: this.#comparing.rank,
    });
  }

  /** Others that wait, too, say where they are; those that say nothing are missing. */
  #missing(step: string): DistributedError {
    const { rank, size } = this.#telling;
    const others = Array.from({ length: size }, (_, other) => other).filter((other) => other !== rank);
    const texts = others.map(() => new Uint8Array(textBytes));
    const requests = others.map((other, i) => {
      this.#telling.send(encode(step), other);
      return this.#telling.receive(texts[i], other);
    });
    const heard = { test: () => requests.map((request) => request.test()).every(Boolean) };
    waitFor(heard, grace);
    const silent = others.filter((_, i) => !requests[i].test());
    const seconds = `${this.#timeout} s`;
    const steps = others.flatMap((other, i) => silent.includes(other) ? [] : [`rank ${other} waits at ${decode(texts[i])}`]);
    const why = silent.length > 0 ? `nothing was heard of ${ranked(silent)}` : steps.join("; ");
    return new DistributedError(`Cannot go on: waited ${seconds} at ${step}, and ${why}`, { step, missing: silent, rank });
  }
}

function ranked(ranks: readonly number[]): string {
  return `rank${ranks.length > 1 ? "s" : ""} ${ranks.join(", ")}`;
}

function encode(text: string): Uint8Array {
  const out = new Uint8Array(textBytes);
  new TextEncoder().encodeInto(text, out);
  return out;
}

function decode(bytes: Uint8Array): string {
  const end = bytes.subarray(0, textBytes).indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? textBytes : end));
}
