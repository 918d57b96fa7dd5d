/**
 * Trains a convolutional network (or another one, with `--model`) to read handwritten digits.
 *
 * ```sh
 * deno run examples/mnist_cnn.ts              # no permission needed: digits that Cotangent draws itself
 * deno run -A examples/mnist_cnn.ts           # MNIST, downloaded once and kept in the cache folder
 * deno run examples/mnist_cnn.ts --help
 * ```
 *
 * The networks are in `models.ts`, a step and a test in `training.ts`; here is the way from the command line to the report, and in
 * `cli` what surrounds it: flags, data, progress, Ctrl-C.
 *
 * @module
 */
import { batches, type ImageDataset } from "../datasets/mod.ts";
import { Either, pipe, TaskEither } from "../deps.ts";
import { CotangentError, data as read, deviceInfo, optimizers, setDevice, treeTensors } from "../mod.ts";
import { loadData } from "./cli/data.ts";
import { type Display, duration, openDisplay, percent, stepsPerLine } from "./cli/display.ts";
import { failed, type Failure, interrupted, misused } from "./cli/failure.ts";
import { breathe, orInterrupted, watchInterrupt } from "./cli/interrupt.ts";
import { median, type MemoryWatch, watchMemory } from "./cli/measure.ts";
import { type Options, parseOptions } from "./cli/options.ts";
import { type EpochReport, openReport, type Report, type ReportWriter } from "./cli/report.ts";
import { type Model, models } from "./models.ts";
import { makeTrainer, noTotals, type Trainer, type TrainState } from "./training.ts";

/** Milliseconds after which the loss is read: often enough for the eye, and a GPU is not kept waiting after every step. */
const readingInterval = 25;

/** How many images are tested at once. */
const testBatch = 1000;

/** Where a run tells of itself, and how it learns that it should stop. */
interface Surroundings {
  readonly display: Display;
  readonly signal: AbortSignal;
}

/** All that a run has when its training starts. */
interface Run extends Surroundings {
  readonly options: Options;
  readonly data: ImageDataset;
  readonly writeReport: ReportWriter;
  readonly memory: MemoryWatch;
}

/** The whole program: Left if it ends early. */
function program(args: readonly string[], { display, signal }: Surroundings): TaskEither.TaskEither<Failure, void> {
  return pipe(
    TaskEither.fromEither(parseOptions(args)),
    TaskEither.chainFirst(chooseDevice),
    TaskEither.flatMap((options) =>
      pipe(
        openReport(options.report),
        TaskEither.flatMap((writeReport) =>
          pipe(
            orInterrupted(signal, loadData(options, display)),
            TaskEither.flatMap((data) =>
              guarded(() => train({ options, data, writeReport, display, signal, memory: watchMemory() }))
            ),
          )
        ),
      )
    ),
  );
}

/** What the library has to complain about is told without a stack; anything else is a mistake in this program. */
function guarded<A>(run: () => Promise<Either.Either<Failure, A>>): TaskEither.TaskEither<Failure, A> {
  return () =>
    run().catch((error) => {
      if (error instanceof CotangentError) return Either.left(failed(`${error.name}: ${error.message}`));
      throw error;
    });
}

function chooseDevice({ device, threads }: Options): TaskEither.TaskEither<Failure, void> {
  // The library has chosen one when it was loaded.
  const chosen = deviceInfo().name;
  const name = device === "auto" ? chosen : device;
  if (threads !== undefined && name !== "wasm") {
    return TaskEither.left(misused(`error: option '--threads' is for the device wasm, and this is ${name}`));
  }
  if (name === chosen && threads === undefined) return TaskEither.right(undefined);
  return guarded(() => setDevice(name, { threads }).then(Either.right));
}

/** Trains and tests epoch by epoch; the report is brought up to date after each, and also if there is no next one. */
async function train(run: Run): Promise<Either.Either<Failure, void>> {
  const { options, data, writeReport, display, memory } = run;
  const model: Model = models[options.model];
  const trainer = makeTrainer(model, makeOptimizer(options), data.train.shape, options.seed);
  display.line(introduction(run, trainer.initial));

  const epochs: EpochReport[] = [];
  let state = trainer.initial;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const passed = await trainAndTest(run, trainer, state, epoch);
    if (Either.isRight(passed)) {
      const [next, report] = passed.right;
      state = next;
      epochs.push(report);
      display.line(summary(epochs[epoch - 1], options.epochs));
    }
    const written = await writeReport(makeReport(run, epochs, memory.peak))();
    if (Either.isLeft(passed)) return passed;
    if (Either.isLeft(written)) return written;
  }
  return Either.right(undefined);
}

/** One epoch: training, then the test. */
function trainAndTest(
  run: Run,
  trainer: Trainer,
  before: TrainState,
  epoch: number,
): Promise<Either.Either<Failure, readonly [TrainState, EpochReport]>> {
  return pipe(
    () => trainEpoch(run, trainer, before, epoch),
    TaskEither.flatMap(({ state, seconds, trainLoss, msPerStepMedian }) =>
      pipe(
        () => test(run, trainer, state),
        TaskEither.map((tested) => [state, { epoch, seconds, trainLoss, ...tested, msPerStepMedian }] as const),
      )
    ),
  )();
}

/** An epoch of training. */
interface Trained extends Pick<EpochReport, "seconds" | "trainLoss" | "msPerStepMedian"> {
  readonly state: TrainState;
}

/** Learns from each training image once, in an order of the epoch's own. */
async function trainEpoch(
  run: Run,
  trainer: Trainer,
  before: TrainState,
  epoch: number,
): Promise<Either.Either<Failure, Trained>> {
  const { options: { epochs, batchSize, seed, lr }, data, display, signal, memory } = run;
  const parts = batches(data.train, { size: batchSize, shuffle: seed, epoch });
  const stepsBefore = (epoch - 1) * parts.length;
  const started = performance.now();
  const stretches: number[] = [];
  let stretch = { started, steps: 0 };
  let state = { ...before, totals: noTotals() };
  let step = 0, images = 0, loss = NaN;
  for (const batch of parts) {
    state = trainer.step(state, batch, stepsBefore + step);
    step++;
    images += batch.count;
    const isDue = performance.now() - stretch.started >= readingInterval || step % stepsPerLine === 0 || step === parts.length;
    if (!isDue) continue;

    const [lossSum, right] = await read(state.totals);
    stretches.push((performance.now() - stretch.started) / (step - stretch.steps));
    loss = lossSum / images;
    const seconds = (performance.now() - started) / 1000;
    const secondsLeft = seconds / step * (epochs * parts.length - stepsBefore - step);
    const speed = { imagesPerSecond: images / seconds, secondsLeft };
    display.training({ epoch, epochs, step, steps: parts.length, loss, accuracy: right / images, ...speed });
    memory.look();
    await breathe();
    if (signal.aborted) return Either.left(interrupted);
    if (!Number.isFinite(loss)) return Either.left(failed(diverged(epoch, step, lr)));
    stretch = { started: performance.now(), steps: step };
  }
  const seconds = (performance.now() - started) / 1000;
  return Either.right({ state, seconds, trainLoss: loss, msPerStepMedian: median(stretches) });
}

/** Mean loss and accuracy on the test images. */
async function test(
  { data, signal, memory }: Run,
  trainer: Trainer,
  state: TrainState,
): Promise<Either.Either<Failure, Pick<EpochReport, "testLoss" | "testAccuracy">>> {
  let loss = 0, right = 0;
  for (const batch of batches(data.test, { size: testBatch })) {
    const totals = await read(trainer.test(state, batch));
    loss += totals[0];
    right += totals[1];
    memory.look();
    await breathe();
    if (signal.aborted) return Either.left(interrupted);
  }
  return Either.right({ testLoss: loss / data.test.count, testAccuracy: right / data.test.count });
}

function makeOptimizer({ optimizer, lr: learningRate, momentum }: Options): optimizers.Optimizer {
  return optimizer === "sgd" ? optimizers.sgd({ learningRate, momentum }) : optimizers[optimizer]({ learningRate });
}

function makeReport({ options, data }: Run, epochs: readonly EpochReport[], peakMemoryBytes: number): Report {
  const { model, batchSize } = options;
  const totalSeconds = performance.now() / 1000;
  return { device: deviceInfo().name, model, data: data.name, batchSize, epochs, totalSeconds, peakMemoryBytes };
}

function introduction({ options, data }: Run, { params }: TrainState): string {
  const { model, optimizer, lr, momentum, batchSize, seed } = options;
  const { name, description } = deviceInfo();
  const size = treeTensors(params).reduce((sum, { size }) => sum + size, 0);
  const method = optimizer === "sgd" ? `sgd, momentum ${momentum}` : optimizer;
  const counts = `${data.train.count.toLocaleString("en")} to train, ${data.test.count.toLocaleString("en")} to test`;
  return [
    `Data: ${data.name}, ${counts}`,
    `Model: ${model}, ${size.toLocaleString("en")} parameters; ${method}, lr ${lr}, batches of ${batchSize}, seed ${seed}`,
    `Device: ${name} (${description})`,
  ].join("\n");
}

function summary({ epoch, seconds, trainLoss, testLoss, testAccuracy, msPerStepMedian }: EpochReport, epochs: number): string {
  const losses = `train loss ${trainLoss.toFixed(4)}  test loss ${testLoss.toFixed(4)}`;
  return `epoch ${epoch}/${epochs}  ${losses}  test accuracy ${percent(testAccuracy, 2)}  ` +
    `${duration(seconds)}, ${msPerStepMedian.toFixed(2)} ms/step`;
}

function diverged(epoch: number, step: number, lr: number): string {
  return `The training diverged: after step ${step} of epoch ${epoch} the loss is not a finite number; try an --lr below ${lr}`;
}

if (import.meta.main) {
  const display = openDisplay();
  using interrupt = watchInterrupt();
  const outcome = await program(Deno.args, { display, signal: interrupt.signal })();
  display.close();
  if (Either.isLeft(outcome)) {
    const { message, exitCode } = outcome.left;
    if (message) console.error(message);
    Deno.exit(exitCode);
  }
}
