/**
 * The plan of an epoch: which examples are in each batch, and by which keys they are made.
 *
 * @module
 */
import { integer } from "../../core/ranges.ts";
import { foldInKey } from "../../core/threefry.ts";
import { randomStream } from "../../core/random_stream.ts";
import { words } from "../key_words.ts";
import { permutation } from "../order.ts";
import type { BatchRequest } from "./make.ts";
import type { LoaderOptions } from "./types.ts";

/** The batches of all epochs. */
export interface BatchPlan {
  /** How many batches an epoch has. */
  readonly length: number;
  /** The requests of an epoch by number. */
  of(epoch: number): (batch: number) => BatchRequest;
}

/** Which examples each batch has, in which order, and the keys of both: all follow from the options. */
export function planBatches(
  count: number,
  { batchSize, shuffle, key = shuffle ?? 0, dropLast = false }: LoaderOptions,
): BatchPlan {
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
