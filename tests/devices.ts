/**
 * The devices that tests compare with the reference: whichever this machine has, in the forms that take different ways inside.
 *
 * @module
 */
import type { Device } from "../core/runtime/device.ts";
import { readEnv } from "../core/runtime/env.ts";
import { createReferenceDevice } from "../core/runtime/reference.ts";

/** A device and what tests call it. */
export interface TestDevice {
  readonly name: string;
  readonly device: Device;
}

/** The oracle. */
export const reference: Device = createReferenceDevice();

async function wasmDevices(): Promise<TestDevice[]> {
  const { createWasmDevice } = await import("../core/runtime/wasm/device.ts");
  return [1, 2].map((threads) => ({ name: `wasm, ${threads} threads`, device: createWasmDevice({ threads }) }));
}

/** A real adapter if there is one, else a software adapter: each with both sets of kernels. */
async function webgpuDevices(): Promise<TestDevice[]> {
  const { createWebgpuDevice, hasRealAdapter } = await import("../core/runtime/webgpu/device.ts");
  const software = !await hasRealAdapter();
  const make = async (tuning: "hardware" | "software") => ({
    name: `webgpu, ${tuning} kernels`,
    device: await createWebgpuDevice({ software, tuning }),
  });
  return [await make("hardware"), await make("software")];
}

/** The devices, or why there is none. */
async function orReason(make: () => Promise<TestDevice[]>): Promise<TestDevice[] | Error> {
  try {
    return await make();
  } catch (error) {
    return error as Error;
  }
}

const requireWebgpu = readEnv("COTANGENT_REQUIRE_WEBGPU") === "1";
const wasm = await orReason(wasmDevices);
const webgpu = await orReason(webgpuDevices);

/** Every device there is beside the reference. */
export const testDevices: readonly TestDevice[] = [wasm, webgpu].flatMap((found) => found instanceof Error ? [] : found);

Deno.test("wasm is there", () => {
  if (wasm instanceof Error) throw wasm;
});

Deno.test({
  name: webgpu instanceof Error ? `webgpu is not tested here: ${webgpu.message}` : "webgpu is there",
  ignore: webgpu instanceof Error && !requireWebgpu,
  fn: () => {
    if (webgpu instanceof Error) throw webgpu;
  },
});
