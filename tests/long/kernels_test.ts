/**
 * Every kernel case on `webgpu`, with the kernels for GPUs and with those for software adapters: the quick tests run a third of those
 * whose shaders take long to compile.
 */
import { testKernels } from "../core/devices/kernels.ts";
import { webgpu } from "../support/devices.ts";

if (!(webgpu instanceof Error)) { for (const each of webgpu) testKernels(each); }
