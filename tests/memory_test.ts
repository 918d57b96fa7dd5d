/**
 * Memory of long training loops: the resident memory of a process stays what it was when V8's heap had found its size.
 *
 * The loops are processes of their own (`memory_loop.ts`), so that nothing but the loop grows. Without jit every step builds a graph,
 * and the heap takes about a thousand steps to find its size. A leak of one set of parameters per step would be 70 MB in a thousand.
 *
 * @module
 */
import assert from "node:assert/strict";

interface Memory {
  readonly early: number;
  readonly late: number;
  readonly loss: number;
}

async function measure(...args: readonly string[]): Promise<Memory> {
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("memory_loop.ts", import.meta.url).href, ...args],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const loops = [
  ["wasm", "6000", "jit", "awaits", "1000"],
  ["wasm", "6000", "jit", "synchronous", "1000"],
  ["wasm", "2000", "eager", "awaits", "1000"],
  ["wasm", "2000", "eager", "synchronous", "1000"],
];

/** Mostly 2 %, but now and then V8 enlarges its young generation late. */
const tolerance = 0.15;

for (const args of loops) {
  Deno.test(`resident memory stays flat: ${args.join(" ")}`, async () => {
    const { early, late, loss } = await measure(...args);
    assert.ok(Number.isFinite(loss));
    assert.ok(late <= early * (1 + tolerance), `${(early / 1e6).toFixed(0)} MB became ${(late / 1e6).toFixed(0)} MB`);
  });
}
