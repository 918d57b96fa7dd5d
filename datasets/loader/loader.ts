/**
 * A loader: the batches of an epoch one after the other, made ahead of time by workers.
 *
 * What is in a batch, and where, depends on the key and the epoch alone, never on which worker was faster. The workers make batches of images
 * in memory (gathering, and if asked for normalising), or whatever a module of the user's makes. A closure cannot be sent to a worker: so
 * transforms that are closures, those of `transforms` for example, run on the main thread, where they only describe what the device
 * will do.
 *
 * @module
 */
import { CotangentError } from "../../core/errors.ts";
import { integer } from "../../core/ranges.ts";
import { foldInKey } from "../../core/threefry.ts";
import { randomStream } from "../../core/random_stream.ts";
import type { Words } from "../../core/words.ts";
import type { Batch } from "../batches.ts";
import { type KeyLike, permutation } from "../order.ts";
import { words } from "../key_words.ts";
import type { NormalizeOptions } from "../transforms/values.ts";
import type { ImageSet } from "../types.ts";
import { mainThread, startWorkers, type WorkerPool } from "./worker_pool.ts";
import { type BatchRequest, type ImagesTask, makeFor, makeWith, type Task } from "./make.ts";
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
 * a third argument. Workers import it, for which Deno needs the permission to read it (or to import it from its host).
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

/** A batch that could not be made; `cause` is why. Its facts are `batch`, `epoch` and the batch's `indices`. */
export class LoaderError extends CotangentError {}

/** Everything a loader may be asked for. */
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
/** The batches of a module, put through a function. */
export function loader<B, T>(source: ModuleSource, options: TransformedOptions<B, T>): Loader<T>;
/** The batches of a module: say what they are, `loader<Batch>(...)`. */
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
  source: ImageSet | ModuleSource | BatchSource<unknown> | ExampleSource<Example>,
  options: AnyOptions,
): Loader<unknown> {
  const { epoch: first = 0, transform = (batch: unknown) => batch } = options;
  const workers = integer(options.workers ?? 0, "workers", 0);
  const ahead = Math.max(1, workers * integer(options.prefetch ?? 2, "prefetch"));
  const plan = planOf(source.count, options);
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

/** What to make in each epoch. */
interface Plan {
  /** How many batches an epoch has. */
  readonly length: number;
  /** The requests of an epoch by number. */
  of(epoch: number): (batch: number) => BatchRequest;
}

function planOf(count: number, { batchSize, shuffle, key = shuffle ?? 0, dropLast = false }: LoaderOptions): Plan {
  integer(batchSize, "batchSize");
  integer(count, "count", 0);
  const [base, ordering] = [words(key), shuffle === undefined ? undefined : words(shuffle)];
  return {
    length: dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize),
    of(epoch) {
      const order = ordering
        ? permutation(count, randomStream(foldInKey(ordering, epoch)))
        : Uint32Array.from({ length: count }, (_, i) => i);
      // The order is drawn from the words of the counters 0, 1, 2 ...: these are others.
      const own = foldInKey(base, epoch);
      const [ofExamples, ofBatches] = [foldInKey(own, -1), foldInKey(own, -2)];
      return (batch) => {
        const indices = order.slice(batch * batchSize, (batch + 1) * batchSize);
        const keys = Uint32Array.from(Array.from(indices, (index) => foldInKey(ofExamples, index)).flat());
        return { batch, indices, key: foldInKey(ofBatches, batch), keys };
      };
    },
  };
}

/** What starts the workers for a source. */
function poolsFor(
  source: ImageSet | ModuleSource | BatchSource<unknown> | ExampleSource<Example>,
  { normalize }: Partial<NormalizedOptions>,
  workers: number,
): () => WorkerPool {
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

/** Batches of a set of images; `shared` puts them where workers see them too. */
function imagesTask({ images, labels, shape }: ImageSet, normalize: NormalizeOptions | undefined, shared: boolean): ImagesTask {
  const toShared = (bytes: Uint8Array) => {
    if (!shared || bytes.buffer instanceof SharedArrayBuffer) return bytes;
    const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
    copy.set(bytes);
    return copy;
  };
  return {
    kind: "images",
    images: toShared(images),
    labels: toShared(labels),
    shape,
    values: normalize && valuesOf(normalize, shape[0]),
  };
}

/** What each of the 256 bytes becomes, channel by channel. */
function valuesOf({ mean, std }: NormalizeOptions, channels: number): Float32Array {
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

/** The error for a batch that was not made. */
function loaderError({ batch, indices }: BatchRequest, length: number, epoch: number, cause: unknown): LoaderError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new LoaderError(`Cannot make batch ${batch} of ${length} (epoch ${epoch}): ${reason}`, { batch, epoch, indices }, {
    cause,
  });
}
