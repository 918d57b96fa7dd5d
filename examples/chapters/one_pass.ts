/**
 * A little training, for pages that want to show that something learns.
 *
 * @module
 */
import { batches, type ImageDataset } from "../../datasets/mod.ts";
import { data as read } from "../../mod.ts";
import type { Trainer, TrainState } from "../parts/training.ts";

/** What came of it. */
export interface Passed {
  readonly state: TrainState;
  /** Mean over the training images, each when it was learned from. */
  readonly loss: number;
  /** Part of the test images that are classified right afterwards. */
  readonly accuracy: number;
}

/** Learns from every training image once, 64 at a time, in an order that the seed chooses; then looks at the test images. */
export async function onePass(trainer: Trainer, { train, test }: ImageDataset, seed: number): Promise<Passed> {
  let state = trainer.initial;
  let steps = 0;
  for (const batch of batches(train, { batchSize: 64, shuffle: seed })) state = trainer.step(state, batch, steps++);
  const [lossSum] = await read(state.totals);

  let right = 0;
  for (const batch of batches(test, { batchSize: 500 })) right += (await read(trainer.test(state, batch)))[1];
  return { state, loss: lossSum / train.count, accuracy: right / test.count };
}
