/**
 * MNIST: 60,000 handwritten digits to train and 10,000 to test, 28 x 28 grey pixels.
 *
 * @see LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998
 *
 * @module
 */
import { checkedOptions } from "./check_options.ts";
import type { DatasetTask } from "./errors.ts";
import { idxDataset } from "./idx_dataset.ts";
import type { IdxSource } from "./idx_source.ts";
import type { Digest } from "./digest.ts";
import type { DatasetOptions } from "./options.ts";
import type { ImageDataset } from "./types.ts";

const unpacked = (bytes: number, hex: string): Digest => ({ algorithm: "sha256", of: "unpacked", bytes, hex });

/** Where MNIST is published, and its digests: those of the unpacked files, as mirrors pack them differently. */
export const mnistSource: IdxSource = {
  name: "mnist",
  shape: [1, 28, 28],
  classes: 10,
  mirrors: ["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"],
  files: [
    {
      name: "train-images-idx3-ubyte",
      digest: unpacked(47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    },
    {
      name: "train-labels-idx1-ubyte",
      digest: unpacked(60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    },
    {
      name: "t10k-images-idx3-ubyte",
      digest: unpacked(7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    },
    {
      name: "t10k-labels-idx1-ubyte",
      digest: unpacked(10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    },
  ],
};

/**
 * MNIST, from the cache, or downloaded into it (11 MB), or from a folder with its four IDX files.
 *
 * The cache is below COTANGENT_CACHE, or XDG_CACHE_HOME/cotangent, or the platform's folder for caches. Files in it are checked
 * against the published digests; an interrupted download is resumed; processes that want the same file take turns.
 * A folder's files may be others of the same form (Fashion-MNIST, a subset): then the data set is named after the folder.
 *
 * @param options Where to look, and whether to download. Nothing asks the user for permission.
 * @returns A task. It gives Left with an error of kind `Permission` (start Deno with its `flag`), `NotFound`, `Read`, `Gzip`,
 * `Format` or `Digest` (a file is wrong), `Download` (no network, or no mirror has the file) or `Cache` (it cannot be written).
 * @throws {RangeError} If `stallTimeout` is out of its range.
 * @example
 * ```ts ignore
 * import { mnist, showDatasetError } from "./mod.ts";
 * const loaded = await mnist({ onProgress: ({ file, received, total }) => console.log(file, received, total) })();
 * if (loaded._tag === "Right") console.log(loaded.right.train.count);
 * else console.error(showDatasetError(loaded.left));
 * ```
 */
export function mnist(options: DatasetOptions = {}): DatasetTask<ImageDataset> {
  checkedOptions(options, "mnist");
  return idxDataset(mnistSource, options);
}
