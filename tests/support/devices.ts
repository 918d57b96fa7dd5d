/**
 * The devices that tests compare with the reference: whichever this machine has, in the forms that take different ways inside.
 *
 * @module
 */
import type { Device } from "../../core/values/device.ts";
import { flushedSize } from "./close.ts";
import { isLong } from "./share.ts";

/** A device and what tests call it. */
export interface TestDevice {
  readonly name: string;
  readonly device: Device;
}

/** What results of a device may be off because it takes subnormal numbers for 0: real GPUs do. */
export async function flushLoss({ name }: Pick<Device, "name">): Promise<number> {
  if (name !== "webgpu") return 0;
  const { hasRealAdapter } = await import("../../core/devices/webgpu/device.ts");
  return await hasRealAdapter() ? flushedSize : 0;
}

async function wasmDevices(): Promise<TestDevice[]> {
  const { createWasmDevice } = await import("../../core/devices/wasm/device.ts");
  // With their workers, which otherwise start with programs that are worth it.
  const make = async (threads: number) => ({
    name: `wasm, ${threads} threads`,
    device: await createWasmDevice({ threads }).started(),
  });
  return [await make(1), await make(2)];
}

/** A real adapter if there is one, else a software adapter: each with both sets of kernels. */
async function webgpuDevices(): Promise<TestDevice[]> {
  const { createWebgpuDevice, hasRealAdapter } = await import("../../core/devices/webgpu/device.ts");
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

/** The `wasm` device on one and on two threads, or why it could not be made. */
export const wasm: readonly TestDevice[] | Error = await orReason(wasmDevices);

/** The `webgpu` device, or why it could not be made (a DeviceError if there is no adapter). */
export const webgpu: readonly TestDevice[] | Error = await orReason(webgpuDevices);

/** Every device there is beside the reference. */
export const testDevices: readonly TestDevice[] = [wasm, webgpu].flatMap((found) => found instanceof Error ? [] : found);

/** Those that case `i` of a test is run on: in quick tests one form of each, in turn, and in those of `tests/long` all. */
export function devicesFor(i: number): readonly TestDevice[] {
  if (isLong) return testDevices;
  return [wasm, webgpu].flatMap((forms, bit) => forms instanceof Error ? [] : [forms[(i >> bit) % forms.length]]);
}
