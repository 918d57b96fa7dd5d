/**
 * The program that decodes JPEG, libjpeg's, and how it is called: it prints what is wrong, and exits.
 *
 * @module
 */
import type { Pixels } from "./pixels.ts";

/** What is used of the program. */
interface Program {
  decode(bytes: BufferSource, orient: boolean): ImageData | null;
}

/** Starts the program. */
export type StartJpeg = (options: object) => Promise<Program>;

/** A function that decodes JPEG files. */
export function jpegDecoder(start: StartJpeg, code: WebAssembly.Module): (bytes: Uint8Array) => Promise<Pixels> {
  const said: string[] = [];
  const options = {
    printErr: (line: string) => said.push(line),
    instantiateWasm(imports: WebAssembly.Imports, started: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(code, imports);
      started(instance);
      return instance.exports;
    },
  };
  let running: Program | undefined;
  return async (bytes) => {
    const program = running ??= await start({ ...options });
    said.length = 0;
    let pixels: Pixels | null = null;
    try {
      pixels = program.decode(bytes as BufferSource, false);
    } catch {
      // It has exited. Why was printed before.
    }
    if (!pixels) running = undefined;
    // The rest of the image is grey then. Other warnings Pillow does not heed either.
    if (said.some((line) => line.startsWith("Premature end"))) throw new Error(`it ends early, after ${bytes.length} bytes`);
    if (pixels) return pixels;
    throw new Error(said.at(-1) ?? "the decoder does not say why");
  };
}
