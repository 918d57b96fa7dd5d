/**
 * GPU errors made visible.
 *
 * WebGPU reports errors late and elsewhere: a wrong shader gives zeros. Errors that no scope caught, and the loss of the device, are
 * kept here and thrown by the next call; what a scope caught is known at once where the runtime has settled it already.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";

/** What went wrong on one device and has not been reported yet. */
export class Failures {
  readonly #device: GPUDevice;
  #pending: string | undefined;
  #lost: string | undefined;
  #closing = false;

  constructor(device: GPUDevice) {
    this.#device = device;
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.report((event as GPUUncapturedErrorEvent).error.message);
    });
    device.lost.then(({ reason, message }) => {
      if (!this.#closing) this.#lost = `${reason || "unknown reason"}: ${message}`;
    });
  }

  /** Whether the device was lost, and not by closing it. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Remembers a failure for the next `check`; the first one counts. */
  report(message: string): void {
    this.#pending ??= message.trim();
  }

  /** From now on the loss of the device is intended. */
  close(): void {
    this.#closing = true;
  }

  /**
   * Throws what has gone wrong since the last check.
   *
   * @throws {DeviceError} If the device was lost, or an earlier operation failed.
   */
  check(): void {
    if (this.#lost !== undefined) {
      throw new DeviceError(
        `Cannot use webgpu: the device was lost (${this.#lost}), and what it held; setDevice opens another`,
        { lost: this.#lost },
      );
    }
    if (this.#pending === undefined) return;
    const message = this.#pending;
    this.#pending = undefined;
    throw new DeviceError(`An earlier operation on webgpu failed: ${message}`, { message });
  }

  /**
   * Runs `make` in an error scope.
   *
   * @param onLate Is told of an error that comes later, and which is then reported by itself: what was made is of no use.
   * @returns What was made, and the error if there was one and it is known already.
   */
  guard<T>(
    filter: GPUErrorFilter,
    make: () => T,
    onLate: (made: T, error: string) => void,
  ): { made: T; error: string | undefined } {
    this.#device.pushErrorScope(filter);
    let verdict: Promise<GPUError | null>;
    let made: T;
    try {
      made = make();
    } finally {
      verdict = this.#device.popErrorScope();
    }
    const error = settledError(verdict);
    if (error !== undefined) verdict.catch(() => {});
    else {
      verdict.then((late) => {
        if (!late) return;
        this.report(late.message);
        onLate(made, late.message);
      }, () => {});
    }
    return { made, error };
  }
}

/**
 * The error a promise is already settled with, without waiting for the event loop: a synchronous caller could not learn of it
 * otherwise. Deno shows the state of a promise when printing it.
 */
function settledError(verdict: Promise<GPUError | null>): string | undefined {
  if (typeof Deno === "undefined") return undefined;
  const shown = Deno.inspect(verdict, { strAbbreviateSize: 100_000 });
  if (!/Error/.test(shown)) return undefined;
  // The message is shown as one or several quoted strings.
  const strings = [...shown.matchAll(/"(?:[^"\\]|\\[^x])*"/g)].map(([text]) => JSON.parse(text) as string);
  return strings.join("").trim() || shown;
}
