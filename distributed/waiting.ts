/**
 * Waiting for something without a way to be woken: looking again and again at first, then with pauses, so that other processes of the same
 * machine can compute.
 *
 * @module
 */
import type { Request } from "./mpi/communicator.ts";

/** How often to look before the first pause: about 50 us. */
const looks = 200;

/** Milliseconds of a pause. */
const pause = 0.05;

const never = new Int32Array(new SharedArrayBuffer(4));

/** Waits until a request has ended, at most `seconds`; whether it has. */
export function waitFor(request: Request, seconds: number): boolean {
  let end: number | undefined;
  for (let look = 0; !request.test(); look++) {
    if (look < looks) continue;
    Atomics.wait(never, 0, 0, pause);
    end ??= performance.now() + seconds * 1000;
    if (performance.now() > end) return false;
  }
  return true;
}
