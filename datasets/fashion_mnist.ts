/**
 * Fashion-MNIST: 60,000 articles of clothing to train and 10,000 to test, 28 x 28 grey pixels, in the format of MNIST.
 *
 * @see Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017
 *
 * @module
 */
import { checkedOptions } from "./check_options.ts";
import type { Digest } from "./digest.ts";
import type { DatasetTask } from "./errors.ts";
import { idxDataset } from "./idx_dataset.ts";
import type { IdxSource } from "./idx_source.ts";
import type { DatasetOptions } from "./options.ts";
import type { ImageDataset } from "./types.ts";

/** What the classes are called, in the order of their labels. */
export const fashionMnistClasses: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

const packed = (bytes: number, hex: string): Digest => ({ algorithm: "sha256", of: "packed", bytes, hex });

/** Where Fashion-MNIST is published, and its digests: those of the packed files, which are the same at every mirror. */
export const fashionMnistSource: IdxSource = {
  name: "fashion-mnist",
  shape: [1, 28, 28],
  classes: 10,
  classNames: fashionMnistClasses,
  mirrors: [
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
  ],
  files: [
    {
      name: "train-images-idx3-ubyte",
      digest: packed(26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    },
    {
      name: "train-labels-idx1-ubyte",
      digest: packed(29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    },
    {
      name: "t10k-images-idx3-ubyte",
      digest: packed(4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    },
    {
      name: "t10k-labels-idx1-ubyte",
      digest: packed(5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    },
  ],
};

/**
 * Fashion-MNIST, from the cache, or downloaded into it (31 MB), or from a folder with its four IDX files.
 *
 * A drop-in for MNIST that is harder: what is said of `mnist` holds here. (A folder with the published files unpacked is named after
 * the folder, as the digests are of the packed ones.)
 *
 * @param options Where to look, and whether to download. Nothing asks the user for permission.
 * @returns A task. It gives Left with the errors of `mnist`.
 * @throws {RangeError} If `stallTimeout` is out of its range.
 * @example
 * ```ts ignore
 * import { fashionMnist, showDatasetError } from "./mod.ts";
 * const loaded = await fashionMnist()();
 * if (loaded._tag === "Right") console.log(loaded.right.classNames[loaded.right.train.labels[0]]);
 * else console.error(showDatasetError(loaded.left));
 * ```
 */
export function fashionMnist(options: DatasetOptions = {}): DatasetTask<ImageDataset> {
  checkedOptions(options, "fashionMnist");
  return idxDataset(fashionMnistSource, options);
}
