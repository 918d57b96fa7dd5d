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
    // A device for this test alone, as options differ: the one of other tests keeps what it holds.
    const choose = () => setDevice("webgpu", { threads: 1 });
    const opened: GPUDevice[] = [];
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (...args) {
      const device = await requestDevice.apply(this, args);
      opened.push(device);
      return device;
    };
    try {
      const double = jit((x: Tensor) => mul(x, 2));
      await choose();
      const there = realize(double(ones([100])));
      opened[0].destroy();
      await opened[0].lost;
      const isLost = (error: unknown) =>
        error instanceof DeviceError && /the device was lost .*setDevice opens another/.test(error.message);
      await assert.rejects(async () => await toArray(there), isLost);
      await assert.rejects(async () => await toArray(double(tensor([1, 2]))), isLost);
      await choose();
      assert.deepEqual(await toArray(double(tensor([1, 2]))), [2, 4]);
      assert.equal(opened.length, 2);
      await assert.rejects(async () => await toArray(add(there, 1)), isLost);
      await setDevice("wasm");
      assert.deepEqual(await toArray(double(tensor([1, 2]))), [2, 4]);
    } finally {
      GPUAdapter.prototype.requestDevice = requestDevice;
    }
  },
});
