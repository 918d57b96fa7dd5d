/**
 * The control words in shared memory, by which the main thread and its workers dispatch commands and wait for each other.
 *
 * @module
 */

/** Byte addresses of the control words, each on a cache line of its own. */
export const control = {
  /** Number of the current command; workers wait for it to change. */
  command: 64,
  commandSleepers: 128,
  /** How many times a worker has finished a command. */
  done: 192,
  doneSleepers: 256,
  /** How many pieces of work have been finished since the beginning, 64 bits; threads wait for those that come before their own. */
  finished: 320,
  finishedSleepers: 384,
  /** Set when a thread has failed, to its number (-1 for the main thread): threads that wait for pieces then fail too. */
  failed: 512,
  /** How many workers have started. */
  ready: 576,
  /** What commands say, of even and odd numbers in turn: the kind, and words that depend on it. */
  arguments: 640,
  /** The error message of a failed worker: length, then UTF-8. */
  message: 768,
  /**
   * For each thread, up to where the pieces that are its own have been taken, counted as `finished` is: 64 bits on a cache line of its
   * own.
   */
  taken: 24576,
} as const;

/** Bytes from the arguments of one command to those of the next, and from a thread's line to the next thread's. */
export const lineBytes = 64;

/** Most bytes of a failure's message. */
export const messageBytes = 1024;

/** Where each thread puts the arguments of machine code, if there is some. */
export const nativeArguments = { argumentsAt: 4096, argumentBytes: 64 } as const;

/** Where memory for data begins. */
export const heapStart = 65536;

/** The most pages a memory of 32-bit addresses can have. */
export const maxPages = 65536;
