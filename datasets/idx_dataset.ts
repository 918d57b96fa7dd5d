/**
 * Data sets published as four IDX files (images and labels, to train and to test): read from a folder, or from the cache, or
 * downloaded into the cache.
 *
 * @module
 */
import { aRecord, argument } from "../core/kinds.ts";
import { checkedOptions } from "./check_options.ts";
import type { DatasetTask } from "./errors.ts";
import type { IdxSource } from "./idx_source.ts";
import type { DatasetOptions } from "./options.ts";
import type { ImageDataset } from "./types.ts";

/**
 * A data set from a folder, the cache or a mirror. See `mnist` for what can go wrong.
 *
 * Files from the cache or a mirror are the published ones to the byte; a file of the cache that is not is downloaded again.
 *
 * @throws {RangeError} If `stallTimeout` is out of its range.
 * @example
 * ```ts
 * import { datasets } from "../mod.ts";
 * const loaded = await datasets.idxDataset(datasets.mnistSource, { folder: "no such folder" })();
 * if (loaded._tag === "Left") console.log(loaded.left.kind); // NotFound
 * ```
 */
export function idxDataset(source: IdxSource, options: DatasetOptions = {}): DatasetTask<ImageDataset> {
  const checked = checkedOptions(options, "idxDataset");
  argument<object>(source, aRecord(), "source", "idxDataset");
  return async () => await (await import("./load_idx.ts")).loadIdx(source, checked)();
}
