/**
 * Why a command-line program ends early, as a value: what to say, and the exit code that says it to other programs.
 *
 * @module
 */
import { reasonOf as whatIsSaid } from "../../core/quoted.ts";

/** The exit codes: all done, something outside did not work, the command line is wrong; 128 and its number for a signal. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** An early end. */
export interface Failure {
  readonly exitCode: number;
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

/** A signal asked the program to end; SIGINT is Ctrl-C. */
export function interrupted(signal: string, exitCode: number): Failure {
  return { exitCode, message: signal === "SIGINT" ? "Interrupted" : `Interrupted by ${signal}` };
}

/** A failure in the middle of work that gives no `Either`: thrown there, and caught where the work was started (`guarded`). */
export class FailureError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** Why a call of the file system has failed; without the names of files at the end, which may be those of temporary ones. */
export function reasonOf(cause: unknown): string {
  return whatIsSaid(cause).replace(/: \w+ '[^]*'$/, "");
}
