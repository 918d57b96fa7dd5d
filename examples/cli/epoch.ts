/**
 * One epoch: learning from all training images, and the test, with all that happens beside: readings, progress, Ctrl-C.
 *
 * @module
 */
import { batches, type ImageDataset } from "../../datasets/mod.ts";
import { Either } from "../../deps.ts";
import { data as read } from "../../mod.ts";
import { noTotals, type Trainer } from "../parts/training.ts";
import { type Display, stepsPerLine } from "./display.ts";
import { failed, type Failure } from "./failure.ts";
import { yieldToEventLoop } from "./interrupt.ts";
import { median, type MemoryWatch } from "./measure.ts";
import type { Options } from "./options.ts";
import type { Progress, ProgressKeeper } from "./progress.ts";
import type { EpochReport, ReportWriter } from "./report.ts";
import type { ModelWriter } from "./saved_model.ts";

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
  readonly keeper: ProgressKeeper;
  readonly writeModel: ModelWriter;
  readonly memory: MemoryWatch;
}

/** An epoch of training. */
export interface TrainedEpoch extends Pick<EpochReport, "seconds" | "trainLoss" | "msPerStepMedian"> {
  readonly progress: Progress;
}

/** Learns from each training image that the epoch has not yet come to, in an order of the epoch's own. */
export async function trainEpoch(run: Run, trainer: Trainer, from: Progress): Promise<Either.Either<Failure, TrainedEpoch>> {
  const { options, data, keeper, display, signal, memory } = run;
  const { epochs, batchSize, seed } = options;
  const { epoch } = from;
  const parts = batches(data.train, { batchSize, shuffle: seed, epoch });
  const stepsBefore = (epoch - 1) * parts.length;
  const started = performance.now() - 1000 * from.seconds;
  const seconds = () => (performance.now() - started) / 1000;
  const intervals = [...from.intervals];
  let { train, step } = from;
  if (step === 0) train = { ...train, totals: noTotals() };
  const progress = (): Progress => ({ ...from, train, step, seconds: seconds(), intervals });

  let images = Math.min(step * batchSize, data.train.count);
  let interval = { started: performance.now(), steps: step };
  let line = { lossSum: (await read(train.totals))[0], images };
  let loss = line.lossSum / images;
  for (const batch of Iterator.from(parts).drop(step)) {
    train = trainer.step(train, batch, stepsBefore + step);
    step++;
    images += batch.count;
    if (step < parts.length) keeper.afterStep(progress);
    const isDue = performance.now() - interval.started >= readingInterval || step % stepsPerLine === 0 || step === parts.length;
    if (keeper.isSaving) await yieldToEventLoop();
    if (!isDue) continue;

    const [lossSum, right] = await read(train.totals);
    intervals.push((performance.now() - interval.started) / (step - interval.steps));
    loss = lossSum / images;
    const secondsLeft = seconds() / step * (epochs * parts.length - stepsBefore - step);
    const speed = { imagesPerSecond: images / seconds(), secondsLeft };
    const runningLoss = (lossSum - line.lossSum) / (images - line.images);
    display.training({ epoch, epochs, step, steps: parts.length, loss, runningLoss, accuracy: right / images, ...speed });
    if (step % stepsPerLine === 0) line = { lossSum, images };
    memory.sample();
    await yieldToEventLoop();
    if (signal.aborted) return Either.left(await keeper.beforeEnd(progress(), signal.reason));
    if (!Number.isFinite(loss)) return Either.left(failed(diverged(`step ${step} of epoch ${epoch} the loss`, options)));
    interval = { started: performance.now(), steps: step };
  }
  return Either.right({ progress: progress(), seconds: seconds(), trainLoss: loss, msPerStepMedian: median(intervals) });
}

/** Mean loss and accuracy on the test images. What the last step of an epoch has done shows here first. */
export async function test(
  { options, data, keeper, signal, memory }: Run,
  trainer: Trainer,
  progress: Progress,
): Promise<Either.Either<Failure, Pick<EpochReport, "testLoss" | "testAccuracy">>> {
  const { train, epoch } = progress;
  let loss = 0, right = 0;
  for (const batch of batches(data.test, { batchSize: testBatch })) {
    const totals = await read(trainer.test(train, batch));
    loss += totals[0];
    right += totals[1];
    memory.sample();
    await yieldToEventLoop();
    if (signal.aborted) return Either.left(await keeper.beforeEnd(progress, signal.reason));
  }
  if (!Number.isFinite(loss)) return Either.left(failed(diverged(`epoch ${epoch} the test loss`, options)));
  return Either.right({ testLoss: loss / data.test.count, testAccuracy: right / data.test.count });
}

function diverged(where: string, { lr }: Options): string {
  return `The training diverged: after ${where} is not a finite number; try an --lr below ${lr}`;
}
