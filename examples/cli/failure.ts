/**
 * Why a command-line program ends early, as a value: what to say, and the exit code that says it to other programs.
 *
 * @module
 */

/** The exit codes: all done, something outside did not work, the command line is wrong, stopped by Ctrl-C. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** An early end. */
export interface Failure {
  readonly exitCode: typeof exitCodes[keyof typeof exitCodes];
  /** For the user; empty if all has been said. */
  readonly message: string;
}

/** Something outside the program did not work: a file, the network, a device. */
export function failed(message: string): Failure {
  return { exitCode: exitCodes.failed, message };
}

/** The command line cannot be followed. */
export function misused(message: string): Failure {
  return { exitCode: exitCodes.usage, message: `${message}\nRun with --help to see what there is.` };
}

/** The user pressed Ctrl-C. */
export const interrupted: Failure = { exitCode: exitCodes.interrupted, message: "Interrupted" };

/** A failure in the middle of work that gives no `Either`: thrown there, and caught where the work was started (`guarded`). */
export class FailureError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}
