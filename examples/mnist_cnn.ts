/**
 * Trains a convolutional network (or another one, with `--model`) to read handwritten digits.
 *
 * ```sh
 * deno run examples/mnist_cnn.ts              # no permission needed: digits that Cotangent draws itself
 * deno run -A examples/mnist_cnn.ts           # MNIST, downloaded once and kept in the cache folder
 * deno run examples/mnist_cnn.ts --help
 * ```
 *
 * The networks are in `parts/models.ts`, a step and a test in `parts/training.ts`; here is the way from the command line to the report, and in
 * `cli` what surrounds it: flags, data, progress, Ctrl-C.
 *
 * @module
 */
import { Either, pipe, TaskEither } from "../deps.ts";
import { deviceInfo, optimizers, treeTensors } from "../mod.ts";
import { loadData } from "./cli/data.ts";
import { chooseDevice, guarded } from "./cli/device.ts";
import { duration, lossText, openDisplay, percent } from "./cli/display.ts";
import { type Run, type RunContext, test, trainEpoch } from "./cli/epoch.ts";
import type { Failure } from "./cli/failure.ts";
import { orInterrupted, watchInterrupt } from "./cli/interrupt.ts";
import { watchMemory } from "./cli/measure.ts";
import { type Options, parseOptions } from "./cli/options.ts";
import { type EpochReport, openReport, type Report } from "./cli/report.ts";
import { type Model, models } from "./parts/models.ts";
import { makeTrainer, type Trainer, type TrainState } from "./parts/training.ts";

/** The whole program: Left if it ends early. */
function program(args: readonly string[], { display, signal }: RunContext): TaskEither.TaskEither<Failure, void> {
  return pipe(
    TaskEither.fromEither(parseOptions(args)),
    TaskEither.chainFirst((options) => chooseDevice(options)),
    TaskEither.flatMap((options) =>
      pipe(
        openReport(options.report),
        TaskEither.flatMap((writeReport) =>
          pipe(
            orInterrupted(signal, loadData({ ...options, program: "mnist_cnn.ts" }, display)),
            TaskEither.flatMap((data) =>
              guarded(() => train({ options, data, writeReport, display, signal, memory: watchMemory() }))
            ),
          )
        ),
      )
    ),
  );
}

/** Trains and tests epoch by epoch; the report is brought up to date after each, and also if there is no next one. */
async function train(run: Run): Promise<Either.Either<Failure, void>> {
  const { options, data, writeReport, display, memory } = run;
  const model: Model = models[options.model];
  const trainer = makeTrainer(model, makeOptimizer(options), data.train.shape, options.seed);
  display.line(introduction(run, trainer.initial));

  const epochs: EpochReport[] = [];
  let state = trainer.initial;
  let written: Either.Either<Failure, void> = Either.right(undefined);
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const passed = await trainAndTest(run, trainer, state, epoch);
    if (Either.isRight(passed)) {
      const [next, report] = passed.right;
      state = next;
      epochs.push(report);
    }
    // Before anything is printed: the terminal may be gone.
    written = await writeReport(makeReport(run, epochs, memory.peak))();
    if (Either.isRight(passed)) display.line(summary(epochs[epoch - 1], options.epochs));
    if (Either.isLeft(passed)) return passed;
    // The next epoch brings another report: a disk that is full for a while ends no training.
    if (Either.isLeft(written) && epoch < options.epochs) display.line(written.left.message);
  }
  return written;
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
        () => test(run, trainer, state, epoch),
        TaskEither.map((tested) => [state, { epoch, seconds, trainLoss, ...tested, msPerStepMedian }] as const),
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
