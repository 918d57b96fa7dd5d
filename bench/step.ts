/**
 * Time of one training step of the example networks.
 *
 * ```sh
 * deno task bench:step --models fcn,cnn,simple,lenet --device wasm --batch 64 --steps 60
 * ```
 *
 * Prints one JSON object per model; `firstStepMs` is the first call of the step, with tracing and compiling.
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import { type ModelName, models } from "../examples/parts/models.ts";
import { deviceInfo, setDevice } from "../mod.ts";
import { integer, median, namesOf } from "./options.ts";
import { trainingStep } from "./training_step.ts";

const known = Object.keys(models) as ModelName[];

const { models: names, device, threads, native, batch, steps } = new Command()
  .name("bench:step")
  .description("Time of one training step of the example networks, as JSON.")
  .option("--models <names>", `comma-separated: ${known.join(", ")}`, namesOf(known), known)
  .addOption(
    new Option("--device <name>", "where to compute").choices(["auto", "wasm", "webgpu"] as const).default("auto" as const),
  )
  .option("--threads <count>", "threads of wasm (default: all cores)", integer(1))
  .option("--native", "machine code for the innermost loops of wasm")
  .option("--batch <size>", "examples per step", integer(1), 64)
  .option("--steps <count>", "timed steps", integer(1), 60)
  .parse(Deno.args, { from: "user" })
  .opts();

/** Steps that are not timed: machine code settles. */
const warmup = 20;

await setDevice(device, { threads, native });
for (const name of names) {
  const step = trainingStep(name, batch);
  const start = performance.now();
  await step();
  const firstStepMs = performance.now() - start;
  for (let i = 1; i < warmup; i++) await step();
  const times: number[] = [];
  for (let i = 0; i < steps; i++) {
    const begun = performance.now();
    await step();
    times.push(performance.now() - begun);
  }
  const round = (ms: number) => Math.round(ms * 1000) / 1000;
  console.log(JSON.stringify({
    engine: "cotangent",
    device: deviceInfo().name,
    model: name,
    batch,
    threads: threads ?? navigator.hardwareConcurrency,
    msMedian: round(median(times)),
    msMin: round(Math.min(...times)),
    firstStepMs: round(firstStepMs),
  }));
}
