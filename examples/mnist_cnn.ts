/**
 * Trains a convolutional network (or another one, with `--model`) to read handwritten digits.
 *
 * ```sh
 * deno run examples/mnist_cnn.ts              # no permission needed: digits that Cotangent draws itself
 * deno run -A examples/mnist_cnn.ts           # MNIST, downloaded once and kept in the cache folder
 * deno run -A examples/mnist_cnn.ts --checkpoint run --resume --save digits.safetensors   # may be broken off and started again
 * deno run examples/mnist_cnn.ts --help
 * ```
 *
 * The networks are in `parts/models.ts`, a step and a test in `parts/training.ts`; here is the way from the command line to the report, and in
 * `cli` what surrounds it: flags, data, progress, checkpoints, Ctrl-C.
 *
 * @module
 */
import { Either, pipe, TaskEither } from "../deps.ts";
import { deviceInfo, optimizers, treeTensors } from "../mod.ts";
import { loadData } from "./cli/data.ts";
import { chooseDevice, guarded } from "./cli/device.ts";
import { type Display, duration, lossText, openDisplay, percent } from "./cli/display.ts";
import { type Run, type RunContext, test, trainEpoch } from "./cli/epoch.ts";
import type { Failure } from "./cli/failure.ts";
import { orInterrupted, watchInterrupt } from "./cli/interrupt.ts";
import { watchMemory } from "./cli/measure.ts";
import { type Options, parseOptions } from "./cli/options.ts";
import { beginning, openKeeper, type Progress } from "./cli/progress.ts";
import { type EpochReport, openReport, type Report } from "./cli/report.ts";
import { openModelFile } from "./cli/saved_model.ts";
import { type Model, models } from "./parts/models.ts";
import { makeTrainer, mnistPixels, type Trainer, type TrainState } from "./parts/training.ts";

/** The whole program: Left if it ends early. */
function program(args: readonly string[], { display, signal }: RunContext): TaskEither.TaskEither<Failure, void> {
  return pipe(
    TaskEither.fromEither(parseOptions(args)),
    TaskEither.chainFirst((options) => chooseDevice(options)),
    TaskEither.flatMap((options) =>
      pipe(
        prepared(options, display, signal),
        TaskEither.flatMap((prepared) => guarded(() => train({ options, display, signal, memory: watchMemory(), ...prepared }))),
      )
    ),
  );
}

/** The data, and all that is to be written: whether it can be is looked at before anything takes time. */
function prepared(options: Options, display: Display, signal: AbortSignal) {
  return pipe(
    TaskEither.Do,
    TaskEither.bindW("writeReport", () => openReport(options.report)),
    TaskEither.bindW("writeModel", () => openModelFile(options.save)),
    TaskEither.bindW("keeperOf", () => openKeeper(options, display.line)),
    TaskEither.bindW("data", () => orInterrupted(signal, loadData({ ...options, program: "mnist_cnn.ts" }, display))),
    TaskEither.map(({ keeperOf, ...rest }) => ({ ...rest, keeper: keeperOf(rest.data) })),
  );
}

/** Trains and tests epoch by epoch; the report is brought up to date after each, and also if there is no next one. */
async function train(run: Run): Promise<Either.Either<Failure, void>> {
  const { options, data, writeReport, writeModel, keeper, display, memory } = run;
  const model: Model = models[options.model];
  const trainer = makeTrainer(model, makeOptimizer(options), data.train.shape, options.seed);
  display.line(introduction(run, trainer.initial));

  const begun = await keeper.resume(beginning(trainer.initial))();
  if (Either.isLeft(begun)) return begun;
  let progress = begun.right;
  let written: Either.Either<Failure, void> = Either.right(undefined);
  if (progress.epochs.length > 0) written = await writeReport(makeReport(run, progress.epochs, memory.peak))();
  while (progress.epoch <= options.epochs) {
    const passed = await trainAndTest(run, trainer, progress);
    if (Either.isRight(passed)) {
      progress = passed.right;
      await keeper.afterEpoch(progress);
    }
    // Before anything is printed: the terminal may be gone.
    written = await writeReport(makeReport(run, progress.epochs, memory.peak))();
    if (Either.isLeft(passed)) return passed;
    display.line(summary(progress.epochs[progress.epochs.length - 1], options.epochs));
    // The next epoch brings another report: a disk that is full for a while ends no training.
    if (Either.isLeft(written) && progress.epoch <= options.epochs) display.line(written.left.message);
  }
  const { params, state } = progress.train;
  const saved = await writeModel({ model: options.model, classNames: data.classNames, pixels: mnistPixels, params, state })();
  const kept = await keeper.finish();
  return [written, saved, kept].find(Either.isLeft) ?? Either.right(undefined);
}

/** One epoch, or what is left of it: training, then the test. */
function trainAndTest(run: Run, trainer: Trainer, from: Progress): Promise<Either.Either<Failure, Progress>> {
  return pipe(
    () => trainEpoch(run, trainer, from),
    TaskEither.flatMap(({ progress, seconds, trainLoss, msPerStepMedian }) =>
      pipe(
        () => test(run, trainer, progress),
        TaskEither.map((tested): Progress => {
          const { train, epoch, epochs } = progress;
          const report = { epoch, seconds, trainLoss, ...tested, msPerStepMedian };
          return { ...beginning(train), epoch: epoch + 1, epochs: [...epochs, report] };
        }),
      )
    ),
  )();
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
  const losses = `train loss ${lossText(trainLoss)}  test loss ${lossText(testLoss)}`;
  return `epoch ${epoch}/${epochs}  ${losses}  test accuracy ${percent(testAccuracy, 2)}  ` +
    `${duration(seconds)}, ${msPerStepMedian.toFixed(2)} ms/step`;
}

async function main(args: readonly string[]): Promise<void> {
  using interrupt = watchInterrupt();
  using display = openDisplay();
  const outcome = await program(args, { display, signal: interrupt.signal })();
  if (Either.isRight(outcome)) return;
  const { message, exitCode } = outcome.left;
  display.close();
  if (message) console.error(message);
  Deno.exit(exitCode);
}

if (import.meta.main) await main(Deno.args);
