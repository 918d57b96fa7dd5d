/**
 * Whether there may be a GPU: what is no GPU's file, and never "no" where WebGPU has one.
 *
 * @module
 */
import assert from "node:assert/strict";
import { hasRealAdapter } from "../../../core/devices/webgpu/adapter.ts";
import { isGpuFile, systemMayHaveGpu } from "../../../core/execution/system_gpu.ts";

Deno.test("the files of GPUs are told from other devices' files", () => {
  const gpus = [
    "dri",
    "nvidia0",
    "nvidiactl",
    "nvidia-uvm",
    "kfd",
    "dxg",
    "nvhost-gpu",
    "nvmap",
    "mali0",
    "kgsl-3d0",
    "pvrsrvkm",
  ];
  const others = ["drm_dp_aux0", "null", "vga_arbiter", "fb0", "kmsg", "kvm", "nvme0", "nvram", "mapper", "dma_heap", "vcs"];
  assert.deepEqual(gpus.filter((name) => !isGpuFile(name)), []);
  assert.deepEqual(others.filter(isGpuFile), []);
});

Deno.test("where WebGPU has a real adapter, the system has its file", async () => {
  assert(systemMayHaveGpu() || !await hasRealAdapter());
});

Deno.test("where /dev may not be read, there may be a GPU", { permissions: {} }, () => {
  assert(systemMayHaveGpu());
});
