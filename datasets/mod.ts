/**
 * Data to learn from: MNIST, Fashion-MNIST, CIFAR-10, digits drawn by our own code, tables and folders of images of the user's; their batches, loaders and transforms.
 *
 * Images stay bytes in typed arrays until a batch of them becomes a tensor. Whatever comes from outside is a `TaskEither`: a task
 * that gives either a `DatasetError` or the data.
 *
 * @module
 */
export * from "./arrays.ts";
export * from "./batches.ts";
export * from "./cifar10.ts";
export * from "./cifar10_source.ts";
export * from "./csv.ts";
export type * from "./digest.ts";
export * from "./errors.ts";
export * from "./fashion_mnist.ts";
export * from "./image_folder.ts";
export type * from "./images/folder_batch.ts";
export type * from "./images/types.ts";
export * from "./idx_dataset.ts";
export type * from "./idx_source.ts";
export * from "./loader/loader.ts";
export type * from "./loader/types.ts";
export type * from "./loader/example.ts";
export * from "./mnist.ts";
export * from "./order.ts";
export type * from "./options.ts";
export * from "./shard.ts";
export * from "./split.ts";
export * from "./synthetic.ts";
export type * from "./tables/types.ts";
export * from "../core/random_stream.ts";
export type * from "../core/words.ts";
export * as transforms from "./transforms/mod.ts";
export * from "./types.ts";
