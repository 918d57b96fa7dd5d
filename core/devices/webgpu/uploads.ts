/**
 * Host arrays as inputs of a program: where they go, and how they get there in few copies.
 *
 * Small ones (scalars, labels) are packed into one buffer and written at once; each large one has a buffer of its own. All of it is
 * made at first use and kept.
 *
 * @module
 */
import type { DType, HostArray } from "../../dtype.ts";
import { bytesFor, checkHostInput, encode } from "./buffer.ts";
import type { Memory } from "./buffer_pool.ts";
import { type Region, wholeRegion } from "./regions.ts";
import type { Services } from "./services.ts";

/** An input that may be given as a host array. */
export interface HostInput {
  readonly index: number;
  readonly dtype: DType;
  readonly size: number;
}

/** Up to here an input is packed: copying it twice costs less than a write of its own. */
const mostPackedBytes = 16384;

/** The host inputs of one executable. */
export class Uploads {
  readonly #services: Services;
  readonly #inputs: ReadonlyMap<number, HostInput>;
  readonly #offsets = new Map<number, number>();
  readonly #packedBytes: number;
  #packed: Memory | undefined;
  #mirror = new Uint8Array(0);
  readonly #large = new Map<number, Memory>();
  /** The part of the mirror filled since `begin`. */
  #from = 0;
  #to = 0;

  constructor(services: Services, inputs: readonly HostInput[]) {
    this.#services = services;
    this.#inputs = new Map(inputs.map((input) => [input.index, input]));
    const alignment = Math.max(16, services.device.limits.minStorageBufferOffsetAlignment);
    let next = 0;
    for (const { index, dtype, size } of inputs) {
      const bytes = bytesFor(dtype, size);
      if (bytes > mostPackedBytes) continue;
      this.#offsets.set(index, next);
      next += Math.ceil(bytes / alignment) * alignment;
    }
    this.#packedBytes = next;
  }

  /** Before the inputs of a run. */
  begin(): void {
    this.#from = this.#packedBytes;
    this.#to = 0;
  }

  /** Takes one input; says where the program will find it. */
  add(index: number, values: HostArray): Region {
    const { dtype, size } = this.#inputs.get(index)!;
    checkHostInput(dtype, size, values);
    const offset = this.#offsets.get(index);
    if (offset === undefined) {
      const memory = this.#large.get(index) ?? this.#services.pool.acquire(bytesFor(dtype, size));
      this.#large.set(index, memory);
      writeValues(this.#services.device, memory, dtype, values);
      return wholeRegion(memory);
    }
    this.#packed ??= this.#services.pool.acquire(this.#packedBytes);
    if (this.#mirror.length === 0) this.#mirror = new Uint8Array(this.#packedBytes);
    const encoded = encode(dtype, values);
    this.#mirror.set(new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength), offset);
    const size16 = Math.ceil(Math.max(encoded.byteLength, 4) / 16) * 16;
    this.#from = Math.min(this.#from, offset);
    this.#to = Math.max(this.#to, offset + size16);
    return { memory: this.#packed, offset, size: size16 };
  }

  /** After the inputs of a run: one write for all the packed ones. */
  end(): void {
    if (this.#to > this.#from) {
      this.#services.device.queue.writeBuffer(this.#packed!.gpu, this.#from, this.#mirror.subarray(this.#from, this.#to));
    }
  }

  /** Fills a buffer from the host. */
  write(memory: Memory, dtype: DType, size: number, values: HostArray): void {
    checkHostInput(dtype, size, values);
    writeValues(this.#services.device, memory, dtype, values);
  }

  /** Gives the memory back. */
  destroy(): void {
    for (const memory of this.#large.values()) this.#services.pool.release(memory);
    this.#large.clear();
    if (this.#packed) this.#services.pool.release(this.#packed);
    this.#packed = undefined;
  }
}

/** Copies host values to a buffer, from a byte on. */
export function writeValues(device: GPUDevice, memory: Memory, dtype: DType, values: HostArray, offset = 0): void {
  const encoded = encode(dtype, values);
  if (encoded.byteLength > 0) device.queue.writeBuffer(memory.gpu, offset, encoded as Uint8Array<ArrayBuffer>);
}
