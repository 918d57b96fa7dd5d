/**
 * What a device is: somewhere to keep buffers and to run programs. The three devices implement this and nothing more.
 *
 * @module
 */
import type { DType, HostArray } from "../dtype.ts";
import type { Program } from "../ir/program.ts";
import type { Target } from "../ir/target.ts";

/** The names of the devices. */
export type DeviceName = "webgpu" | "wasm" | "reference";

/** Memory on a device that holds `size` elements of `dtype`. */
export interface DeviceBuffer {
  readonly dtype: DType;
  readonly size: number;
}

/** A program made ready to run on one device. */
export interface Executable<B extends DeviceBuffer = DeviceBuffer> {
  /**
   * Runs the program and returns one buffer per output; may return before the device has finished.
   *
   * An input may be a device buffer or a host array (a batch, a scalar), which is copied before `run` returns and leaves nothing
   * behind. Outputs are fresh buffers, except those that overwrite a donated input, where the input's own buffer is returned (for a
   * host array given in its place: a fresh buffer).
   */
  run(inputs: readonly (B | HostArray)[]): B[];
  /**
   * The same for a caller that has something else to do meanwhile: the function that it gives waits, and returns the outputs or throws what
   * failed in the run. The device may be used in between, but does not go on while it is. Missing where it would be no gain.
   */
  begin?(inputs: readonly (B | HostArray)[]): () => B[];
  /** Frees what the executable holds. It must not be run afterwards. */
  destroy(): void;
}

/** See {@link Device.leastBudget}, where memory is the computer's own. */
export const leastHostBudget: number = 8 * 2 ** 20;

/** A device. */
export interface Device<B extends DeviceBuffer = DeviceBuffer> extends Target {
  readonly name: DeviceName;
  /** For people: the adapter's name, the number of threads. */
  readonly description: string;
  /** Whether it has gone (a GPU whose driver ended, say) and another must be opened. Most devices never do. */
  readonly isLost?: boolean;
  /** Makes a program ready. The work is paid here, not in `run`. */
  compile(program: Program): Executable<B>;
  /** Copies host values (bool as 0 / 1 in a Uint8Array) to a new buffer. */
  upload(dtype: DType, values: HostArray): B;
  /** Copies a buffer to the host, after all that was run before. */
  download(buffer: B): Promise<HostArray>;
  /** The same without waiting for the event loop, or undefined where the device cannot. */
  downloadNow(buffer: B): HostArray | undefined;
  /** Whether `downloadNow` always can, for no more than the copy, and changes nothing: small values are then better off on the host. */
  readonly readsFreely: boolean;
  /** A new buffer with the same values. */
  copy(buffer: B): B;
  /** Gives the memory back. Safe to call while programs that use it are still running. */
  free(buffer: B): void;
  /** Bytes of device memory in use by buffers of values, for reports and for the budget: not what programs need in between. */
  readonly bytesInUse: number;
  /** Bytes of values that are never too many: beyond a budget of at least that, some move to the host. */
  readonly leastBudget: number;
}
