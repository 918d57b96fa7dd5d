/**
 * Tests of many cases. A step of Deno takes longer than most cases do, since the runner waits twice until all that was printed has
 * been read.
 *
 * @module
 */
import assert from "node:assert/strict";

/** How many failures are told whole. */
const shown = 10;

/** Runs all cases one after the other, whichever fail, and then throws what failed, with the names. */
export async function eachCase<T>(
  cases: Iterable<T>,
  nameOf: (one: T) => string,
  run: (one: T) => void | Promise<void>,
): Promise<void> {
  const failed: string[] = [];
  let count = 0;
  for (const one of cases) {
    count++;
    try {
      await run(one);
    } catch (error) {
      failed.push(failed.length < shown ? `${nameOf(one)}: ${error instanceof Error ? error.stack : error}` : nameOf(one));
    }
  }
  assert.ok(failed.length === 0, `${failed.length} of ${count} cases fail\n\n${failed.join("\n\n")}`);
}
