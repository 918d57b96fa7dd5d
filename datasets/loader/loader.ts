/**
 * A loader: the batches of an epoch one after the other, made ahead of time by workers.
 *
 * What is in a batch, and where, depends on the key and the epoch alone, never on which worker was faster. The workers make batches of images
 * in memory (gathering, and optionally normalising), or what a module of the user's makes. A closure cannot be sent to a worker: so
 * transforms that are closures, those of `transforms` for example, run on the main thread, where they only describe what the device
 * will do.
 *
 * @module
 */
import type { NormalizeOptions } from "../transforms/values.ts";
import { aFunction, anyNumber, aRecord, argument, checkedInside, flag, real, whole } from "../../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { CotangentError } from "../../core/errors.ts";
import { nameClasses } from "../../core/quoted.ts";
import { integer } from "../../core/ranges.ts";
import type { Words } from "../../core/words.ts";
import type { ArrayBatch, Arrays, ArraySet } from "../arrays.ts";
import type { Batch } from "../batches.ts";
import type { FolderBatch } from "../images/folder_batch.ts";
import type { ImageFolder } from "../images/types.ts";
import type { ImageSet } from "../types.ts";
import type { Example } from "./example.ts";
import type { BatchRequest } from "./make.ts";
import { planBatches } from "./batch_plan.ts";
import { poolsFor, type Source } from "./source.ts";
import type {
  BatchSource,
  Collated,
  ExampleSource,
  Loader,
  LoaderOptions,
  ModuleSource,
  NormalizedBatch,
  NormalizedOptions,
  TransformedOptions,
} from "./types.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** A batch that could not be made; `cause` is why. Its facts are `batch`, `epoch` and the batch's `indices`. */
export class LoaderError extends CotangentError {}

nameClasses({ LoaderError });

/** All options together. */
type AnyOptions = LoaderOptions & Partial<NormalizedOptions> & Partial<TransformedOptions<never, unknown>>;

/** The batches of images, put through a function. */
export function loader<T>(set: ImageSet, options: TransformedOptions<NormalizedBatch, T> & NormalizedOptions): Loader<T>;
/** The batches of images as fractions. */
export function loader(set: ImageSet, options: LoaderOptions & NormalizedOptions): Loader<NormalizedBatch>;
/** The batches of images, put through a function. */
export function loader<T>(set: ImageSet, options: TransformedOptions<Batch, T>): Loader<T>;
/**
 * The batches of a set of images, or of what functions of the user's make, as an async iterable.
 *
 * Workers make batches ahead of the loop, each up to `prefetch`; the loop gets them in order. They are started when a loop begins, and
 * stopped when it ends, also by `break` or an error; they never keep the process alive by themselves. `await using` also stops the
 * workers of loops that were not finished.
 *
 * With the same seed `shuffle` gives the order of `batches`.
 *
 * @throws {RangeError} If a number is out of its range.
 * @throws {TypeError} If a closure is to run in workers, or a module is not an absolute address.
 * @throws {LoaderError} From the loop: if a batch cannot be made.
 * @example
 * ```ts
 * import { datasets, jit, random, tensor } from "../../mod.ts";
 * const { compose, normalize, randomCrop, toTensor } = datasets.transforms;
 * const augment = jit(compose(randomCrop({ size: 28, padding: 2 }), toTensor, normalize({ mean: 0.13, std: 0.31 })));
 * const { train } = datasets.syntheticDigits({ train: 256, test: 0 });
 * const batches = datasets.loader(train, {
 *   batchSize: 64,
 *   shuffle: 1,
 *   workers: 2,
 *   transform: ({ images, labels, shape }, key) => ({
 *     images: augment(tensor(images, { shape }), tensor(Uint32Array.from(key))),
 *     labels: tensor(labels),
 *   }),
 * });
 * for (let epoch = 0; epoch < 2; epoch++) {
 *   for await (const { images, labels } of batches.epoch(epoch)) console.log(images.shape, labels.shape); // [64, 1, 28, 28] [64]
 * }
 * ```
 */
export function loader(set: ImageSet, options: LoaderOptions): Loader<Batch>;
/** The batches of an image folder, put through a function. */
export function loader<T>(set: ImageFolder, options: TransformedOptions<FolderBatch, T>): Loader<T>;
/** The batches of an image folder. */
export function loader(set: ImageFolder, options: LoaderOptions): Loader<FolderBatch>;
/** The batches of arrays, put through a function. */
export function loader<F extends Arrays, T>(set: ArraySet<F>, options: TransformedOptions<ArrayBatch<F>, T>): Loader<T>;
/** The batches of arrays. */
export function loader<F extends Arrays>(set: ArraySet<F>, options: LoaderOptions): Loader<ArrayBatch<F>>;
/** The batches of a module, put through a function. */
export function loader<B, T>(source: ModuleSource, options: TransformedOptions<B, T>): Loader<T>;
/** The batches of a module: give their type, `loader<Batch>(...)`. */
export function loader<B>(source: ModuleSource, options: LoaderOptions): Loader<B>;
/** The batches of a function of indices, put through a function. */
export function loader<B, T>(source: BatchSource<B>, options: TransformedOptions<B, T>): Loader<T>;
/** The batches of a function of indices. */
export function loader<B>(source: BatchSource<B>, options: LoaderOptions): Loader<B>;
/** The batches of a function that makes examples, put through a function. */
export function loader<E extends Example, T>(source: ExampleSource<E>, options: TransformedOptions<Collated<E>, T>): Loader<T>;
/** The batches of a function that makes examples. */
export function loader<E extends Example>(source: ExampleSource<E>, options: LoaderOptions): Loader<Collated<E>>;
export function loader(
  source: Source,
  options: AnyOptions,
): Loader<unknown> {
  checkOptions(options, loaderOptions, "loader");
  argument<object>(source, aRecord(), "source", "loader");
  const { epoch: first = 0, transform = (batch: unknown) => batch } = options;
  const workers = integer(options.workers ?? 0, "workers", 0, 1024);
  const ahead = Math.max(1, workers * integer(options.prefetch ?? 2, "prefetch"));
  const plan = planBatches(source.count, options);
  const start = poolsFor(source, options, workers);
  const pools = new Set<WorkerPool>();

  async function* iterate(epoch: number): AsyncGenerator<unknown> {
    const pool = start();
    pools.add(pool);
    try {
      const queue: { readonly request: BatchRequest; readonly pending: Promise<unknown> }[] = [];
      const requests = plan.of(epoch);
      for (let batch = 0; batch < plan.length; batch++) {
        while (queue.length < Math.min(ahead, plan.length - batch)) {
          const request = requests(batch + queue.length);
          const pending = pool.make(request);
          // A loop that ends early never awaits it.
          pending.catch(() => {});
          queue.push({ request, pending });
        }
        const { request, pending } = queue.shift()!;
        const value = await pool.wait(pending).catch((cause) => {
          throw loaderError(request, plan.length, epoch, cause);
        });
        yield await (transform as (batch: unknown, key: Words) => unknown)(value, request.key);
      }
    } finally {
      pools.delete(pool);
      await pool.stop();
    }
  }

  return {
    length: plan.length,
    epoch: (epoch) => ({ [Symbol.asyncIterator]: () => iterate(epoch) }),
    [Symbol.asyncIterator]: () => iterate(first),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...pools].map((pool) => pool.stop()));
    },
  };
}

const loaderOptions = optionTable<LoaderOptions & { readonly normalize?: NormalizeOptions; readonly transform?: unknown }>({
  batchSize: needed(anyNumber),
  shuffle: checkedInside(),
  key: checkedInside(),
  epoch: whole,
  dropLast: flag,
  workers: real,
  prefetch: real,
  normalize: checkedInside(),
  transform: aFunction(),
});

/** The error for a batch that was not made. */
function loaderError({ batch, indices }: BatchRequest, length: number, epoch: number, cause: unknown): LoaderError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new LoaderError(`Cannot make batch ${batch} of ${length} (epoch ${epoch}): ${reason}`, { batch, epoch, indices }, {
    cause,
  });
}
