/**
 * The laws of composition (tests/core/grad/compositions_test.ts) with thousands of programs: each three transforms, any four, on every
 * device. COTANGENT_SEED=7 tries others.
 */
import { allLists, checkAny, checkEach } from "../core/grad/compositions/check.ts";
import { testDevices } from "../support/devices.ts";
import { floatsOf } from "../support/laws.ts";
import { reference } from "../support/run_case.ts";

const seed = Number(Deno.env.get("COTANGENT_SEED") ?? 1000);

const exact = { device: reference, float: "f64", seed } as const;

Deno.test("each transform of each other, 40 programs each", () => checkEach(allLists(2), { ...exact, count: 40 }));
Deno.test("each three transforms, 4 programs each", () => checkEach(allLists(3), { ...exact, count: 4 }));
Deno.test("any four transforms, 1000 programs", () => checkAny(4, { ...exact, count: 1000 }));

for (const { name, device } of [{ name: "the reference", device: reference }, ...testDevices]) {
  for (const float of floatsOf(device)) {
    const count = name.startsWith("webgpu") ? 300 : 2000;
    Deno.test(`two transforms in ${float} on ${name}, ${count} programs`, () => checkAny(2, { device, float, seed, count }));
    Deno.test(`three transforms in ${float} on ${name}, ${count / 2} programs`, () =>
      checkAny(3, { device, float, seed, count: count / 2 }));
  }
}
