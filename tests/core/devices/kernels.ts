/**
 * Registers kernel cases as tests of a device.
 *
 * @module
 */
import type { TestDevice } from "../../support/devices.ts";
import { eachCase } from "../../support/each_case.ts";
import { type KernelCase, kernelCases } from "../../support/kernel_cases/mod.ts";
import { canRun, checkCase } from "../../support/run_case.ts";

/** Which cases of a topic are run; by default all. */
export type Choice = (cases: readonly KernelCase[], topic: string) => readonly KernelCase[];

/** Tests the cases of every topic on a device, against the reference. */
export function testKernels({ name, device }: TestDevice, choose: Choice = (cases) => cases): void {
  for (const [topic, cases] of Object.entries(kernelCases)) {
    // Threads and adapters outlive a test: they belong to the device.
    Deno.test({ name: `kernels on ${name}: ${topic}`, sanitizeOps: false, sanitizeResources: false }, () => {
      const chosen = choose(cases, topic).filter(({ program }) => canRun(device, program));
      return eachCase(chosen, ({ name }) => name, (one) => checkCase(device, one));
    });
  }
}
