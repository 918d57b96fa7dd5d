/**
 * Loading of data, with progress, until Ctrl-C.
 *
 * @module
 */
import type { TaskEither } from "../../deps.ts";
import { type Display, openDisplay } from "./display.ts";
import type { Failure } from "./failure.ts";
import { orInterrupted, watchInterrupt } from "./interrupt.ts";

/** Loads something, showing how far it has come; afterwards Ctrl-C ends the program as ever. */
export function loading<A>(load: (display: Display) => TaskEither.TaskEither<Failure, A>): TaskEither.TaskEither<Failure, A> {
  return async () => {
    using interrupt = watchInterrupt();
    using display = openDisplay();
    return await orInterrupted(interrupt.signal, load(display))();
  };
}
