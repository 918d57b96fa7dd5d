/**
 * A GPU that goes away takes its values along; the device can be chosen again.
 */
import assert from "node:assert/strict";
import { add, jit, mul, ones, realize, setDevice, type Tensor, tensor, toArray } from "../../../mod.ts";
import { DeviceError } from "../../../core/errors.ts";
import { webgpu } from "../../support/devices.ts";

Deno.test({
  name: "after a GPU was lost, an error says so, and setDevice opens another",
  ignore: webgpu instanceof Error,
  // The adapter outlives a test.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    // The device in use: who opened it, and when, does not matter.
    const used = new Set<GPUDevice>();
    const { createCommandEncoder } = GPUDevice.prototype;
    GPUDevice.prototype.createCommandEncoder = function (...args) {
      used.add(this);
      return createCommandEncoder.apply(this, args);
    };
    try {
      const double = jit((x: Tensor) => mul(x, 2));
      await setDevice("webgpu");
      const there = realize(double(ones([100])));
      const [first] = used;
      first.destroy();
      await first.lost;
      const isLost = (error: unknown) =>
        error instanceof DeviceError && /the device was lost .*setDevice opens another/.test(error.message);
      await assert.rejects(async () => await toArray(there), isLost);
      await assert.rejects(async () => await toArray(double(tensor([1, 2]))), isLost);
      await setDevice("webgpu");
      assert.deepEqual(await toArray(double(tensor([1, 2]))), [2, 4]);
      assert.equal(used.size, 2);
      await assert.rejects(async () => await toArray(add(there, 1)), isLost);
      await setDevice("wasm");
      assert.deepEqual(await toArray(double(tensor([1, 2]))), [2, 4]);
    } finally {
      GPUDevice.prototype.createCommandEncoder = createCommandEncoder;
    }
  },
});
