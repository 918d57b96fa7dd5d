/**
 * Exchanges: what a program lets the host do with other processes in the middle of a run.
 *
 * @module
 */
import type { HostArray } from "../dtype.ts";

/**
 * An exchange of values with other processes. Attributes of operations hold it, so what tells two exchanges apart stands in fields that
 * are no functions.
 */
export interface Exchange {
  /** What is done, for messages: "allReduce sum". */
  readonly label: string;
  /**
   * Begins to fill `target` from `source`. Until the exchange has ended, nobody writes to either or reads the target; a device may
   * compute something else meanwhile.
   */
  start(source: HostArray, target: HostArray): Exchanging;
}

/** An exchange that has begun. */
export interface Exchanging {
  /** Lets it proceed without waiting; whether it has ended. */
  poll(): boolean;
  /**
   * Waits for its end.
   *
   * @throws {CotangentError} If it fails.
   */
  wait(): void;
}
