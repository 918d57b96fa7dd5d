/**
 * The memory that all threads share: typed views, copies from and to the host, growth, allocation.
 *
 * An allocation that fails changes nothing but the arena, which holds nothing between runs and is given up before one fails.
 *
 * @module
 */
import { checkHostArray, deviceBytes, type DType, type HostArray, hostBytes, viewAsHost } from "../../dtype.ts";
import { DeviceError, OutOfMemoryError } from "../../errors.ts";
import { heapStart, maxPages } from "./control.ts";
import { Allocator, blockSize } from "./allocator.ts";

const pageBytes = 65536;

/** All that 32-bit addresses reach. */
export const mostBytes = maxPages * pageBytes;

/** Shared memory with an allocator. Addresses are bytes. */
export class SharedMemory {
  readonly memory: WebAssembly.Memory;
  /** The control words: stay valid when the memory grows. */
  readonly control: Int32Array;
  readonly arena: Arena;
  readonly kept: KeptMemory;
  readonly #allocator: Allocator;
  /** Bytes to which the memory may grow. */
  readonly #limit: number;
  /** Why the system did not let it grow so far. */
  #refusal: unknown;
  #bytes: Uint8Array;
  #words: Int32Array;
  readonly #views = new Map<DType, HostArray>();

  constructor(limit = mostBytes) {
    const { memory, maximum } = reserve(Math.floor(limit / pageBytes));
    this.memory = memory;
    this.control = new Int32Array(memory.buffer, 0, heapStart / 4);
    this.#limit = maximum * pageBytes;
    [this.#bytes, this.#words] = views(memory.buffer);
    this.#allocator = new Allocator({ start: heapStart, ensure: (end) => this.#ensure(end) });
    this.arena = new Arena(this.#allocator);
    this.kept = new KeptMemory(this.#allocator);
  }

  /** All memory as 32-bit integers; ask again after an allocation. */
  get words(): Int32Array {
    return this.#words;
  }

  /** Bytes that are handed out, the arena's among them. */
  get bytesInUse(): number {
    return this.#allocator.bytesInUse;
  }

  /**
   * The address of a block. Not while a program runs: the arena may go.
   *
   * @throws {OutOfMemoryError} If there is no room for it.
   */
  allocate(bytes: number): number {
    let address = this.#allocator.allocate(bytes);
    if (address === undefined && this.arena.release()) address = this.#allocator.allocate(bytes);
    if (address === undefined && this.kept.release()) address = this.#allocator.allocate(bytes);
    if (address === undefined) throw this.#full(bytes);
    return address;
  }

  free(address: number, bytes: number): void {
    this.#allocator.free(address, bytes);
  }

  /**
   * Makes the arena large enough for a program that is about to run; nothing may be allocated in between.
   *
   * @throws {OutOfMemoryError} If there is no room for it.
   */
  reserveArena(bytes: number): void {
    if (this.arena.reserve(bytes) || (this.kept.release() && this.arena.reserve(bytes))) return;
    throw this.#full(bytes);
  }

  /** Copies host values to an address: as they are, unless an element is wider here (a bool is a word). */
  write(address: number, dtype: DType, values: HostArray): void {
    checkHostArray(dtype, values);
    const view = this.#viewAs(dtype);
    view.set(values, address / view.BYTES_PER_ELEMENT);
  }

  /** Copies bytes from one address to another. */
  copy(from: number, to: number, bytes: number): void {
    this.#bytes.copyWithin(to, from, from + bytes);
  }

  /** The elements at an address, in place: until the next allocation. */
  view(address: number, dtype: DType, size: number): HostArray {
    const view = this.#viewAs(dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    return view.subarray(start, start + size);
  }

  /** Copies values at an address into a host array. */
  read(address: number, dtype: DType, out: HostArray): HostArray {
    out.set(this.view(address, dtype, out.length));
    return out;
  }

  /**
   * All memory as elements of a type. Copies between arrays of one type never ask for a small array's buffer, which the engine would have
   * to make first.
   */
  #viewAs(dtype: DType): HostArray {
    const known = this.#views.get(dtype);
    if (known) return known;
    const view = hostBytes(dtype) === deviceBytes(dtype) ? viewAsHost(dtype, this.memory.buffer) : this.#words;
    this.#views.set(dtype, view);
    return view;
  }

  #ensure(end: number): boolean {
    const pages = this.#bytes.length / pageBytes;
    const missing = Math.ceil(end / pageBytes) + 1 - pages;
    if (missing <= 0) return true;
    const left = this.#limit / pageBytes - pages;
    if (missing > left) return false;
    // By a quarter at least, so that growth stays rare; if that is too much for the system, by what is needed.
    const grown = this.#grow(Math.min(Math.max(missing, pages >> 2), left)) || this.#grow(missing);
    if (!grown) return false;
    [this.#bytes, this.#words] = views(this.memory.buffer);
    this.#views.clear();
    return true;
  }

  #grow(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch (cause) {
      this.#refusal = cause;
      return false;
    }
  }

  /** The error for an allocation that failed. */
  #full(bytes: number): OutOfMemoryError {
    const [bytesInUse, limit] = [this.bytesInUse, this.#limit];
    const bytesFree = limit - heapStart - bytesInUse;
    const refused = this.#refusal === undefined ? "no free piece is large enough" : `the system gave no more (${this.#refusal})`;
    const why = bytesFree < blockSize(bytes) ? "" : `, and ${refused}`;
    return new OutOfMemoryError(
      `Cannot allocate ${bytes} bytes on wasm: ${bytesInUse} of at most ${limit} are in use${why}; compute less at once, or ` +
        `give up tensors with "donate", "using" or by leaving them to the collector`,
      { bytes, bytesInUse, bytesFree, limit },
      { cause: this.#refusal },
    );
  }
}

function views(buffer: ArrayBufferLike): [Uint8Array, Int32Array] {
  return [new Uint8Array(buffer), new Int32Array(buffer)];
}

/** Reserves as much address space as there is, up to a number of pages; only what is used takes memory. */
function reserve(pages: number): { readonly memory: WebAssembly.Memory; readonly maximum: number } {
  for (let maximum = pages;; maximum >>= 1) {
    try {
      return { memory: new WebAssembly.Memory({ initial: Math.min(64, maximum), maximum, shared: true }), maximum };
    } catch (cause) {
      if (maximum <= 1024) throw new DeviceError("Cannot start the wasm device: no address space for its memory", {}, { cause });
    }
  }
}

/** Memory that programs share for what does not outlive a run: as large as the largest that has run needs. */
class Arena {
  readonly #allocator: Allocator;
  #base = 0;
  #bytes = 0;

  constructor(allocator: Allocator) {
    this.#allocator = allocator;
  }

  /** Where it begins, for the program that has reserved it; 0 if there is none. */
  get base(): number {
    return this.#base;
  }

  /** Makes room for a program; says whether it could. */
  reserve(bytes: number): boolean {
    if (bytes <= this.#bytes) return true;
    // First, since it may grow where it is.
    this.release();
    const base = this.#allocator.allocate(bytes);
    if (base === undefined) return false;
    this.#base = base;
    this.#bytes = bytes;
    return true;
  }

  /** Gives the memory back until a program asks again; says whether there was any. */
  release(): boolean {
    if (this.#base === 0) return false;
    this.#allocator.free(this.#base, this.#bytes);
    this.#base = this.#bytes = 0;
    return true;
  }
}

/** What programs keep from run to run to save work, while nobody else needs the memory. */
class KeptMemory {
  readonly #allocator: Allocator;
  readonly #blocks = new Set<KeptBlock>();

  constructor(allocator: Allocator) {
    this.#allocator = allocator;
  }

  /** A block; undefined if there is no room for it. */
  allocate(bytes: number): KeptBlock | undefined {
    const address = this.#allocator.allocate(bytes);
    if (address === undefined) return undefined;
    const block = { address, bytes };
    this.#blocks.add(block);
    return block;
  }

  free(block: KeptBlock): void {
    if (!this.#blocks.delete(block)) return;
    this.#allocator.free(block.address, block.bytes);
    block.address = 0;
  }

  /** Gives all blocks back; says whether there were any. */
  release(): boolean {
    const any = this.#blocks.size > 0;
    for (const block of this.#blocks) this.free(block);
    return any;
  }
}

/** A block that may go at any time between two runs. */
export interface KeptBlock {
  /** 0 once it has gone. */
  address: number;
  readonly bytes: number;
}
