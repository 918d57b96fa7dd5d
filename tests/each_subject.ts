/**
 * Functions made of operations, held to all laws.
 *
 * @module
 */
import type { Tolerance } from "./close.ts";
import { testDevices } from "./devices.ts";
import { checkDerivatives, checkDevice, checkVmap, isDifferentiable, type Subject } from "./laws.ts";

/** Functions of up to a hundred operations that sum up to a hundred terms of the order of one. */
const tolerances: Readonly<Record<string, Tolerance>> = {
  f32: { relative: 2e-5, absolute: 2e-5 },
  f64: { relative: 1e-11, absolute: 1e-11 },
};

/** Registers a test per function: derivatives of order 2 where there are any, vmap against a loop, jit against plain, every device. */
export function testSubjects(subjects: readonly Subject[]): void {
  for (const subject of subjects) {
    Deno.test(`${subject.name}: derivatives, vmap, jit, devices`, async () => {
      if (isDifferentiable(subject)) await checkDerivatives(subject);
      await checkVmap(subject, 3);
      for (const { device } of testDevices) await checkDevice(subject, device, tolerances);
    });
  }
}
