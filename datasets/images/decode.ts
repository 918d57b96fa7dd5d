/**
 * Images decoded: PNG and JPEG to bytes of red, green, blue and opacity.
 *
 * @module
 */
import { cmykDecoder } from "./cmyk.ts";
import { readHeader } from "./header.ts";
import { jpegDecoder } from "./jpeg.ts";
import type { Pixels } from "./pixels.ts";
import { pngDecoder } from "./png.ts";

/** The decoders, once one is needed. */
let decoders: ReturnType<typeof load> | undefined;

async function load() {
  const { decodeFourColours, jpegCode, pngCode, startJpeg } = await import("./deps.ts");
  return { png: pngDecoder(pngCode), jpeg: jpegDecoder(startJpeg, jpegCode), cmyk: cmykDecoder(decodeFourColours) };
}

/**
 * The pixels of a PNG or JPEG file. An orientation that the file asks for (EXIF) is left to who shows it, as by Pillow.
 *
 * @throws {Error} If the bytes are no such file, or a damaged one; the message completes "cannot read it: ...".
 */
export async function decodeImage(bytes: Uint8Array): Promise<Pixels> {
  const { format } = readHeader(bytes);
  return (await (decoders ??= load()))[format](bytes);
}
