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
  /** The barrier: how many have arrived, and how often it has opened. */
  arrived: 320,
  opened: 384,
  barrierSleepers: 448,
  /** Set when a thread has failed, to its number (-1 for the main thread): threads that wait at a barrier then fail too. */
  failed: 512,
  /** How many workers have started. */
  ready: 576,
  /** What the command says: its kind, and words that depend on it. */
  arguments: 640,
  /** The error message of a failed worker: length, then UTF-8. */
  message: 768,
} as const;

/** Most bytes of a failure's message. */
export const messageBytes = 1024;

/** Where each thread puts the arguments of machine code, if there is some. */
export const nativeArguments = { argumentsAt: 4096, argumentBytes: 64 } as const;

/** Where memory for data begins. */
export const heapStart = 65536;

/** The most pages a memory of 32-bit addresses can have. */
export const maxPages = 65536;
