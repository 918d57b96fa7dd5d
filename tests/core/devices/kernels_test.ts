/**
 * Every kernel case: the reference against answers known by hand, the other devices against the reference.
 *
 * @module
 */
import { fromHostArray } from "../../../core/dtype.ts";
import { assertClose } from "../../support/close.ts";
import { testDevices } from "../../support/devices.ts";
import { kernelCases } from "../../support/kernel_cases/mod.ts";
import { canRun, checkCase, expectedOf, reference } from "../../support/run_case.ts";

for (const [topic, cases] of Object.entries(kernelCases)) {
  Deno.test(`kernels on the reference: ${topic}`, async (t) => {
    for (const one of cases) {
      await t.step(one.name, async () => {
        const outputs = await expectedOf(one);
        one.known?.forEach((known, k) => {
          const { dtype } = one.program.buffers[one.program.outputs[k]];
          assertClose(fromHostArray(dtype, outputs[k]), known, one.tolerance, `output ${k}`);
        });
      });
    }
  });

  for (const { name, device } of testDevices) {
    // Threads and adapters outlive a test: they belong to the device.
    Deno.test({ name: `kernels on ${name}: ${topic}`, sanitizeOps: false, sanitizeResources: false }, async (t) => {
      for (const one of cases.filter(({ program }) => canRun(device, program))) {
        await t.step({ name: one.name, sanitizeOps: false, sanitizeResources: false, fn: () => checkCase(device, one) });
      }
    });
  }
}

Deno.test("the reference gives its memory back", () => {
  if (reference.bytesInUse !== 0) throw new Error(`${reference.bytesInUse} bytes are still in use`);
});
