/**
 * What the pool of buffers keeps: on a GPU that has no memory and counts its buffers.
 */
import assert from "node:assert/strict";
import { BufferPool } from "../../../../core/devices/webgpu/buffer_pool.ts";
import { Failures } from "../../../../core/devices/webgpu/failures.ts";

/** As much of a GPU as a pool uses. */
class CountedGpu extends EventTarget {
  readonly limits = { maxStorageBufferBindingSize: 2 ** 31, maxBufferSize: 2 ** 31 };
  readonly lost = new Promise<never>(() => {});
  destroyed = 0;

  createBuffer(): Pick<GPUBuffer, "destroy"> {
    return { destroy: () => void this.destroyed++ };
  }

  pushErrorScope(): void {}

  popErrorScope(): Promise<null> {
    return Promise.resolve(null);
  }
}

/** Takes `count` buffers of `megabytes` each, gives them all back, and says how many were destroyed. */
function destroyedOf(count: number, megabytes: number, mostUnreachable: number): number {
  const gpu = new CountedGpu();
  const device = gpu as unknown as GPUDevice;
  const pool = new BufferPool(device, new Failures(device), mostUnreachable);
  const taken = Array.from({ length: count }, () => pool.acquire(megabytes * 2 ** 20));
  for (const memory of taken) pool.release(memory);
  return gpu.destroyed;
}

Deno.test("the pool keeps all that a collection gives back at once", () => {
  assert.equal(destroyedOf(16, 64, 2 ** 30), 0);
  assert.equal(destroyedOf(4, 64, 2 ** 23), 0);
});

Deno.test("what lies idle beyond that is destroyed", () => {
  assert.equal(destroyedOf(20, 64, 2 ** 30), 4);
  assert.equal(destroyedOf(20, 64, 2 ** 23), 16);
});
