/**
 * The memory that all threads share: typed views, copies from and to the host, growth, allocation.
 *
 * @module
 */
import { deviceBytes, type DType, hostArray, type TypedArray } from "../../dtype.ts";
import { DeviceError } from "../../errors.ts";
import { heapStart, maxPages } from "./codegen/control.ts";
import { Allocator } from "./allocator.ts";

const pageBytes = 65536;

/** Shared memory with an allocator. Addresses are bytes. */
export class SharedMemory {
  readonly memory: WebAssembly.Memory;
  /** The control words: stay valid when the memory grows. */
  readonly control: Int32Array;
  readonly #allocator: Allocator;
  #bytes: Uint8Array;
  #words: Int32Array;
  #floats: Float32Array;
  #doubles: Float64Array;

  constructor() {
    this.memory = reserve();
    this.control = new Int32Array(this.memory.buffer, 0, heapStart / 4);
    [this.#bytes, this.#words, this.#floats, this.#doubles] = views(this.memory.buffer);
    this.#allocator = new Allocator({ start: heapStart, ensure: (end) => this.#ensure(end) });
  }

  /** All memory as 32-bit integers; ask again after an allocation. */
  get words(): Int32Array {
    return this.#words;
  }

  allocate(bytes: number): number {
    return this.#allocator.allocate(bytes);
  }

  free(address: number, bytes: number): void {
    this.#allocator.free(address, bytes);
  }

  /** Copies host values to an address. */
  write(address: number, dtype: DType, values: TypedArray): void {
    switch (dtype) {
      case "f32":
        return this.#floats.set(values, address >>> 2);
      case "f64":
        return this.#doubles.set(values, address >>> 3);
      case "u8":
        return this.#bytes.set(values, address);
      case "bool": {
        const words = this.#words;
        const start = address >>> 2;
        for (let i = 0; i < values.length; i++) words[start + i] = values[i] === 0 ? 0 : 1;
        return;
      }
      default:
        return this.#words.set(values, address >>> 2);
    }
  }

  /** Copies values at an address to the host. */
  read(address: number, dtype: DType, size: number): TypedArray {
    const out = hostArray(dtype, size);
    const end = address + size * deviceBytes(dtype);
    if (dtype === "f32") out.set(this.#floats.subarray(address >>> 2, end >>> 2));
    else if (dtype === "f64") out.set(this.#doubles.subarray(address >>> 3, end >>> 3));
    else if (dtype === "u8") out.set(this.#bytes.subarray(address, end));
    else out.set(this.#words.subarray(address >>> 2, end >>> 2));
    return out;
  }

  #ensure(end: number): void {
    const missing = end + pageBytes - this.#bytes.length;
    if (missing <= 0) return;
    const pages = this.#bytes.length / pageBytes;
    // By a quarter at least, so that growth stays rare.
    const wanted = Math.min(Math.max(Math.ceil(missing / pageBytes), pages >> 2), maxPages - pages);
    try {
      if (wanted * pageBytes < missing) throw new RangeError("more than 32-bit addresses reach");
      this.memory.grow(wanted);
    } catch (cause) {
      throw new DeviceError(`Cannot allocate on wasm: ${end} bytes would be in use, of at most ${maxPages * pageBytes}`, {
        bytes: end,
        maximum: maxPages * pageBytes,
      }, { cause });
    }
    [this.#bytes, this.#words, this.#floats, this.#doubles] = views(this.memory.buffer);
  }
}

function views(buffer: ArrayBufferLike): [Uint8Array, Int32Array, Float32Array, Float64Array] {
  return [new Uint8Array(buffer), new Int32Array(buffer), new Float32Array(buffer), new Float64Array(buffer)];
}

/** Reserves as much address space as there is, up to 4 GiB; only what is used takes memory. */
function reserve(): WebAssembly.Memory {
  for (let maximum = maxPages;; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 64, maximum, shared: true });
    } catch (cause) {
      if (maximum <= 1024) throw new DeviceError("Cannot start the wasm device: no address space for its memory", {}, { cause });
    }
  }
}

/** Memory that programs share for what does not outlive a run: as large as the largest of them needs. */
export class Arena {
  readonly #memory: SharedMemory;
  #base = 0;
  #bytes = 0;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Where it begins; moves when it grows. */
  get base(): number {
    return this.#base;
  }

  /** Makes room for a program. */
  reserve(bytes: number): void {
    if (bytes <= this.#bytes) return;
    if (this.#base !== 0) this.#memory.free(this.#base, this.#bytes);
    this.#bytes = bytes;
    this.#base = this.#memory.allocate(bytes);
  }
}
