/**
 * Scaling over processes of one thread each: time of a training step with one batch shared (strong) and with a batch for each (weak), with
 * and without overlap; and how long an exchange takes beside a plain copy of the same bytes.
 *
 * ```sh
 * deno task bench:parallel --processes 1,2,4      # starts mpirun itself, and MPI's own loop in C beside, if there is mpicc
 * mpirun -n 2 deno run -A bench/parallel.ts --model simple
 * ```
 *
 * Process 0 prints a JSON object. `bench/README.md` has figures, and what follows for many machines.
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

const command = new Command()
  .name("bench:parallel")
  .description("Time of a training step shared by processes, as JSON: mpirun -n 2 deno run -A bench/parallel.ts")
  .addOption(new Option("--model <name>", "the network").choices(Object.keys(models) as ModelName[]).default("simple" as const))
  .option("--steps <count>", "timed steps", integer(1), 60)
  .option("--batch-size <count>", "images of a step, shared by all (strong) or of each (weak)", integer(1), 64)
  .option("--no-overlap", "exchange at once, and compute nothing meanwhile")
  .option("--processes <list>", "comma-separated numbers of processes to start, with overlap and without")
  .parse(Deno.args, { from: "user" });
const { model, steps, batchSize, overlap, processes } = command.opts();

/** Elements of the arrays that are exchanged. */
const sizes = [1, 1024, 65_536, 1_200_000];

/** MPI's launcher; root may start more processes than there are cores. */
async function launch(count: number, args: readonly string[]): Promise<string> {
  const env = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1", OMPI_MCA_rmaps_base_oversubscribe: "1" };
  const run = new Deno.Command("mpirun", { args: ["-n", `${count}`, ...args], env, stderr: "inherit" });
  return new TextDecoder().decode((await run.output()).stdout);
}

/** All numbers of processes, and MPI's own loop. */
async function launchAll(list: string): Promise<void> {
  const own = [Deno.execPath(), "run", "-A", import.meta.filename!, "--model", model, "--steps", `${steps}`];
  for (const count of list.split(",").map(Number)) {
    console.log((await launch(count, own)).trim());
    if (count > 1) console.log((await launch(count, [...own, "--no-overlap"])).trim());
    await launchLoopInC(count);
  }
}

/** The same exchanges by a loop in C, if there is a compiler for it. */
async function launchLoopInC(count: number): Promise<void> {
  if (count < 2) return;
  const built = await Deno.makeTempFile();
  try {
    const source = new URL("peers/allreduce.c", import.meta.url).pathname;
    const { success } = await new Deno.Command("mpicc", { args: ["-O2", source, "-o", built] }).output();
    if (!success) return;
    const lines = (await launch(count, [built, ...sizes.map(String)])).trim().split("\n");
    const exchanges = lines.map((line) => line.split(" ").map(Number)).map(([elements, usMin, usMedian]) => {
      return { elements, usMin, usMedian };
    });
    console.log(JSON.stringify({ loop: "in C", size: count, exchanges }));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  } finally {
    await Deno.remove(built);
  }
}

if (processes !== undefined) {
  await launchAll(processes);
  Deno.exit(0);
}

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
const exchanges = size > 1 ? sizes.map(exchangeTime) : [];
if (rank === 0) console.log(JSON.stringify({ model, size, overlap, batchSize, strongMs: strong, weakMs: weak, exchanges }));
