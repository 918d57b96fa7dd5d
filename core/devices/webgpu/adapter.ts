/**
 * Finding an adapter, and the limits to ask of it.
 *
 * @module
 */
import { DeviceError } from "../../errors.ts";
import { isGranted, variable } from "../../permissions.ts";
import { deno } from "../../runtime.ts";

/** Which adapter is wanted. */
export interface AdapterOptions {
  /** Ask for a software adapter (a processor acting as a GPU) instead of a real one. */
  readonly software?: boolean;
}

const howToGetOne = "install a Vulkan driver for your card (Debian: mesa-vulkan-drivers, which has a software adapter, too, " +
  "or nvidia-driver), or use the wasm device";

/**
 * The adapter to use: a real one, or a software one if that is asked for.
 *
 * @throws {DeviceError} If there is none; the message says how to get one.
 */
export async function findAdapter(options: AdapterOptions = {}): Promise<GPUAdapter> {
  const software = options.software ?? false;
  const adapter = await requestAdapter(software);
  if (!adapter) {
    throw new DeviceError(
      `Cannot use webgpu: there is no ${software ? "adapter, not even a software one" : "GPU adapter"}; ${howToGetOne}`,
      {
        software,
      },
    );
  }
  if (!software && adapter.info.isFallbackAdapter) {
    throw new DeviceError(
      `Cannot use webgpu: the only adapter is the software adapter "${describeAdapter(adapter)}"; ${howToGetOne}`,
      { software, adapter: describeAdapter(adapter) },
    );
  }
  return adapter;
}

async function requestAdapter(software: boolean): Promise<GPUAdapter | null> {
  const gpu: GPU | undefined = navigator.gpu;
  if (!gpu) return null;
  const options: GPURequestAdapterOptions = software ? { forceFallbackAdapter: true } : { powerPreference: "high-performance" };
  return await withoutDeviceSelection(() => gpu.requestAdapter(options));
}

/**
 * Keeps Mesa's Vulkan layer that selects among devices from asking for a Wayland display where there is no session of a user, as in
 * containers: libwayland complains of that on the error stream, once for each time that devices are listed.
 */
async function withoutDeviceSelection<A>(list: () => Promise<A>): Promise<A> {
  const off = "NODEVICE_SELECT";
  const isUnset = (name: string) => isGranted(variable(name)) && !deno?.env.has(name);
  if (deno?.build.os !== "linux" || ![off, "XDG_RUNTIME_DIR"].every(isUnset)) return await list();
  deno.env.set(off, "1");
  try {
    return await list();
  } finally {
    deno.env.delete(off);
  }
}

let realAdapter: Promise<boolean> | undefined;

/** Whether there is a real GPU adapter. Asked once. */
export function hasRealAdapter(): Promise<boolean> {
  realAdapter ??= requestAdapter(false).then((adapter) => adapter !== null && !adapter.info.isFallbackAdapter, () => false);
  return realAdapter;
}

/** An adapter's name for people. */
export function describeAdapter({ info }: GPUAdapter): string {
  return info.description || [info.vendor, info.architecture, info.device].filter((part) => part).join(" ") || "unnamed adapter";
}

const wantedLimits = [
  "maxStorageBuffersPerShaderStage",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "minStorageBufferOffsetAlignment",
  "maxBindingsPerBindGroup",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** An opened adapter. */
export interface OpenedDevice {
  readonly device: GPUDevice;
  /** The size of all subgroups, if it is the same and they can broadcast; else 0. */
  readonly subgroupSize: number;
  /** Whether shaders must say that they use subgroups: in browsers; Deno's compiler knows no such line. */
  readonly enablesSubgroups: boolean;
}

/** A device with all the adapter can do of what kernels need: a plain request gives the defaults only. */
export async function openDevice(adapter: GPUAdapter): Promise<OpenedDevice> {
  // Only the kernels for software adapters broadcast.
  const { isFallbackAdapter, subgroupMinSize, subgroupMaxSize } = adapter.info;
  const fixedSize = isFallbackAdapter && subgroupMinSize === subgroupMaxSize ? subgroupMaxSize : 0;
  const device = fixedSize > 1 ? await requestDevice(adapter, ["subgroups"]).catch(() => undefined) : undefined;
  const enablesSubgroups = adapter.features.has("subgroups");
  if (device) return { device, subgroupSize: fixedSize, enablesSubgroups };
  try {
    return { device: await requestDevice(adapter, []), subgroupSize: 0, enablesSubgroups };
  } catch (cause) {
    const name = describeAdapter(adapter);
    throw new DeviceError(`Cannot open the adapter "${name}": ${cause}`, { adapter: name }, { cause });
  }
}

/** Deno does not list subgroups among an adapter's features and gives them all the same. */
async function requestDevice(adapter: GPUAdapter, features: readonly GPUFeatureName[]): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {};
  for (const name of wantedLimits) requiredLimits[name] = adapter.limits[name];
  const optional: GPUFeatureName[] = adapter.features.has("timestamp-query") ? ["timestamp-query"] : [];
  return await adapter.requestDevice({ requiredLimits, requiredFeatures: [...features, ...optional] });
}
