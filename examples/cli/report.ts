/**
 * The report of a training run: a JSON file that is there whole or not at all.
 *
 * @module
 */
import { dirname } from "node:path";
import { tryFile, writeWhole } from "../../core/whole_file.ts";
import { permitted, reading, writing } from "../../core/permissions.ts";
import { Either, pipe, TaskEither } from "../../deps.ts";
import { failed, type Failure, reasonOf } from "./failure.ts";

/** What is known of one pass over the training images. */
export interface EpochReport {
  /** From 1. */
  readonly epoch: number;
  /** Time of training, without testing. */
  readonly seconds: number;
  /** Mean over the epoch's training images, each when it was learned from. */
  readonly trainLoss: number;
  /** Mean over the test images after the epoch. */
  readonly testLoss: number;
  /** Part of the test images that were classified right, 0 to 1. */
  readonly testAccuracy: number;
  /**
   * Milliseconds of a step: the median over stretches between two readings of the loss, each the wall time of the stretch divided by
   * its steps. It holds everything: cutting the batch, handing it to the device, computing, and the reading, which waits for all.
   */
  readonly msPerStepMedian: number;
}

/** A training run. */
export interface Report {
  readonly device: string;
  readonly model: string;
  /** Which data set. */
  readonly data: string;
  readonly batchSize: number;
  /** The epochs that were finished. */
  readonly epochs: readonly EpochReport[];
  /** Time from the start of the program. */
  readonly totalSeconds: number;
  /** The most memory of the process that was resident at one time, looked at whenever the loss is read. */
  readonly peakMemoryBytes: number;
}

/** Writes a report, in place of an earlier one. */
export type ReportWriter = (report: Report) => TaskEither.TaskEither<Failure, void>;

/** A writer for a file, once it is sure that the file can be written; without a file, a writer that does nothing. */
export function openReport(path: string | undefined): TaskEither.TaskEither<Failure, ReportWriter> {
  if (path === undefined) return TaskEither.right(() => TaskEither.right(undefined));
  const folder = dirname(path);
  return pipe(
    // A rename reads as well.
    permitted([reading(folder), writing(folder)], `write the report ${path}`),
    Either.mapLeft(({ message }) => failed(message)),
    TaskEither.fromEither,
    TaskEither.flatMap(() => attempt(path, () => tryFile(path))),
    TaskEither.map((): ReportWriter => (report) => {
      const text = `${JSON.stringify(report, null, 2)}\n`;
      return attempt(path, () => writeWhole(path, [new TextEncoder().encode(text)]));
    }),
  );
}

function attempt<A>(path: string, run: () => Promise<A>): TaskEither.TaskEither<Failure, A> {
  return TaskEither.tryCatch(run, (cause) => failed(`Cannot write the report ${path}: ${whyNot(cause, path)}`));
}

function whyNot(cause: unknown, path: string): string {
  return cause instanceof Deno.errors.NotFound ? `there is no folder ${dirname(path)}` : reasonOf(cause);
}
