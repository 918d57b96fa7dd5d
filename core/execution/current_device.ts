/**
 * Which device computes: chosen once when the library is loaded, changed by `setDevice`.
 *
 * A real GPU if there is one, else all CPU cores; `COTANGENT_DEVICE` overrides (if the environment may be read: nothing is asked for).
 *
 * @module
 */
import { argument, aString, flag, type Kind, kindOf } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { DeviceError } from "../errors.ts";
import { quoted } from "../quoted.ts";
import { readEnv } from "../env.ts";
import { nearestName } from "../spelling.ts";
import type { Device, DeviceName } from "../values/device.ts";
import { debugProfile } from "../devices/profile.ts";
import type { WasmDeviceOptions } from "../devices/wasm/device.ts";
import { anyLibrary, isGranted } from "../permissions.ts";
import { deno } from "../runtime.ts";
import { hasRealAdapter } from "../devices/webgpu/adapter.ts";
import "../devices/webgpu/open_reads.ts";
import { systemMayHaveGpu } from "./system_gpu.ts";

/** Options of `setDevice`. */
export interface DeviceOptions {
  /** Threads of `wasm`. Default: all cores. */
  readonly threads?: number;
  /**
   * Whether the innermost loops of `wasm` may be machine code, called through Deno's FFI: where all of FFI is granted (`--allow-ffi`,
   * nothing is asked for) on an x64 processor with AVX2 under Linux (macOS untested). Elsewhere they are WebAssembly; `deviceInfo` tells.
   * Default: whether COTANGENT_NATIVE is 1.
   */
  readonly native?: boolean;
}

const threadCount: Kind<number> = kindOf(
  "an integer from 1 to 1024",
  (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 1024,
  "number",
);
const deviceOptions = optionTable<DeviceOptions>({ threads: threadCount, native: flag });

const names: readonly DeviceName[] = ["webgpu", "wasm", "reference"];

let current: Device | undefined;

/** Why there is none: the one that COTANGENT_DEVICE names cannot be had. */
let failure: DeviceError | undefined;

/**
 * The device that computes from now on.
 *
 * @throws {DeviceError} If COTANGENT_DEVICE names none that can be had, and no other has been chosen since.
 */
export function currentDevice(): Device {
  if (current) return current;
  throw failure;
}

/** Chooses a device that was made elsewhere: tests compare several in one process. */
export function useDevice(device: Device): void {
  current = device;
}

/** Where threads are started by the event loop, their start is awaited here: no call could wait for them later. */
async function makeWasm({ threads, native }: DeviceOptions): Promise<Device> {
  const options: WasmDeviceOptions = {
    threads,
    profile: debugProfile("wasm"),
    native: native && isGranted(anyLibrary) ? (await import("../devices/wasm/native/native.ts")).openNative : undefined,
  };
  const device = (await import("../devices/wasm/device.ts")).createWasmDevice(options);
  return deno ? device : await device.started();
}

/** A device's code is loaded when it is chosen: what is not used costs no time at the start. */
async function make(name: DeviceName, options: DeviceOptions): Promise<Device> {
  switch (name) {
    case "webgpu":
      return await (await import("../devices/webgpu/device.ts")).createWebgpuDevice({
        software: !await hasRealAdapter(),
        profile: debugProfile(name),
      });
    case "wasm":
      return await makeWasm(options);
    case "reference":
      return (await import("../devices/reference/device.ts")).createReferenceDevice();
  }
}

const made = new Map<string, Device>();

/**
 * Chooses the device: "webgpu" (Deno's GPU, a software adapter if that is all there is), "wasm" (all CPU cores), "reference" (slow and
 * exact, for tests), or "auto" (a real GPU if there is one, else wasm). Tensors made before stay usable. On Linux, "auto" asks for a GPU
 * only if `/dev` has a file of one.
 *
 * ```ts
 * import { deviceInfo, setDevice } from "../../mod.ts";
 * await setDevice("wasm");
 * console.log(deviceInfo().name); // wasm
 * ```
 *
 * @throws {DeviceError} If this machine has no such device: the message says how to get one, and the device in use stays.
 */
export async function setDevice(name: DeviceName | "auto", options: DeviceOptions = {}): Promise<void> {
  argument<string>(name, aString, "name", "setDevice");
  checkOptions(options, deviceOptions, "setDevice");
  if (name !== "auto" && !names.includes(name)) {
    const nearest = nearestName(String(name), names);
    const meant = nearest === undefined ? "" : `did you mean ${nearest}? `;
    throw new DeviceError(`Cannot use device ${quoted(name)}: ${meant}there are auto, ${names.join(", ")}`, {
      device: name,
    });
  }
  const chosen = name === "auto" ? (systemMayHaveGpu() && await hasRealAdapter() ? "webgpu" : "wasm") : name;
  const { threads, native = readEnv("COTANGENT_NATIVE") === "1" } = options;
  const key = `${chosen}:${threads ?? ""}:${native}`;
  const known = made.get(key);
  const device = known && !known.isLost ? known : await make(chosen, { threads, native });
  made.set(key, device);
  current = device;
}

/** What `deviceInfo` returns. */
export interface DeviceInfo {
  /** "webgpu", "wasm" or "reference". */
  readonly name: DeviceName;
  /** The adapter, or the number of threads and what the innermost loops are. */
  readonly description: string;
  /** Memory that buffers take on the device. */
  readonly bytesInUse: number;
}

/**
 * The device in use: its name, a description and its memory in use.
 *
 * ```ts
 * import { deviceInfo } from "../../mod.ts";
 * const { name, description } = deviceInfo();
 * console.log(name, description);
 * ```
 */
export function deviceInfo(): DeviceInfo {
  const { name, description, bytesInUse } = currentDevice();
  return { name, description, bytesInUse };
}

/** A wrong variable fails no import: a program may still print its help, or choose another device. */
async function chooseFirst(): Promise<void> {
  const wanted = readEnv("COTANGENT_DEVICE");
  if (wanted === undefined) return await setDevice("auto");
  try {
    await setDevice(wanted as DeviceName | "auto");
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    failure = new DeviceError(`COTANGENT_DEVICE=${wanted}: ${error.message}`, error.facts);
    // Where it was found out says nothing of where it was set.
    failure.stack = `${failure.name}: ${failure.message}`;
  }
}

await chooseFirst();
