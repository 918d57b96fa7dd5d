/**
 * JPEG files of four colours, as printers want them, in red, green and blue: by a decoder of their own, as the other has none for them.
 *
 * @module
 */
import type { Pixels } from "./pixels.ts";

/** What is used of the decoder. */
export type DecodeFourColours = (
  bytes: Uint8Array,
  options: { readonly useTArray: true; readonly tolerantDecoding: boolean; readonly maxMemoryUsageInMB: number },
) => Pixels;

/** It stops when it has reserved more; the header has been checked before. */
const mostMegabytes = 4096;

/** A function that decodes JPEG files of four colours. */
export function cmykDecoder(decode: DecodeFourColours): (bytes: Uint8Array) => Pixels {
  return (bytes) => {
    if (bytes.findLastIndex((byte, i) => byte === 0xd9 && bytes[i - 1] === 0xff) < 0) {
      throw new Error(`it ends early, after ${bytes.length} bytes`);
    }
    try {
      return decode(bytes, { useTArray: true, tolerantDecoding: false, maxMemoryUsageInMB: mostMegabytes });
    } catch (error) {
      // It stumbles over what is damaged in many ways.
      throw new Error(`its JPEG data is damaged (${error instanceof Error ? error.message : error})`);
    }
  };
}
