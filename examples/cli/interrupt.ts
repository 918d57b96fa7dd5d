/**
 * Ctrl-C as a signal that a program checks where it can stop.
 *
 * @module
 */
import { Either, type TaskEither } from "../../deps.ts";
import { exitCodes, type Failure, interrupted } from "./failure.ts";

/** Whether Ctrl-C was pressed; dispose of it when that no longer matters. */
export interface Interrupt extends Disposable {
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** From now on the first Ctrl-C aborts the signal, and a second one ends the program at once. */
export function watchInterrupt(): Interrupt {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) Deno.exit(exitCodes.interrupted);
    controller.abort();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  return { signal: controller.signal, [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", onSignal) };
}

/** A task that is given up when Ctrl-C is pressed. */
export function orInterrupted<A>(
  signal: AbortSignal,
  task: TaskEither.TaskEither<Failure, A>,
): TaskEither.TaskEither<Failure, A> {
  return () => {
    const pressed = new Promise<Either.Either<Failure, A>>((resolve) => {
      signal.addEventListener("abort", () => resolve(Either.left(interrupted)), { once: true });
    });
    return Promise.race([task(), pressed]);
  };
}

/** Yields to the event loop: signals, timers and the release of memory wait for that, and a loop that computes never yields by itself. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
