/**
 * Memory of long training loops: the resident memory of a process stays what it was when its heap had found its size.
 *
 * The loops are processes of their own (`memory_loop.ts`), so that nothing but the loop grows. Without jit a loop builds a graph at every
 * step and has its size after a hundred steps; a jitted one makes so little garbage that it takes a thousand. A leak of one set of
 * parameters per step would be 67 kB, of which the quick loops find a fifth, long ones without jit a twentieth, and those with jit 200 bytes.
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

/** An idle machine stays below 5 %. V8 lets the heap grow while it marks, which other processes can make last. */
const tolerance = 0.1;

/** What leaks does so every time. */
const attempts = 3;

/** How many steps the loops are long, and from which on their memory is watched. */
export interface Lengths {
  readonly jit: readonly [first: number, last: number];
  readonly eager: readonly [first: number, last: number];
}

/** Loops with and without jit, those that wait for each loss, and those that never let the event loop turn. */
const loops = [["jit", "synchronous"], ["eager", "awaits"], ["jit", "awaits"], ["eager", "synchronous"]] as const;

/** Tests loops of these lengths, the first `count` of their kinds. */
export function testMemory(lengths: Lengths, count: number = loops.length): void {
  for (const [how, rhythm] of loops.slice(0, count)) {
    const [first, last] = lengths[how];
    Deno.test(`resident memory stays flat: wasm, ${how}, ${rhythm}, steps ${first} to ${last}`, async () => {
      const seen: string[] = [];
      for (let attempt = 0; attempt < attempts; attempt++) {
        const { early, late, loss } = await measure("wasm", `${last}`, how, rhythm, `${first}`);
        assert.ok(Number.isFinite(loss));
        if (late <= early * (1 + tolerance)) return;
        seen.push(`${(early / 1e6).toFixed(0)} MB became ${(late / 1e6).toFixed(0)} MB`);
      }
      assert.fail(seen.join(", "));
    });
  }
}
