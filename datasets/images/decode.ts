/**
 * Images decoded: PNG and JPEG to bytes of red, green, blue and opacity.
 *
 * @module
 */
import { readHeader } from "./header.ts";

/** An image's pixels, row by row, four bytes each. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly data: ArrayLike<number>;
}

/** Decodes one file after the other. */
type Decoder = (bytes: Uint8Array) => Pixels;

/** Those that are started. */
const decoders: { png?: Promise<Decoder>; jpeg?: Promise<Decoder> } = {};

/**
 * The pixels of a PNG or JPEG file. An orientation that the file asks for (EXIF) is left to who shows it, as by Pillow.
 *
 * @throws {Error} If the bytes are no such file, or a damaged one; the message completes "cannot read it: ...".
 */
export async function decodeImage(bytes: Uint8Array): Promise<Pixels> {
  const { format } = readHeader(bytes);
  const decode = await (decoders[format] ??= format === "png" ? startPng() : startJpeg());
  return decode(bytes);
}

async function startPng(): Promise<Decoder> {
  const { decodePng, pngCode, startPng } = await import("./deps.ts");
  startPng(pngCode);
  return (bytes) => {
    try {
      return decodePng(bytes);
    } catch {
      // The decoder does not say why.
      throw new Error("its PNG data is damaged");
    }
  };
}

async function startJpeg(): Promise<Decoder> {
  const { jpegCode, jpegDecoder } = await import("./deps.ts");
  const said: string[] = [];
  const options = {
    printErr: (line: string) => said.push(line),
    instantiateWasm(imports: WebAssembly.Imports, started: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(jpegCode, imports);
      started(instance);
      return instance.exports;
    },
  };
  const decoder = await jpegDecoder(options as object);
  return (bytes) => {
    said.length = 0;
    const pixels = unlessExited(() => decoder.decode(bytes as BufferSource, false));
    if (!pixels) delete decoders.jpeg;
    // The rest of the image is grey then. Other warnings Pillow does not heed either.
    if (said.some((line) => line.startsWith("Premature end"))) throw new Error(`it ends early, after ${bytes.length} bytes`);
    if (pixels) return pixels;
    const reason = said.at(-1) ?? "the decoder does not say why";
    throw new Error(reason.startsWith("Unsupported color") ? "it has four colours (CMYK): only grey and RGB are read" : reason);
  };
}

/** What a program gives, or nothing if it has exited: it cannot be called again. Why was printed before. */
function unlessExited<A>(run: () => A | null): A | undefined {
  try {
    return run() ?? undefined;
  } catch {
    return undefined;
  }
}
