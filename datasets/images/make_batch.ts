/**
 * Batches of an image folder, made by the loader's workers: files are read, decoded, and brought to one size.
 *
 * @module
 */
import { join } from "node:path";
import { reasonOf } from "../../core/quoted.ts";
import { randomStream } from "../../core/random_stream.ts";
import type { Words } from "../../core/words.ts";
import type { ImageShape } from "../types.ts";
import { randomBox, roundEven } from "./crops.ts";
import { decodeImage } from "./decode.ts";
import type { Pixels } from "./pixels.ts";
import { resample } from "./resample.ts";
import type { FolderBatch, SkippedImage } from "./folder_batch.ts";
import type { Framing, ImageFolder } from "./types.ts";

/** What of a folder its batches are made from. */
export type FolderTask = Pick<ImageFolder, "folder" | "paths" | "labels" | "shape" | "framing" | "damaged">;

/** The batch of some images; `keys` has two words for each. */
export async function batch(indices: Uint32Array, _key: Words, task: unknown, keys: Uint32Array): Promise<FolderBatch> {
  const { folder, paths, labels, shape, framing, damaged } = task as FolderTask;
  const size = shape[0] * shape[1] * shape[2];
  const images = new Uint8Array(indices.length * size);
  const made = new Int32Array(indices.length);
  const skipped: SkippedImage[] = [];
  let count = 0;
  const read = (i: number) => i < indices.length ? outcome(Deno.readFile(join(folder, paths[indices[i]]))) : undefined;
  let next = read(0);
  for (let i = 0; i < indices.length; i++) {
    const bytes = await next!;
    // The next file is read while this one is decoded.
    next = read(i + 1);
    const path = paths[indices[i]];
    try {
      images.set(framed(await decodeImage(valueOf(bytes)), shape, framing, [keys[2 * i], keys[2 * i + 1]]), count * size);
      made[count++] = labels[indices[i]];
    } catch (error) {
      const reason = reasonOf(error);
      // Without permission all would be skipped.
      if (damaged === "refuse" || error instanceof Deno.errors.NotCapable) {
        throw new Error(`Cannot read the image ${join(folder, path)}: ${reason}`);
      }
      skipped.push({ path, reason });
    }
  }
  return {
    images: images.subarray(0, count * size),
    labels: made.subarray(0, count),
    count,
    shape: [count, ...shape],
    skipped,
  };
}

/** A promise that may be awaited late: its failure is a value. */
function outcome<A>(promise: Promise<A>): Promise<{ readonly value: A } | { readonly error: unknown }> {
  return promise.then((value) => ({ value }), (error) => ({ error }));
}

function valueOf<A>(result: { readonly value: A } | { readonly error: unknown }): A {
  if ("error" in result) throw result.error;
  return result.value;
}

/** An image as its shape wants it. */
function framed(image: Pixels, [channels, height, width]: ImageShape, framing: Framing, key: Words): Uint8Array {
  const whole = { top: 0, left: 0, height: image.height, width: image.width };
  const all = (size: number) => ({ size, start: 0, count: size });
  const of = channels as 1 | 3;
  if (framing.kind === "stretch") return resample(image, whole, all(height), all(width), of);
  if (framing.kind === "randomResizedCrop") {
    return resample(image, randomBox(image.height, image.width, framing, randomStream(key)), all(height), all(width), of);
  }
  const [h, w] = covering(image, height, width, framing.resize);
  const middle = (size: number, count: number) => ({ size, start: roundEven((size - count) / 2), count });
  return resample(image, whole, middle(h, height), middle(w, width), of);
}

/** The size of an image whose shorter side is `shorter`, or else of the smallest that has `height` and `width`, rounded down. */
function covering(image: Pixels, height: number, width: number, shorter?: number): readonly [height: number, width: number] {
  const [high, wide] = shorter === undefined ? [height, width] : [shorter, shorter];
  return high * image.width >= wide * image.height
    ? [high, Math.max(wide, Math.floor(high * image.width / image.height))]
    : [Math.max(high, Math.floor(wide * image.height / image.width)), wide];
}
