/**
 * The program that decodes PNG, and how it is called: what its package has for that keeps one instance for ever, also after a failure, which
 * leaves it without the memory that it had asked for.
 *
 * @module
 */
import type { Pixels } from "./pixels.ts";

/** What is used of the program. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  /** Reserves memory of a size and an alignment. */
  readonly __wbindgen_malloc: (bytes: number, alignment: number) => number;
  readonly __wbindgen_free: (at: number, bytes: number, alignment: number) => void;
  /** Decodes bytes, which it frees, and calls what makes the image. */
  readonly decode: (at: number, bytes: number) => number;
}

/** A function that decodes PNG files. Each failure is an error without a reason: the program gives none. */
export function pngDecoder(code: WebAssembly.Module): (bytes: Uint8Array) => Pixels {
  let running: { readonly exports: Exports; readonly take: () => Pixels } | undefined;
  return (bytes) => {
    running ??= start(code);
    const { exports, take } = running;
    try {
      const at = exports.__wbindgen_malloc(bytes.length, 1) >>> 0;
      new Uint8Array(exports.memory.buffer, at, bytes.length).set(bytes);
      exports.decode(at, bytes.length);
      return take();
    } catch {
      running = undefined;
      throw new Error("its PNG data is damaged");
    }
  };
}

function start(code: WebAssembly.Module) {
  let made: Pixels | undefined;
  const image = (at: number, bytes: number, width: number, height: number): number => {
    const data = new Uint8ClampedArray(exports.memory.buffer, at >>> 0, bytes >>> 0).slice();
    exports.__wbindgen_free(at, bytes, 1);
    made = { data, width: width >>> 0, height: height >>> 0 };
    return 0;
  };
  const fail = () => {
    throw new Error("the decoder has failed");
  };
  // The makers of images have a digest in their names.
  const imports = WebAssembly.Module.imports(code).map(({ name }) => [name, name.includes("u8clampedarray") ? image : fail]);
  const { exports } = new WebAssembly.Instance(code, { wbg: Object.fromEntries(imports) }) as unknown as {
    readonly exports: Exports;
  };
  return { exports, take: () => made ?? fail() };
}
