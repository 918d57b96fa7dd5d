/**
 * Every kernel case: the reference against answers known by hand, `wasm` against the reference. Those of `webgpu` are in its folder.
 *
 * @module
 */
import { fromHostArray } from "../../../core/dtype.ts";
import { assertClose } from "../../support/close.ts";
import { devicesFor, wasm } from "../../support/devices.ts";
import { eachCase } from "../../support/each_case.ts";
import { kernelCases } from "../../support/kernel_cases/mod.ts";
import { expectedOf, reference } from "../../support/run_case.ts";
import { testKernels } from "./kernels.ts";

for (const [topic, cases] of Object.entries(kernelCases)) {
  Deno.test(`kernels on the reference: ${topic}`, () =>
    eachCase(cases, ({ name }) => name, async (one) => {
      const outputs = await expectedOf(one);
      one.known?.forEach((known, k) => {
        const { dtype } = one.program.buffers[one.program.outputs[k]];
        assertClose(fromHostArray(dtype, outputs[k]), known, one.tolerance, `output ${k}`);
      });
    }));
}

// In quick tests a case is run with one number of threads.
for (const each of wasm instanceof Error ? [] : wasm) {
  testKernels(each, (cases) => cases.filter((_, i) => devicesFor(i + (i >> 1)).includes(each)));
}

Deno.test("the reference gives its memory back", () => {
  if (reference.bytesInUse !== 0) throw new Error(`${reference.bytesInUse} bytes are still in use`);
});
