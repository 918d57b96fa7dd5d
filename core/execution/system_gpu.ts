/**
 * Whether the system has a GPU at all, found out without WebGPU: to be asked for adapters it loads every driver that is installed, a
 * software one among them, which takes longer than loading the library.
 *
 * Where `/dev` may not be read, nothing tells, and drivers are loaded. Without a session of a user (XDG_RUNTIME_DIR is not set), as in
 * containers, Mesa's may then complain of a missing display on the error stream: only the environment keeps them from it, which may not be
 * set without a permission either (`devices/webgpu/adapter.ts` sets it where it may).
 *
 * @module
 */
import { isGranted, reading } from "../permissions.ts";
import { deno } from "../runtime.ts";

/** Device files of Linux by which programs use a GPU: of the kernel's drivers, of NVIDIA, AMD, Windows' subsystem, and of phones. */
const gpuFile = /^(dri|nvidia.*|kfd|dxg|nvhost.*|nvmap|mali.*|kgsl.*|pvr.*|galcore.*)$/;

/** Whether a file of this name in `/dev` is a GPU's. */
export function isGpuFile(name: string): boolean {
  return gpuFile.test(name);
}

/** False only where it is sure that there is none: on Linux, if `/dev` may be read. Nothing is asked for. */
export function systemMayHaveGpu(): boolean {
  if (deno?.build.os !== "linux" || !isGranted(reading("/dev"))) return true;
  try {
    return [...deno.readDirSync("/dev")].some(({ name }) => isGpuFile(name));
  } catch {
    return true;
  }
}
