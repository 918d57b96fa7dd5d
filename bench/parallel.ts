/**
 * Scaling over processes of one thread each: time of a training step with one batch shared (strong) and with a batch for each (weak), with
 * and without overlap; and how long an exchange takes beside a plain copy of the same bytes.
 *
 * ```sh
 * mpirun -n 2 deno run -A bench/parallel.ts --model simple
 * ```
 *
 * Prints a JSON object from process 0. `bench/README.md` has figures, and what follows for many machines.
 *
 * @module
 */
import { allReduce, averageGradients, barrier, init } from "../distributed/mod.ts";
import { batches, syntheticDigits } from "../datasets/mod.ts";
import { Command, Option } from "../dev_deps.ts";
import { type ModelName, models } from "../examples/parts/models.ts";
import { makeTrainer } from "../examples/parts/training.ts";
import { data, optimizers, realize, setDevice, zeros } from "../mod.ts";
import { integer, median } from "./options.ts";

const { model, steps, batchSize, overlap } = new Command()
  .name("bench:parallel")
  .description("Time of a training step shared by processes, as JSON: mpirun -n 2 deno run -A bench/parallel.ts")
  .addOption(new Option("--model <name>", "the network").choices(Object.keys(models) as ModelName[]).default("simple" as const))
  .option("--steps <count>", "timed steps", integer(1), 60)
  .option("--batch-size <count>", "images of a step, shared by all (strong) or of each (weak)", integer(1), 64)
  .option("--no-overlap", "exchange at once, and compute nothing meanwhile")
  .parse(Deno.args, { from: "user" })
  .opts();

const { rank, size } = init({ overlap });
await setDevice("wasm", { threads: 1 });
const round = (value: number, digits = 3) => Math.round(value * 10 ** digits) / 10 ** digits;

/** Milliseconds of a step on `count` images in this process. */
async function stepTime(count: number): Promise<{ median: number; min: number }> {
  const warmup = 5;
  const { train } = syntheticDigits({ train: count, test: 0 });
  const optimizer = optimizers.sgd({ learningRate: 0.001 });
  const trainer = makeTrainer(models[model], optimizer, train.shape, 0, { rank, average: averageGradients });
  let state = trainer.initial;
  const times: number[] = [];
  for (let i = 0; i < warmup + steps; i++) {
    const [batch] = batches(train, { batchSize: count });
    const begun = performance.now();
    state = trainer.step(state, batch, i);
    await data(state.totals);
    if (i >= warmup) times.push(performance.now() - begun);
  }
  return { median: round(median(times)), min: round(Math.min(...times)) };
}

/** Microseconds of an allReduce of f32, and of a copy of as many bytes. */
function exchangeTime(elements: number): { elements: number; usMin: number; usMedian: number; copyUs: number } {
  const x = zeros([elements]);
  realize(x);
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    barrier();
    const begun = performance.now();
    allReduce(x, "sum");
    times.push(1000 * (performance.now() - begun));
  }
  const [from, to] = [new Float32Array(elements), new Float32Array(elements)];
  const copies = Array.from({ length: 200 }, () => {
    const begun = performance.now();
    to.set(from);
    return 1000 * (performance.now() - begun);
  });
  return {
    elements,
    usMin: round(Math.min(...times), 1),
    usMedian: round(median(times), 1),
    copyUs: round(Math.min(...copies), 1),
  };
}

const strong = await stepTime(batchSize / size);
const weak = await stepTime(batchSize);
const exchanges = size > 1 ? [1, 1024, 65_536, 1_200_000].map(exchangeTime) : [];
if (rank === 0) console.log(JSON.stringify({ model, size, overlap, batchSize, strongMs: strong, weakMs: weak, exchanges }));
