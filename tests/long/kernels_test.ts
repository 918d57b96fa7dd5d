/**
 * Every kernel case on `webgpu`, with the kernels for GPUs and with those for software adapters: the quick tests run a share of them
 * (`core/devices/webgpu/share_of_kernels.ts`).
 */
import { testKernels } from "../core/devices/kernels.ts";
import { testCutUp } from "../core/devices/webgpu/cut_up.ts";
import { testTilings } from "../core/devices/webgpu/tilings.ts";
import { webgpu } from "../support/devices.ts";

if (!(webgpu instanceof Error)) { for (const each of webgpu) testKernels(each); }
testCutUp("hardware");
testCutUp("software");
testTilings();
