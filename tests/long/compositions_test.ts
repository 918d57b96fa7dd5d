/**
 * The laws of composition (tests/core/grad/compositions_test.ts) with thousands of programs: each three transforms, any four, on every
 * device. COTANGENT_SEED=7 tries others.
 */
import { allLists, checkAny, checkEach } from "../core/grad/compositions/check.ts";
import { testDevices } from "../support/devices.ts";
import { reference } from "../support/run_case.ts";

const seed = Number(Deno.env.get("COTANGENT_SEED") ?? 1000);

Deno.test("each transform of each other, 40 programs each", () => checkEach(allLists(2), { device: reference, seed, count: 40 }));
Deno.test("each three transforms, 4 programs each", () => checkEach(allLists(3), { device: reference, seed, count: 4 }));
Deno.test("any four transforms, 1000 programs", () => checkAny(4, { device: reference, seed, count: 1000 }));

for (const { name, device } of testDevices) {
  const count = name.startsWith("webgpu") ? 300 : 3000;
  Deno.test(`any two transforms on ${name}, ${count} programs`, () => checkAny(2, { device, seed, count }));
  Deno.test(`any three transforms on ${name}, ${count / 2} programs`, () => checkAny(3, { device, seed, count: count / 2 }));
}
