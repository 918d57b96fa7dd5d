/**
 * Waiting for something without a way to be woken: looking again and again at first, then with pauses, so that other processes of the same
 * machine can compute.
 *
 * @module
 */
import type { Request } from "./mpi/communicator.ts";

/** Seconds to look without a pause: the library moves data only when it is asked, and a large array takes so long. */
const eager = 2e-3;

/** Seconds of a pause. */
const pause = 5e-5;

const never = new Int32Array(new SharedArrayBuffer(4));

/** Does nothing for some seconds. */
export function sleep(seconds: number): void {
  Atomics.wait(never, 0, 0, seconds * 1000);
}

/** Waits until a request has ended, at most `seconds`; whether it has. */
export function waitFor(request: Request, seconds: number): boolean {
  const started = performance.now();
  while (!request.test()) {
    const waited = (performance.now() - started) / 1000;
    if (waited > seconds) return false;
    if (waited > eager) sleep(pause);
  }
  return true;
}
