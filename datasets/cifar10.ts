/**
 * CIFAR-10: 50,000 photographs to train and 10,000 to test, 32 x 32 pixels of three colours, ten classes; in its binary version.
 *
 * The archive has five files to train, one to test, and the names of the classes. A file is a list of records of 3073 bytes: the
 * label, then the 1024 pixels of the red plane, of the green and of the blue, row by row.
 *
 * @see Krizhevsky, "Learning multiple layers of features from tiny images", 2009
 *
 * @module
 */
import { aRecord, argument } from "../core/kinds.ts";
import { checkedOptions } from "./check_options.ts";
import { type Cifar10Source, cifar10Source } from "./cifar10_source.ts";
import type { DatasetTask } from "./errors.ts";
import type { DatasetOptions } from "./options.ts";
import type { ImageDataset } from "./types.ts";

/**
 * CIFAR-10, from the cache, or downloaded into it (170 MB), or from a folder that has the archive or its files.
 *
 * The archive is checked against the published digest whenever it is read from the cache; an interrupted download is
 * resumed. A folder's files may be others of the same form (a subset): then the data set is named after the folder.
 *
 * @param options Where to look, and whether to download. Nothing asks the user for permission.
 * @param source The archive, if it is another of the same form.
 * @returns A task. It gives Left with the errors of `mnist`; of kind `Format` if the archive lacks a file, or a file is not whole
 * records of 3073 bytes with labels 0 to 9.
 * @throws {RangeError} If `stallTimeout` is out of its range.
 * @example
 * ```ts ignore
 * import { cifar10, showDatasetError } from "./mod.ts";
 * const loaded = await cifar10({ onProgress: ({ received, total }) => console.log(received, total) })();
 * if (loaded._tag === "Right") console.log(loaded.right.train.shape, loaded.right.classNames[3]);
 * else console.error(showDatasetError(loaded.left));
 * ```
 */
export function cifar10(options: DatasetOptions = {}, source: Cifar10Source = cifar10Source): DatasetTask<ImageDataset> {
  const checked = checkedOptions(options, "cifar10");
  argument<object>(source, aRecord(), "source", "cifar10");
  return async () => await (await import("./load_cifar10.ts")).loadCifar10(checked, source)();
}
