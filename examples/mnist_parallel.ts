/**
 * Trains a network by several processes, each on its part of every batch: the same numbers as by one, sooner.
 *
 * ```sh
 * mpirun -n 2 deno run -A examples/mnist_parallel.ts
 * mpirun -n 2 deno run -A examples/mnist_parallel.ts --checkpoint run   # goes on from there when it is started again
 * deno run examples/mnist_parallel.ts --help
 * ```
 *
 * Process 0 prints, and keeps the checkpoints; all others compute.
 *
 * @module
 */
import { allReduce, averageGradients, broadcast, init, type Processes } from "../distributed/mod.ts";
import { batches, type ImageDataset, shard } from "../datasets/mod.ts";
import { add, checkpoints, data, deviceInfo, item, optimizers, tensor } from "../mod.ts";
import { Either } from "../deps.ts";
import { Option } from "../dev_deps.ts";
import { integer, notEmpty } from "./cli/command.ts";
import { dataFlag, dataNotes, loadData } from "./cli/data.ts";
import { duration, percent } from "./cli/display.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { failed, type Failure, misused } from "./cli/failure.ts";
import { loading } from "./cli/loading.ts";
import { type ModelName, models } from "./parts/models.ts";
import { makeTrainer, noTotals, type Trainer, type TrainState } from "./parts/training.ts";

const command = exampleCommand("mnist_parallel.ts", "Trains by several processes: mpirun -n 2 deno run -A mnist_parallel.ts", {
  data: "synthetic",
  epochs: 1,
})
  .addOption(new Option("--model <name>", "the network").choices(Object.keys(models) as ModelName[]).default("cnn" as const))
  .option("--epochs <count>", "passes over the training images", integer(1), 3)
  .option("--batch-size <count>", "images per step, of all processes together", integer(1), 64)
  .option("--checkpoint <folder>", "keep there each epoch, and go on from the newest one", notEmpty)
  .option(...dataFlag)
  .addHelpText("after", `\n${dataNotes}`);

type Options = ReturnType<typeof command["opts"]>;

/** How many images are tested at once. */
const testBatch = 500;

/** Joins the other processes and trains with them. */
async function program(options: Options): Promise<Either.Either<Failure, void>> {
  const processes = init();
  const { rank, size } = processes;
  if (options.batchSize % size !== 0) {
    return Either.left(misused(`error: batches of ${options.batchSize} images cannot be shared among ${size} processes`));
  }
  const limit = options.smoke ? 2000 : undefined;
  const found = await loading((display) => loadData({ ...options, limit, program: "mnist_parallel.ts" }, display))();
  if (Either.isLeft(found)) return found;
  const say = rank === 0 ? console.log : () => {};
  say(
    `${size} process${size > 1 ? "es" : ""}, each with ${
      options.batchSize / size
    } images of every batch; ${deviceInfo().description}`,
  );
  return await train(options, found.right, processes, say);
}

/** Trains and tests epoch by epoch. */
async function train(
  { model, seed, epochs, batchSize, checkpoint }: Options,
  images: ImageDataset,
  { rank, size }: Processes,
  say: (text: string) => void,
): Promise<Either.Either<Failure, void>> {
  const optimizer = optimizers.sgd({ learningRate: 0.01, momentum: 0.5 });
  const trainer = makeTrainer(models[model], optimizer, images.train.shape, seed, { rank, average: averageGradients });
  const begun = await resumed(checkpoint, trainer.initial, rank);
  if (Either.isLeft(begun)) return begun;
  let [state, done] = begun.right;
  if (done > 0) say(`Goes on after epoch ${done}, kept in ${checkpoint}`);
  for (let epoch = done + 1; epoch <= epochs; epoch++) {
    const started = performance.now();
    const part = shard(images.train, { rank, size, key: seed, epoch });
    const parts = batches(part, { batchSize: batchSize / size, dropLast: true });
    state = { ...state, totals: noTotals() };
    let step = (epoch - 1) * parts.length;
    for (const batch of parts) state = trainer.step(state, batch, step++);
    const [lossSum] = await data(allReduce(state.totals, "sum"));
    const seconds = (performance.now() - started) / 1000;
    const [testLoss, accuracy] = await test(trainer, state, images, { rank, size });
    const losses = `train loss ${(lossSum / (parts.length * batchSize)).toFixed(4)}  test loss ${testLoss.toFixed(4)}`;
    say(`epoch ${epoch}/${epochs}  ${losses}  ${duration(seconds)}  test accuracy ${percent(accuracy, 2)}`);
    if (checkpoint === undefined || rank !== 0) continue;
    const saved = await checkpoints.save(checkpoint, epoch, state, { keep: 2, metric: accuracy })();
    if (saved._tag === "Left") return Either.left(failed(saved.left.message));
  }
  return Either.right(undefined);
}

/** The mean loss on the test images and the share of right answers, each process having looked at its part of them. */
async function test(trainer: Trainer, state: TrainState, { test }: ImageDataset, { rank, size }: { rank: number; size: number }) {
  let totals = noTotals();
  for (const batch of batches(shard(test, { rank, size, tail: "keep" }), { batchSize: testBatch })) {
    totals = add(totals, trainer.test(state, batch));
  }
  const [loss, right] = await data(allReduce(totals, "sum"));
  return [loss / test.count, right / test.count] as const;
}

/** The state after the newest epoch in the folder, and the number of that epoch. Process 0 reads it, for all. */
async function resumed(
  folder: string | undefined,
  initial: TrainState,
  rank: number,
): Promise<Either.Either<Failure, readonly [TrainState, epoch: number]>> {
  if (folder === undefined) return Either.right([initial, 0]);
  let newest = { step: 0, tree: initial };
  if (rank === 0) {
    const found = await checkpoints.restore(folder, initial)();
    if (found._tag === "Right") newest = found.right;
    else if (found.left.kind !== "NotFound") return Either.left(failed(found.left.message));
  }
  const { tree, step } = broadcast({ tree: newest.tree, step: tensor(newest.step, { dtype: "i32" }) });
  return Either.right([tree, await item(step)]);
}

if (import.meta.main) await runExample(command, program);
