/**
 * Immediate reads leave promises, which only the event loop settles some milliseconds later. Nobody waits for them, but a test that
 * ends before would be reported to leak them (`deno test --sanitize-ops`, once the default). So under `deno test` each test
 * waits until there are none. That is asked for when the library is loaded, since hooks that come later are not called.
 *
 * @module
 */
import { deno } from "../../runtime.ts";

let open = 0;

/** How many are not settled. */
export function openReads(): number {
  return open;
}

/** Counts a promise until it is settled. */
export function countRead(promise: Promise<unknown>): void {
  const settled = () => void open--;
  open++;
  promise.then(settled, settled);
}

/**
 * Waits until at most so many are open. The event loop settles some in each turn, and looks at them only if a timer is due.
 */
export async function untilReadsAre(most: number): Promise<void> {
  while (open > most) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}

// Older versions of Deno, and its workers, have no such hooks. Outside tests they do nothing.
deno?.test?.beforeAll?.(() => untilReadsAre(0));
deno?.test?.afterEach?.(() => untilReadsAre(0));
