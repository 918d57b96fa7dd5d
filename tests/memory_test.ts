/**
 * Memory of long training loops: the resident memory of a process stays what it was after the first tenth of the steps.
 *
 * The loops are processes of their own (`memory_loop.ts`), so that nothing but the loop grows. V8's own heap needs a while to find its
 * size; the tolerance is for that: a leak of one set of parameters per step would be 70 MB in a thousand steps.
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
  { args: ["wasm", "5000", "jit", "awaits"], growth: 0.1 },
  { args: ["wasm", "5000", "jit", "synchronous"], growth: 0.1 },
  { args: ["wasm", "1000", "eager", "awaits"], growth: 0.25 },
  { args: ["wasm", "1000", "eager", "synchronous"], growth: 0.25 },
] as const;

for (const { args, growth } of loops) {
  Deno.test(`resident memory stays flat: ${args.join(" ")}`, async () => {
    const { early, late, loss } = await measure(...args);
    assert.ok(Number.isFinite(loss));
    assert.ok(late <= early * (1 + growth), `${(early / 1e6).toFixed(0)} MB became ${(late / 1e6).toFixed(0)} MB`);
  });
}
