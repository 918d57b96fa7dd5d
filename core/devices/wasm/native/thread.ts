/**
 * How a thread calls machine code.
 *
 * Deno calls the functions of libraries fast, by their names only. The library of C has one that calls another by its address: `bsearch`
 * among one element compares the key with that element, once. Key and element are the two integers that the machine code is given.
 *
 * @module
 */

/** What a thread needs to call machine code; plain data, for workers. */
export interface NativeThreadData {
  /** The library of C. */
  readonly library: string;
  /** The address of `entryCode`. */
  readonly entry: number;
  /** Where in the shared memory the arguments of thread 0 are, and the bytes from one thread's to the next's. */
  readonly argumentsAt: number;
  readonly argumentBytes: number;
}

/** Gives what makes the import of a program whose code begins at an offset. */
export type NativeThread = (
  data: NativeThreadData,
  memory: WebAssembly.Memory,
  thread: number,
) => (program: number) => NativeCall;

/** What a module imports: the offset of a function in the code of its program, and its arguments. */
export type NativeCall = (code: number, a: number, b: number, c: number, d: number, e: number, f: number, g: number) => void;

/**
 * Opens the library of C, once for all devices of a thread: V8 calls a symbol fast only where the same place in the code has called no
 * other. Refers to nothing outside itself: workers are given its text.
 */
export function nativeThread(library: string): NativeThread {
  const { symbols } = Deno.dlopen(library, {
    call: { name: "bsearch", parameters: ["i32", "i32", "usize", "usize", "pointer"], result: "void" },
  });
  return ({ entry, argumentsAt, argumentBytes }, memory, thread) => {
    const pointer = Deno.UnsafePointer.create(BigInt(entry));
    const address = argumentsAt + thread * argumentBytes;
    const words = new Int32Array(memory.buffer, address, argumentBytes / 4);
    // A closure of its own around the symbol: imported itself, it would be called ten times as slowly.
    return (program) => (code, a, b, c, d, e, f, g) => {
      words[0] = a;
      words[1] = b;
      words[2] = c;
      words[3] = d;
      words[4] = e;
      words[5] = f;
      words[6] = g;
      symbols.call(address, program + code, 1n, 1n, pointer);
    };
  };
}
