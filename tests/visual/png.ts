/**
 * Reads PNG files with another library than the one that writes them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { PNG } from "./deps.ts";

/** A PNG file: its size, and red, green, blue and opacity of each pixel. */
export function decoded(png: Uint8Array): { width: number; height: number; at: (y: number, x: number) => number[] } {
  const { width, height, data } = PNG.sync.read(Buffer.from(png));
  return { width, height, at: (y, x) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)] };
}
