/**
 * What a loader takes, sources and options, and what it gives.
 *
 * @module
 */
import type { Words } from "../../core/words.ts";
import type { Batch } from "../batches.ts";
import type { KeyLike } from "../order.ts";
import type { NormalizeOptions } from "../transforms/values.ts";
import type { Example } from "./example.ts";

/** Options of `loader`. */
export interface LoaderOptions {
  /** Examples in a batch; the last batch may have fewer. */
  readonly batchSize: number;
  /** Draw the order from this seed or key, for every epoch another; without it examples come in the order of the set. */
  readonly shuffle?: KeyLike;
  /** What the keys of examples and batches are made from. Default `shuffle`, or else 0. */
  readonly key?: KeyLike;
  /** The number of the pass over the data that `for await` makes; see `Loader.epoch` for others. Default 0. */
  readonly epoch?: number;
  /** Leave out the last batch if it is not full. Default false. */
  readonly dropLast?: boolean;
  /** How many threads make batches. Default 0: the main thread makes each when it is asked for. */
  readonly workers?: number;
  /** How many batches each worker makes ahead of the loop. Default 2. */
  readonly prefetch?: number;
}

/** A `LoaderOptions` with a function that is applied to each batch. */
export interface TransformedOptions<B, T> extends LoaderOptions {
  /**
   * Makes of a batch what the loop gets, on the main thread, when its turn has come. Its key is the batch's own: `tensor(Uint32Array.from(key))`
   * is the key on the device.
   */
  readonly transform: (batch: B, key: Words) => T | Promise<T>;
}

/** Images as fractions: values (x / 255 - mean) / std, made by the workers. */
export interface NormalizedOptions {
  /** What is subtracted from pixels in [0, 1], and what they are divided by then: one number, or one for each channel. */
  readonly normalize: NormalizeOptions;
}

/** A batch of images with normalised pixels. */
export interface NormalizedBatch extends Omit<Batch, "images"> {
  /** The pixels of `count` images. */
  readonly images: Float32Array;
}

/** Examples made one by one on the main thread. */
export interface ExampleSource<E extends Example> {
  /** How many examples there are. */
  readonly count: number;
  /** Makes example `index`, by a key of its own: in every epoch another, whatever batch it is in. */
  readonly example: (index: number, key: Words) => E | Promise<E>;
}

/** Batches made on the main thread. */
export interface BatchSource<B> {
  /** How many examples there are. */
  readonly count: number;
  /** Makes the batch of some examples, by a key of its own. */
  readonly batch: (indices: Uint32Array, key: Words) => B | Promise<B>;
}

/**
 * Examples or batches made by a module, which exports one of the functions of `ExampleSource` and `BatchSource`; both get the options as
 * a third argument, and `batch` as a fourth the keys of its examples, two words each, one after the other. Workers import it, for which Deno needs the permission to read it (or to import it from its host).
 *
 * @example
 * ```ts ignore
 * // photos.ts
 * export async function example(index: number, key: datasets.Words, { folder }: { folder: string }) {
 *   const pixels = decode(await Deno.readFile(`${folder}/${index}.png`)); // decode: any library
 *   return { pixels: crop(pixels, datasets.randomStream(key)), label: Int32Array.of(labels[index]) };
 * }
 * // main.ts
 * type Photos = { pixels: Uint8Array; label: Int32Array; count: number };
 * const source = { count: 5000, module: new URL("./photos.ts", import.meta.url), options: { folder: "photos" } };
 * for await (const { pixels, label } of datasets.loader<Photos>(source, { batchSize: 64, shuffle: 0, workers: 4 })) {
 *   step(tensor(pixels, { shape: [label.length, 3, 224, 224] }), tensor(label));
 * }
 * ```
 */
export interface ModuleSource {
  /** How many examples there are. */
  readonly count: number;
  /** The module's address: `new URL("./examples.ts", import.meta.url)`. */
  readonly module: URL | string;
  /** Anything that can be sent to a worker. */
  readonly options?: unknown;
}

/** The arrays of the examples of a batch by name, each name's one after the other, and how many examples there are. */
export type Collated<E> = { readonly [K in keyof E]: E[K] } & { readonly count: number };

/** The batches of an epoch, to be awaited. Each `for await` loop over them gives the same batches again. */
export interface Loader<T> extends AsyncIterable<T>, AsyncDisposable {
  /** How many batches an epoch has. */
  readonly length: number;
  /** The batches of another epoch: another order, other keys. */
  epoch(epoch: number): AsyncIterable<T>;
}
