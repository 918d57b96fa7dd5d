/**
 * Ctrl-C, and the other signals that ask a program to end, as a signal that it checks where it can stop.
 *
 * @module
 */
import { Either, type TaskEither } from "../../deps.ts";
import { type Failure, interrupted } from "./failure.ts";

/**
 * Signals that ask a program to end, with their numbers. SIGQUIT (Ctrl-\) is not among them: it ends a program that computes, and does not
 * look at signals, at once.
 */
const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Signal = keyof typeof numbers;

/** Those that are listened to here. */
function watched(): readonly Signal[] {
  if (Deno.build.os === "windows") return ["SIGINT"];
  // Without a terminal there is none that can hang up, and nohup has SIGHUP ignored, which a listener would end.
  const onTerminal = [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
  return onTerminal ? ["SIGINT", "SIGTERM", "SIGHUP"] : ["SIGINT", "SIGTERM"];
}

/** Whether the program was asked to end; dispose of it when that no longer matters. */
export interface Interrupt extends Disposable {
  /** Aborted by the first signal; the reason is the `Failure` to end with. */
  readonly signal: AbortSignal;
}

/** From now on the first of the signals aborts, and a second one ends the program at once. */
export function watchInterrupt(): Interrupt {
  const controller = new AbortController();
  const listeners = watched().map((name) => {
    const ending = interrupted(name, 128 + numbers[name]);
    const listener = () => {
      if (controller.signal.aborted) Deno.exit(ending.exitCode);
      controller.abort(ending);
    };
    Deno.addSignalListener(name, listener);
    return () => Deno.removeSignalListener(name, listener);
  });
  return { signal: controller.signal, [Symbol.dispose]: () => listeners.forEach((remove) => remove()) };
}

/** A task that is given up when the signal is aborted. */
export function orInterrupted<A>(
  signal: AbortSignal,
  task: TaskEither.TaskEither<Failure, A>,
): TaskEither.TaskEither<Failure, A> {
  return () => {
    const aborted = new Promise<Either.Either<Failure, A>>((resolve) => {
      signal.addEventListener("abort", () => resolve(Either.left(signal.reason)), { once: true });
    });
    return Promise.race([task(), aborted]);
  };
}

/**
 * Yields to the event loop: signals, timers and the release of memory wait for that, and a loop that computes never yields by itself. It
 * waits for a timer: Deno looks for signals where it waits, and else, after `setImmediate`, only every 61st time, seconds later.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
