/**
 * Functions made of operations, held to all laws.
 *
 * @module
 */
import type { Tolerance } from "./close.ts";
import { devicesFor } from "./devices.ts";
import { checkDerivatives, checkDevice, checkVmap, isDifferentiable, type Subject } from "./laws.ts";

/** How near devices come to the reference, by type. */
export type Tolerances = Readonly<Record<string, Tolerance>>;

/** For functions of up to a hundred operations that sum up to a hundred terms of the order of one. */
const sums: Tolerances = {
  f32: { relative: 2e-5, absolute: 2e-5 },
  f64: { relative: 1e-11, absolute: 1e-11 },
};

/** For elements that are moved, and few of them summed. */
export const moves: Tolerances = {
  f32: { relative: 2e-6, absolute: 2e-6 },
  f64: { relative: 1e-14, absolute: 1e-14 },
};

/** Registers a test per function: derivatives of order 2 where there are any, vmap against a loop, jit against plain, devices. */
export function testSubjects(subjects: readonly Subject[], tolerances: Tolerances = sums): void {
  for (const [i, subject] of subjects.entries()) {
    Deno.test(`${subject.name}: derivatives, vmap, jit, devices`, async () => {
      if (isDifferentiable(subject)) await checkDerivatives(subject);
      await checkVmap(subject, 3);
      for (const { device } of devicesFor(i)) await checkDevice(subject, device, tolerances);
    });
  }
}
