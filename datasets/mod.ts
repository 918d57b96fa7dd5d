/**
 * Data to learn from: MNIST, Fashion-MNIST, CIFAR-10, digits drawn by our own code; their batches, loaders and transforms.
 *
 * Images stay bytes in typed arrays until a batch of them becomes a tensor. Whatever comes from outside is a `TaskEither`: a task
 * that gives either a `DatasetError` or the data.
 *
 * @module
 */
export * from "./batches.ts";
export { cifar10, cifar10Classes, type Cifar10Source, cifar10Source } from "./cifar10.ts";
export type { Digest } from "./digest.ts";
export { type Attempt, type DatasetError, type DatasetTask, showDatasetError } from "./errors.ts";
export type { Progress } from "./download.ts";
export { fashionMnist, fashionMnistClasses, fashionMnistSource } from "./fashion_mnist.ts";
export { idxDataset, type IdxFile, type IdxSource } from "./idx_dataset.ts";
export {
  type BatchSource,
  type Collated,
  type ExampleSource,
  type Loader,
  loader,
  LoaderError,
  type LoaderOptions,
  type ModuleSource,
  type NormalizedBatch,
  type NormalizedOptions,
  type TransformedOptions,
} from "./loader/loader.ts";
export type { Example } from "./loader/make.ts";
export { mnist, mnistSource } from "./mnist.ts";
export { type KeyLike, permutation } from "./order.ts";
export type { DatasetOptions } from "./published.ts";
export { split, type SplitOptions, subset } from "./split.ts";
export * from "./synthetic.ts";
export { type RandomStream, randomStream, type Words } from "../core/threefry.ts";
export * as transforms from "./transforms/mod.ts";
export { firstImages, imageBytes, type ImageDataset, type ImageSet, type ImageShape } from "./types.ts";
