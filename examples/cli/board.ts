/**
 * Logs for TensorBoard, where the command line asks for them.
 *
 * @module
 */
import { Either, pipe, TaskEither } from "../../deps.ts";
import { type SummaryWriter, summaryWriter } from "../../visual/mod.ts";
import { notEmpty } from "./command.ts";
import { guarded } from "./device.ts";
import { failed, type Failure } from "./failure.ts";

/** The flag `--log`. */
export const logFlag = ["--log <folder>", "write a log for TensorBoard (needs --allow-read --allow-write)", notEmpty] as const;

/** Does something with a log in a folder, and closes it; without a folder there is no log. */
export function withLog(
  folder: string | undefined,
  use: (log?: SummaryWriter) => Promise<void>,
): TaskEither.TaskEither<Failure, void> {
  const guardedUse = (log?: SummaryWriter) => guarded(() => use(log).then(Either.right));
  if (folder === undefined) return guardedUse();
  return TaskEither.bracket(
    pipe(summaryWriter(folder), TaskEither.mapLeft(({ message }) => failed(message))),
    guardedUse,
    (log) => pipe(log.close(), TaskEither.mapLeft(({ message }) => failed(message))),
  );
}
