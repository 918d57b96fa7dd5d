/**
 * The device that `--device` and `--threads` name, and what the library has to complain about.
 *
 * @module
 */
import { Either, TaskEither } from "../../deps.ts";
import { CotangentError, deviceInfo, type DeviceName, setDevice } from "../../mod.ts";
import { failed, type Failure, FailureError, misused } from "./failure.ts";

/** What a command line says about the device. */
export interface DeviceFlags {
  readonly device: DeviceName | "auto";
  /** Threads of wasm. */
  readonly threads?: number;
}

/** Chooses the device, if it is not the one that the library has chosen when it was loaded. */
export function chooseDevice({ device, threads }: DeviceFlags): TaskEither.TaskEither<Failure, void> {
  const chosen = deviceInfo().name;
  const name = device === "auto" ? chosen : device;
  if (threads !== undefined && name !== "wasm") {
    return TaskEither.left(misused(`error: option '--threads' is for the device wasm, and this is ${name}`));
  }
  if (name === chosen && threads === undefined) return TaskEither.right(undefined);
  return guarded(() => setDevice(name, { threads }).then(Either.right));
}

/** Failures and errors of the library are printed without a stack; anything else is a mistake in the program. */
export function guarded<A>(run: () => Promise<Either.Either<Failure, A>>): TaskEither.TaskEither<Failure, A> {
  return () =>
    run().catch((error) => {
      if (error instanceof FailureError) return Either.left(error.failure);
      if (error instanceof CotangentError) return Either.left(failed(`${error.name}: ${error.message}`));
      throw error;
    });
}
