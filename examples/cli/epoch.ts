/**
 * One epoch: learning from all training images, and the test, with all that happens beside: readings, progress, Ctrl-C.
 *
 * @module
 */
import { batches, type ImageDataset } from "../../datasets/mod.ts";
import { Either } from "../../deps.ts";
import { data as read } from "../../mod.ts";
import { noTotals, type Trainer, type TrainState } from "../parts/training.ts";
import { type Display, stepsPerLine } from "./display.ts";
import { failed, type Failure } from "./failure.ts";
import { yieldToEventLoop } from "./interrupt.ts";
import { median, type MemoryWatch } from "./measure.ts";
import type { Options } from "./options.ts";
import type { EpochReport, ReportWriter } from "./report.ts";

/** Milliseconds after which the loss is read: often enough for the eye, and a GPU is not kept waiting after every step. */
const readingInterval = 25;

/** How many images are tested at once: the largest results of the networks stay within the 128 MiB that any WebGPU adapter allows. */
const testBatch = 500;

/** Where a run reports, and the signal by which it is stopped: its reason is a `Failure`. */
export interface RunContext {
  readonly display: Display;
  readonly signal: AbortSignal;
}

/** All that a run has when its training starts. */
export interface Run extends RunContext {
  readonly options: Options;
  readonly data: ImageDataset;
  readonly writeReport: ReportWriter;
  readonly memory: MemoryWatch;
}

/** An epoch of training. */
export interface TrainedEpoch extends Pick<EpochReport, "seconds" | "trainLoss" | "msPerStepMedian"> {
  readonly state: TrainState;
}

/** Learns from each training image once, in an order of the epoch's own. */
export async function trainEpoch(
  run: Run,
  trainer: Trainer,
  before: TrainState,
  epoch: number,
): Promise<Either.Either<Failure, TrainedEpoch>> {
  const { options, data, display, signal, memory } = run;
  const { epochs, batchSize, seed } = options;
  const parts = batches(data.train, { batchSize, shuffle: seed, epoch });
  const stepsBefore = (epoch - 1) * parts.length;
  const started = performance.now();
  const intervals: number[] = [];
  let interval = { started, steps: 0 };
  let line = { lossSum: 0, images: 0 };
  let state = { ...before, totals: noTotals() };
  let step = 0, images = 0, loss = NaN;
  for (const batch of parts) {
    state = trainer.step(state, batch, stepsBefore + step);
    step++;
    images += batch.count;
    const isDue = performance.now() - interval.started >= readingInterval || step % stepsPerLine === 0 || step === parts.length;
    if (!isDue) continue;

    const [lossSum, right] = await read(state.totals);
    intervals.push((performance.now() - interval.started) / (step - interval.steps));
    loss = lossSum / images;
    const seconds = (performance.now() - started) / 1000;
    const secondsLeft = seconds / step * (epochs * parts.length - stepsBefore - step);
    const speed = { imagesPerSecond: images / seconds, secondsLeft };
    const runningLoss = (lossSum - line.lossSum) / (images - line.images);
    display.training({ epoch, epochs, step, steps: parts.length, loss, runningLoss, accuracy: right / images, ...speed });
    if (step % stepsPerLine === 0) line = { lossSum, images };
    memory.sample();
    await yieldToEventLoop();
    if (signal.aborted) return Either.left(signal.reason);
    if (!Number.isFinite(loss)) return Either.left(failed(diverged(`step ${step} of epoch ${epoch} the loss`, options)));
    interval = { started: performance.now(), steps: step };
  }
  const seconds = (performance.now() - started) / 1000;
  return Either.right({ state, seconds, trainLoss: loss, msPerStepMedian: median(intervals) });
}

/** Mean loss and accuracy on the test images. What the last step of an epoch has done shows here first. */
export async function test(
  { options, data, signal, memory }: Run,
  trainer: Trainer,
  state: TrainState,
  epoch: number,
): Promise<Either.Either<Failure, Pick<EpochReport, "testLoss" | "testAccuracy">>> {
  let loss = 0, right = 0;
  for (const batch of batches(data.test, { batchSize: testBatch })) {
    const totals = await read(trainer.test(state, batch));
    loss += totals[0];
    right += totals[1];
    memory.sample();
    await yieldToEventLoop();
    if (signal.aborted) return Either.left(signal.reason);
  }
  if (!Number.isFinite(loss)) return Either.left(failed(diverged(`epoch ${epoch} the test loss`, options)));
  return Either.right({ testLoss: loss / data.test.count, testAccuracy: right / data.test.count });
}

function diverged(where: string, { lr }: Options): string {
  return `The training diverged: after ${where} is not a finite number; try an --lr below ${lr}`;
}
