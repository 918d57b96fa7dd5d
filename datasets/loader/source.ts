/**
 * From a source to a pool that makes its batches.
 *
 * @module
 */
import { normalizeOptions } from "../option_kinds.ts";
import { checkOptions } from "../../core/options.ts";
import { isSharedBuffer, sharesMemory } from "../../core/runtime.ts";
import type { NormalizeOptions } from "../transforms/values.ts";
import { isArraySet } from "../array_set.ts";
import type { ArraySet } from "../arrays.ts";
import type { TypedArray } from "../../core/dtype.ts";
import { isImageFolder } from "../images/folder_set.ts";
import type { ImageFolder } from "../images/types.ts";
import type { ImageSet } from "../types.ts";
import type { Example } from "./example.ts";
import { type ImagesTask, makeFor, makeWith, type Task } from "./make.ts";
import type { BatchSource, ExampleSource, ModuleSource, NormalizedOptions } from "./types.ts";
import { mainThread, startWorkers, type WorkerPool } from "./worker_pool.ts";

/** Anything that batches are made from. */
export type Source = ImageSet | ImageFolder | ArraySet | ModuleSource | BatchSource<unknown> | ExampleSource<Example>;

/**
 * The function that starts a pool which makes the batches of a source.
 *
 * @throws {TypeError} If a module's address is not absolute, workers are to call a closure, or what is no set of images in memory is to be
 * normalized.
 * @throws {RangeError} If images are normalized by numbers that do not fit their channels.
 */
export function poolsFor(
  source: Source,
  { normalize }: Partial<NormalizedOptions>,
  workers: number,
): () => WorkerPool {
  if (normalize !== undefined && !("images" in source)) {
    throw new TypeError(
      "Cannot normalize in a loader what is no set of images in memory: use transforms.normalize, on the device",
    );
  }
  if (isImageFolder(source)) return folderPool(source, workers);
  if (isArraySet(source)) return poolFor({ kind: "arrays", ...sharedArrays(source, workers > 0) }, workers);
  if ("images" in source) return poolFor(imagesTask(source, normalize, workers > 0), workers);
  if ("module" in source) {
    const url = URL.parse(source.module);
    if (!url) {
      throw new TypeError(
        `Cannot load from module "${source.module}": it must be an absolute address, as new URL("./examples.ts", import.meta.url) is`,
      );
    }
    return poolFor({ kind: "module", url: url.href, options: source.options }, workers);
  }
  if (workers > 0) {
    throw new TypeError(
      `Cannot make examples by a closure in ${workers} workers: functions cannot be sent to them, put it into a module and give its ` +
        `address ({ count, module: new URL("./examples.ts", import.meta.url) }), or use workers: 0`,
    );
  }
  const make = makeWith(source as ExampleSource<Example>, undefined, "The source");
  return () => mainThread(() => make);
}

function poolFor(task: Task, workers: number): () => WorkerPool {
  return () => workers > 0 ? startWorkers(workers, task) : mainThread(() => makeFor(task));
}

/** Batches of images in files. */
function folderPool({ folder, paths, labels, shape, framing, damaged }: ImageFolder, workers: number): () => WorkerPool {
  const task = { folder, paths, labels, shape, framing, damaged };
  if (workers > 0) {
    return poolFor({ kind: "module", url: new URL("../images/make_batch.ts", import.meta.url).href, options: task }, workers);
  }
  // By a name that is part of the program, which needs no permission to read this file.
  return () => mainThread(async () => makeWith(await import("../images/make_batch.ts"), task, "The image folder"));
}

/** Batches of a set of images; `shared` puts them where workers see them too. */
function imagesTask({ images, labels, shape }: ImageSet, normalize: NormalizeOptions | undefined, shared: boolean): ImagesTask {
  return {
    kind: "images",
    images: shared ? toShared(images) : images,
    labels: shared ? toShared(labels) : labels,
    shape,
    values: normalize === undefined ? undefined : valuesOf(normalize, shape[0]),
  };
}

/** Arrays where workers see them too, if they are `shared`. */
function sharedArrays({ arrays, shapes, count }: ArraySet, shared: boolean): ArraySet {
  if (!shared || !sharesMemory) return { arrays, shapes, count };
  return { arrays: Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, toShared(array)])), shapes, count };
}

/** An array where workers see it too: a copy, if it is not there already. */
function toShared<A extends TypedArray>(array: A): A {
  if (isSharedBuffer(array.buffer)) return array;
  const made = array.slice(0, 0);
  const buffer = new SharedArrayBuffer(array.byteLength);
  const copy = new (made.constructor as new (buffer: SharedArrayBuffer) => A)(buffer);
  copy.set(array);
  return copy;
}

/** What each of the 256 bytes becomes, channel by channel. */
function valuesOf(options: NormalizeOptions, channels: number): Float32Array {
  const { mean, std } = checkOptions(options, normalizeOptions, "normalize");
  const [means, deviations] = [mean, std].map((value) => typeof value === "number" ? Array<number>(channels).fill(value) : value);
  for (const [name, values] of [["mean", means], ["std", deviations]] as const) {
    if (values.length === channels && values.every((value) => Number.isFinite(value) && (name === "mean" || value !== 0))) {
      continue;
    }
    throw new RangeError(
      `Cannot normalize images of ${channels} channels by ${name} [${values}]: one finite number for each is needed` +
        (name === "std" ? ", and not 0" : ""),
    );
  }
  return Float32Array.from({ length: 256 * channels }, (_, i) => {
    const channel = i >> 8;
    return ((i & 255) / 255 - means[channel]) / deviations[channel];
  });
}
