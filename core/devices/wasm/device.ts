/**
 * The `wasm` device: programs run on all cores in WebAssembly with 128-bit vectors, in one shared memory.
 *
 * @module
 */
import { deviceBytes, type DType, dtypes, type HostArray, hostArray } from "../../dtype.ts";
import { DeviceError } from "../../errors.ts";
import type { Program } from "../../ir/program.ts";
import { maySleep, sharesMemory } from "../../runtime.ts";
import { type Device, leastHostBudget } from "../../values/device.ts";
import { isSmall, smallArray } from "../../values/small_array.ts";
import type { Profile } from "../profile.ts";
import { WasmBuffer } from "./buffer.ts";
import { WasmExecutable } from "./executable.ts";
import { mostBytes, SharedMemory } from "./memory.ts";
import type { NativeCode } from "./native/native.ts";
import { ThreadPool } from "./thread_pool.ts";

/** How a wasm device is made. */
export interface WasmDeviceOptions {
  /** How many threads share the work, the calling one included; all cores by default. */
  readonly threads?: number;
  /** Most bytes of memory that it takes; all that 32-bit addresses reach (4 GiB) by default. */
  readonly memoryLimit?: number;
  /** Is told the milliseconds of every kernel, which then run one by one. For finding out where the time goes. */
  readonly profile?: Profile;
  /** Makes machine code for the innermost loops, given the memory, if it can be had: `openNative`. None by default. */
  readonly native?: (memory: WebAssembly.Memory) => NativeCode | undefined;
}

const leastBytes = 2 ** 20;

/**
 * Looks at a word before sleeping: some 60 microseconds, of 4 GHz, one each cycle or so. About as long as it takes to wake a thread that
 * sleeps, so that a thread never waits for more than twice what it had to.
 */
const spinCount = 200_000;

/**
 * Creates a wasm device. Its worker threads start when there is enough to compute for them, and do not keep the process alive.
 *
 * @throws {DeviceError} If there are to be several threads in a page that may not share memory among them.
 * @throws {RangeError} If `threads` is not a whole number from 1 to 256, or `memoryLimit` is below 1 MiB or beyond 4 GiB.
 */
export function createWasmDevice({ threads, memoryLimit = mostBytes, profile, native }: WasmDeviceOptions = {}): WasmDevice {
  const cores = sharesMemory ? globalThis.navigator?.hardwareConcurrency ?? 1 : 1;
  const count = threads ?? Math.min(cores, 256);
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw new RangeError(`Cannot create a wasm device with ${count} threads: threads must be a whole number from 1 to 256`);
  }
  if (count > 1 && !sharesMemory) {
    throw new DeviceError(
      `Cannot use ${count} threads here: this page is not isolated from other origins; serve it with the headers ` +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or use one thread",
      { threads: count },
    );
  }
  if (!(memoryLimit >= leastBytes && memoryLimit <= mostBytes)) {
    throw new RangeError(
      `Cannot create a wasm device with a memoryLimit of ${memoryLimit} bytes: from ${leastBytes} to ${mostBytes}`,
    );
  }
  return new WasmDevice(count, count > cores ? 0 : spinCount, memoryLimit, profile, native);
}

/** All cores as a device. Made by {@link createWasmDevice}. */
export class WasmDevice implements Device<WasmBuffer> {
  readonly name = "wasm";
  readonly description: string;
  readonly dtypes: readonly DType[] = dtypes;
  readonly maxBuffersPerKernel = Infinity;
  readonly maxInstructions = 1000;
  readonly maxFusedParts = Infinity;
  readonly fuses = true;
  readonly readsFreely = true;
  readonly leastBudget = leastHostBudget;
  readonly #memory: SharedMemory;
  readonly #pool: ThreadPool;
  readonly #threads: number;
  readonly #spins: number;
  readonly #profile: Profile | undefined;
  readonly #native: NativeCode | undefined;
  #bytesInUse = 0;

  constructor(
    threads: number,
    spins: number,
    memoryLimit: number,
    profile: Profile | undefined,
    native: WasmDeviceOptions["native"],
  ) {
    this.#memory = new SharedMemory(memoryLimit);
    this.#threads = threads;
    this.#spins = spins;
    this.#profile = profile;
    this.#native = native?.(this.#memory.memory);
    this.#pool = new ThreadPool(this.#memory, threads, spins, this.#native?.forWorkers);
    const loops = this.#native ? `, innermost loops native (${this.#native.vectors.name})` : "";
    this.description = `WebAssembly SIMD, ${threads} thread${threads === 1 ? "" : "s"}${loops}`;
  }

  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  /** Starts the worker threads now, and waits for them: needed before the first program where a thread may not sleep until they are there. */
  async started(): Promise<this> {
    await this.#pool.started();
    return this;
  }

  compile(program: Program): WasmExecutable {
    return new WasmExecutable({
      program,
      memory: this.#memory,
      pool: this.#pool,
      threads: this.#threads,
      spins: maySleep ? this.#spins : Infinity,
      profile: this.#profile,
      native: this.#native,
      allocate: (dtype, size) => this.#allocate(dtype, size),
      free: (buffer) => this.free(buffer),
    });
  }

  upload(dtype: DType, values: HostArray): WasmBuffer {
    this.#pool.settle();
    const buffer = this.#allocate(dtype, values.length);
    try {
      this.#memory.write(buffer.address, dtype, values);
    } catch (error) {
      this.free(buffer);
      throw error;
    }
    return buffer;
  }

  download(buffer: WasmBuffer): Promise<HostArray> {
    try {
      return Promise.resolve(this.#read(buffer, hostArray(buffer.dtype, buffer.size)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  downloadNow(buffer: WasmBuffer): HostArray {
    const { dtype, size } = buffer;
    return this.#read(buffer, isSmall(dtype, size) ? smallArray(dtype, size) : hostArray(dtype, size));
  }

  #read({ address, dtype }: WasmBuffer, out: HostArray): HostArray {
    if (address === 0) throw new DeviceError("Cannot read a buffer of the wasm device that was freed");
    this.#pool.settle();
    return this.#memory.read(address, dtype, out);
  }

  copy({ dtype, size, address }: WasmBuffer): WasmBuffer {
    this.#pool.settle();
    const buffer = this.#allocate(dtype, size);
    this.#memory.copy(address, buffer.address, size * deviceBytes(dtype));
    return buffer;
  }

  /** Freeing twice does nothing. */
  free(buffer: WasmBuffer): void {
    if (buffer.address === 0) return;
    this.#pool.settle();
    const bytes = buffer.size * deviceBytes(buffer.dtype);
    this.#memory.free(buffer.address, bytes);
    this.#bytesInUse -= bytes;
    buffer.address = 0;
  }

  #allocate(dtype: DType, size: number): WasmBuffer {
    const bytes = size * deviceBytes(dtype);
    const buffer = new WasmBuffer(dtype, size, this.#memory.allocate(bytes));
    this.#bytesInUse += bytes;
    return buffer;
  }
}
