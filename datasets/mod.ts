/**
 * Data to learn from: MNIST, digits drawn by our own code, and their batches.
 *
 * Images stay bytes in typed arrays until a batch of them becomes a tensor. Whatever comes from outside is a `TaskEither`: a task
 * that gives either a `DatasetError` or the data.
 *
 * @module
 */
export * from "./batches.ts";
export { type Attempt, type DatasetError, type DatasetTask, showDatasetError } from "./errors.ts";
export type { Progress } from "./download.ts";
export { idxDataset, type IdxDatasetOptions, type IdxFile, type IdxSource } from "./idx_dataset.ts";
export { mnist, mnistSource } from "./mnist.ts";
export * from "./synthetic.ts";
export { firstImages, imageBytes, type ImageDataset, type ImageSet, type ImageShape } from "./types.ts";
