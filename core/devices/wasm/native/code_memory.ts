/**
 * Memory that the processor may run: pages of one reserved range, never writable and executable at once.
 *
 * @module
 */
import { roundUp } from "../codegen/emit/blocks.ts";

/** Address space for the code of all programs of a device: takes no memory until it is used. */
const reservedBytes = 2 ** 28;

/** A system whose C library is known. */
interface System {
  /** Its names. */
  readonly libraries: readonly string[];
  /** The flags of `mmap` for private memory without a file, not to be counted. */
  readonly privateMemory: number;
  /** What `madvise` is told of memory that should have large pages, if it can be. */
  readonly largePages?: number;
}

const systems: Readonly<Record<string, System | undefined>> = {
  // glibc, then musl.
  linux: { libraries: ["libc.so.6", "libc.so"], privateMemory: 0x4022, largePages: 14 },
  darwin: { libraries: ["/usr/lib/libSystem.B.dylib"], privateMemory: 0x1042 },
};

const protections = { none: 0, readWrite: 3, readExecute: 5 } as const;

const functions = {
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  mprotect: { parameters: ["pointer", "usize", "i32"], result: "i32" },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  madvise: { parameters: ["pointer", "usize", "i32"], result: "i32" },
  memcpy: { parameters: ["pointer", "buffer", "usize"], result: "pointer" },
  getpagesize: { parameters: [], result: "i32" },
} as const;

/** Pages from an offset on. */
interface Pages {
  readonly offset: number;
  readonly bytes: number;
}

/** Code in memory, by its offset from the beginning. */
export class CodeMemory {
  /** The name of the library of C. */
  readonly library: string;
  /** The address of offset 0. */
  readonly address: bigint;
  readonly #functions: Deno.DynamicLibrary<typeof functions>;
  readonly #pageBytes: number;
  readonly #largePages: number | undefined;
  /** Pages that were freed, none adjacent to another, by offset. */
  #free: Pages[];

  /** @throws {Error} If this system has no such memory, or its library cannot be opened. */
  constructor() {
    const system = systems[Deno.build.os];
    if (!system) throw new Error(`No machine code on ${Deno.build.os}`);
    [this.library, this.#functions] = openFirst(system.libraries);
    this.#largePages = system.largePages;
    const { mmap, getpagesize } = this.#functions.symbols;
    this.#pageBytes = getpagesize();
    const start = mmap(0n, BigInt(reservedBytes), protections.none, system.privateMemory, -1, 0n);
    this.address = BigInt(Deno.UnsafePointer.value(start));
    // Failure is an address of -1.
    if (start === null || this.address === 2n ** 64n - 1n) throw new Error("No address space for machine code");
    this.#free = [{ offset: 0, bytes: reservedBytes }];
  }

  /** Puts code there; gives its offset, a multiple of the size of a page, or undefined if there is no room. */
  place(code: Uint8Array<ArrayBuffer>): number | undefined {
    const bytes = roundUp(code.length, this.#pageBytes);
    const found = this.#free.find((pages) => pages.bytes >= bytes);
    if (!found) return undefined;
    const { offset } = found;
    if (!this.#protect({ offset, bytes }, protections.readWrite)) return undefined;
    this.#functions.symbols.memcpy(this.#pointer(offset), code, BigInt(code.length));
    if (!this.#protect({ offset, bytes }, protections.readExecute)) return undefined;
    const rest = { offset: offset + bytes, bytes: found.bytes - bytes };
    this.#free = this.#free.flatMap((pages) => pages !== found ? [pages] : rest.bytes > 0 ? [rest] : []);
    return offset;
  }

  /** Takes back the pages of code of that many bytes, which nothing calls any more: a call would be a fault, not other code. */
  free(offset: number, length: number): void {
    const freed = { offset, bytes: roundUp(length, this.#pageBytes) };
    this.#protect(freed, protections.none);
    const merged: Pages[] = [];
    for (const pages of [...this.#free, freed].sort((a, b) => a.offset - b.offset)) {
      const last = merged.at(-1);
      if (last && last.offset + last.bytes === pages.offset) {
        merged[merged.length - 1] = { offset: last.offset, bytes: last.bytes + pages.bytes };
      } else merged.push(pages);
    }
    this.#free = merged;
  }

  /** Asks for large pages where memory at an address is first written from now on; for it the system may do nothing. */
  enlargePages(address: bigint, bytes: number): void {
    if (this.#largePages === undefined) return;
    const within = Number(address % BigInt(this.#pageBytes));
    const start = Deno.UnsafePointer.create(address - BigInt(within));
    this.#functions.symbols.madvise(start, BigInt(bytes + within), this.#largePages);
  }

  /** Gives everything back. */
  close(): void {
    this.#functions.symbols.munmap(this.#pointer(0), BigInt(reservedBytes));
    this.#functions.close();
  }

  #protect({ offset, bytes }: Pages, protection: number): boolean {
    return this.#functions.symbols.mprotect(this.#pointer(offset), BigInt(bytes), protection) === 0;
  }

  #pointer(offset: number): Deno.PointerValue {
    return Deno.UnsafePointer.create(this.address + BigInt(offset));
  }
}

/** The first library that there is. */
function openFirst(names: readonly string[]): [string, Deno.DynamicLibrary<typeof functions>] {
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      return [name, Deno.dlopen(name, functions)];
    } catch (failure) {
      failures.push(failure);
    }
  }
  throw new AggregateError(failures, "No library of C");
}
