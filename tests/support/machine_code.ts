/**
 * Machine code, where this machine can have it: for every kind of vectors, in a memory that tests share.
 */
import { maxPages } from "../../core/devices/wasm/control.ts";
import { NativeCode } from "../../core/devices/wasm/native/native.ts";
import { avx2, avx512, type VectorSet } from "../../core/devices/wasm/native/vector_writer.ts";

/** A memory, and the code that works on it. */
export interface CodeInMemory {
  readonly memory: WebAssembly.Memory;
  readonly code: NativeCode;
}

function opened(vectors: VectorSet): CodeInMemory | undefined {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maxPages, shared: true });
  try {
    return { memory, code: new NativeCode(memory, vectors) };
  } catch {
    return undefined;
  }
}

/** By the name of the vectors, those that there are. */
export const machineCodes: ReadonlyMap<VectorSet["name"], CodeInMemory> = new Map(
  [avx2, avx512].flatMap((vectors) => {
    const code = opened(vectors);
    return code ? [[vectors.name, code] as const] : [];
  }),
);

/** Lets a memory have at least so many bytes. */
export function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
}
