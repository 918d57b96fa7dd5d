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

/** Chooses the device; auto is the one that the library has chosen when it was loaded. */
export function chooseDevice({ device, threads }: DeviceFlags): TaskEither.TaskEither<Failure, void> {
  return guarded(async () => {
    const name = device === "auto" ? deviceInfo().name : device;
    if (threads !== undefined && name !== "wasm") {
      return Either.left(misused(`error: option '--threads' is for the device wasm, and this is ${name}`));
    }
    if (device !== "auto" || threads !== undefined) await setDevice(name, { threads });
    return Either.right(undefined);
  });
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
