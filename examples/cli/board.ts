/**
 * Logs for TensorBoard, where the command line asks for them.
 *
 * @module
 */
import { pipe, TaskEither } from "../../deps.ts";
import { type SummaryWriter, summaryWriter } from "../../visual/mod.ts";
import { failed, type Failure } from "./failure.ts";

/** Opens a log in a folder for as long as something is done with it; without a folder there is no log. */
export function withLog<A>(
  folder: string | undefined,
  use: (log?: SummaryWriter) => TaskEither.TaskEither<Failure, A>,
): TaskEither.TaskEither<Failure, A> {
  if (folder === undefined) return use();
  return TaskEither.bracket(
    pipe(summaryWriter(folder), TaskEither.mapLeft(({ message }) => failed(message))),
    use,
    (log) => pipe(log.close(), TaskEither.mapLeft(({ message }) => failed(message))),
  );
}
