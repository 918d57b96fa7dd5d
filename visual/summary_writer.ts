/**
 * Logs that TensorBoard opens: `tensorboard --logdir FOLDER` shows them while they are being written.
 *
 * @module
 */
import { rangeKinds } from "./option_kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { quoted, reasonOf } from "../core/quoted.ts";
import { argument, arrayLike, aString, type Kind, kindOf } from "../core/kinds.ts";
import { CotangentError } from "../core/errors.ts";
import type { Outcome } from "../core/or_throw.ts";
import { data, item } from "../core/execution/read.ts";
import { Tensor } from "../core/tensor.ts";
import { isGranted, permitted, writing } from "../core/permissions.ts";
import { paths } from "../core/runtime.ts";
import { Either, pipe, TaskEither } from "../deps.ts";
import { bucketsOf } from "./buckets.ts";
import { type Summary, summaryEvent, versionEvent } from "./event.ts";
import { arrange, pngOf } from "./image_grid.ts";
import { batchPixels, imagePixels, type Images, type Pixels, type RangeOptions } from "./pixels.ts";
import { record } from "./record.ts";

/** Why a log could not be written. */
export type LogError =
  /** Deno was started without permission to write there; the message names the flag that grants it. */
  | { readonly kind: "Permission"; readonly message: string; readonly path: string }
  /** The folder or the file cannot be written. */
  | { readonly kind: "Write"; readonly message: string; readonly path: string; readonly cause: unknown };

/** A task that gives Left with an error or Right with a value. */
export type LogTask<A> = () => Promise<Outcome<LogError, A>>;

/**
 * Appends to one file of a log. Values are read at the call and written in the order of the calls; each promise resolves when its
 * record is in the file, whole.
 *
 * A log must not end a training: when the disk is full, the rest is dropped, and `flush` and `close` tell why. Mistakes in a call
 * (an empty tag, a step that is not whole, a tensor that is no image) throw.
 */
export interface SummaryWriter {
  /** The path of the file. */
  readonly file: string;
  /** A number, kept as f32: a curve over the steps. */
  scalar(tag: string, value: number | Tensor, step: number): Promise<void>;
  /** One image: [channels, height, width] with 1 or 3 channels, or [height, width]. Values as in `imageGrid`. */
  image(tag: string, image: Images, step: number, options?: RangeOptions): Promise<void>;
  /** A batch, [count, channels, height, width] or [count, height, width], as one image with eight in a row. */
  images(tag: string, images: Images, step: number, options?: RangeOptions): Promise<void>;
  /** How often numbers of which size occur. NaN and infinities are left out. */
  histogram(tag: string, values: Tensor | ArrayLike<number>, step: number): Promise<void>;
  /** Waits until all that was said is on the disk. Left if something could not be written since the start. */
  flush(): LogTask<void>;
  /** Flushes and closes the file. Closing again does nothing. */
  close(): LogTask<void>;
}

/**
 * Opens a new file in a folder, which is made if it is not there. Several files in one folder are one run; folders beside each
 * other are runs to compare.
 *
 * @returns A task with a writer, or Left if Deno may not write there or the folder cannot be written. The file must be closed.
 * @see https://www.tensorflow.org/tensorboard
 * @example
 * ```ts
 * import { summaryWriter } from "./mod.ts";
 * import { random } from "../mod.ts";
 *
 * const opened = await summaryWriter(await Deno.makeTempDir())();
 * if (opened._tag === "Left") throw new Error(opened.left.message);
 * const log = opened.right;
 * for (let step = 0; step < 10; step++) await log.scalar("loss", Math.exp(-step), step);
 * await log.images("noise", random.uniform(random.key(0), [16, 1, 8, 8]), 10);
 * await log.histogram("weights", random.normal(random.key(1), [1000]), 10);
 * const closed = await log.close()();
 * if (closed._tag === "Left") console.error(closed.left.message);
 * ```
 */
export function summaryWriter(folder: string): LogTask<SummaryWriter> {
  argument(folder, aString, "folder", "summaryWriter");
  return pipe(
    TaskEither.fromEither(permitted([writing(folder)], `write logs to ${folder}`)),
    TaskEither.mapLeft(({ message }): LogError => ({ kind: "Permission", message, path: folder })),
    TaskEither.flatMap(() => TaskEither.tryCatch(() => open(folder), (cause) => failed(folder, cause))),
  );
}

/** How many files this process has opened: part of their names, which must differ within a second. */
let opened = 0;

async function open(folder: string): Promise<SummaryWriter> {
  await Deno.mkdir(folder, { recursive: true });
  const named = isGranted({ descriptor: { name: "sys", kind: "hostname" } });
  const host = named ? Deno.hostname() : "localhost";
  const time = Date.now() / 1000;
  const path = paths().join(folder, `events.out.tfevents.${Math.floor(time)}.${host}.${Deno.pid}.${opened++}`);
  const file = await Deno.open(path, { append: true, createNew: true });
  try {
    const start = record(versionEvent(time));
    writeAll(file, start);
    return writerTo(file, path, start.length);
  } catch (error) {
    file.close();
    // Without its whole first record it would be taken for damaged.
    await Deno.remove(path).catch(() => {});
    throw error;
  }
}

const scalarKind: Kind<number | Tensor> = kindOf(
  "a number or a scalar tensor",
  (value) => typeof value === "number" || value instanceof Tensor,
);
const valuesKind: Kind<Tensor | ArrayLike<number>> = kindOf(
  "a tensor, or a list or typed array of numbers",
  (value) => value instanceof Tensor || arrayLike.holds(value),
);
const rangeOptions = optionTable<RangeOptions>(rangeKinds);

/** A file of records, written in the order in which they were asked for. */
interface Records {
  /** Appends what `read` gives, once it does and all before it is written. */
  append(tag: string, step: number, read: () => Promise<Summary>): Promise<void>;
  readonly flush: LogTask<void>;
  readonly close: LogTask<void>;
}

/** The records of a file of `size` bytes. */
function recordsOf(file: Deno.FsFile, path: string, size: number): Records {
  let last: Promise<unknown> = Promise.resolve();
  let failure: LogError | undefined;
  let closing: Promise<Either.Either<LogError, void>> | undefined;

  const write = (event: Uint8Array) => {
    if (failure) return;
    const framed = record(event);
    try {
      writeAll(file, framed);
      size += framed.length;
    } catch (cause) {
      failure = failed(path, cause);
      // Half a record would be taken for damage.
      Either.tryCatch(() => file.truncateSync(size), () => {});
    }
  };

  const append = (tag: string, step: number, read: () => Promise<Summary>): Promise<void> => {
    const where = `Cannot write ${quoted(tag)} at step ${quoted(step)} to ${path}`;
    if (typeof tag !== "string") throw new TypeError(`${where}: the tag must be a string`);
    if (closing) throw new CotangentError(`${where}: it is closed, open another`, { path, tag, step });
    if (tag === "") throw new RangeError(`${where}: the tag must not be empty`);
    if (!Number.isSafeInteger(step)) throw new RangeError(`${where}: the step must be an integer`);
    const time = Date.now() / 1000;
    const written = Promise.all([read(), last]).then(([summary]) => write(summaryEvent(time, step, tag, summary)));
    last = written.catch(() => {}); // the caller gets the error; the next record is written all the same
    return written;
  };

  const flushed = async (): Promise<Either.Either<LogError, void>> => {
    await last;
    if (!failure) await file.syncData().catch((cause) => failure = failed(path, cause));
    return failure ? Either.left(failure) : Either.right(undefined);
  };

  return {
    append,
    flush: () => closing ?? flushed(),
    close: () => closing ??= flushed().finally(() => file.close()),
  };
}

/** A writer to a file of `size` bytes. */
function writerTo(file: Deno.FsFile, path: string, size: number): SummaryWriter {
  const { append, flush, close } = recordsOf(file, path, size);
  return {
    file: path,
    scalar(tag, value, step) {
      argument(value, scalarKind, "the value", "scalar");
      const number = () => value instanceof Tensor ? item(value) : Promise.resolve(value);
      return append(tag, step, () => number().then((value) => ({ kind: "scalar", value })));
    },
    image(tag, image, step, options = {}) {
      checkOptions(options, rangeOptions, "image");
      return append(tag, step, () => imagePixels(image, "write an image", options).then(imageSummary));
    },
    images(tag, images, step, options = {}) {
      checkOptions(options, rangeOptions, "images");
      const grid = (pixels: Pixels) => arrange(pixels, { padding: 0, background: 0 });
      return append(tag, step, () => batchPixels(images, "write images", options).then(grid).then(imageSummary));
    },
    histogram(tag, values, step) {
      argument(values, valuesKind, "the values", "histogram");
      const counted = (numbers: ArrayLike<number>): Summary => ({ kind: "histogram", buckets: bucketsOf(numbers) });
      return append(tag, step, () => values instanceof Tensor ? data(values).then(counted) : Promise.resolve(counted(values)));
    },
    flush: () => flush,
    close: () => close,
  };
}

function imageSummary(pixels: Pixels): Summary {
  const { height, width, channels } = pixels;
  return { kind: "image", height, width, channels, png: pngOf(pixels) };
}

function failed(path: string, cause: unknown): LogError {
  return { kind: "Write", path, cause, message: `Cannot write logs to ${path}: ${reasonOf(cause)}` };
}

/** Writes all bytes: the system may take them in parts. */
function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}
