/**
 * The same seed on `wasm` and on `webgpu`: many steps of `cnn` have the same losses, but for rounding.
 *
 * @module
 */
import assert from "node:assert/strict";
import { trainingStep } from "../../../bench/training_step.ts";
import { type DeviceName, setDevice } from "../../../mod.ts";
import { deviceNames } from "../../support/each_device.ts";
import { isLong } from "../../support/share.ts";

const steps = isLong ? 50 : 15;

async function losses(device: DeviceName): Promise<number[]> {
  await setDevice(device);
  const step = trainingStep("cnn", 64);
  const found: number[] = [];
  for (let i = 0; i < steps; i++) found.push(await step());
  return found;
}

Deno.test(`${steps} steps of cnn on wasm and webgpu agree within 1e-3`, { ignore: !deviceNames.includes("webgpu") }, async () => {
  const [onCpu, onGpu] = [await losses("wasm"), await losses("webgpu")];
  assert.ok(onCpu[steps - 1] < onCpu[0], "the loss falls");
  onCpu.forEach((loss, i) => assert.ok(Math.abs(loss - onGpu[i]) <= 1e-3 * loss, `step ${i}: ${loss} and ${onGpu[i]}`));
});
