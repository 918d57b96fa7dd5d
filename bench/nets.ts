/**
 * Time of networks that people train and run, at several sizes and batches.
 *
 * ```sh
 * deno task bench:nets --rows resnet18:train:32:32,resnet18:infer:224:1 --device wasm --seconds 4
 * ```
 *
 * Prints one JSON object per row: the median and the least of a step, the first call with tracing and compiling, and the most memory
 * that the process had (of several rows in one process it is that of the largest so far).
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import { deviceInfo, setDevice } from "../mod.ts";
import { stepOf } from "./networks.ts";
import { integer } from "./options.ts";
import { defaultRows, rowOf, rowsOf } from "./rows.ts";
import { timeCalls } from "./timing.ts";

const { rows, device, threads, native, seconds } = new Command()
  .name("bench:nets")
  .description("Time of networks that people train and run, as JSON.")
  .option("--rows <names>", "comma-separated: network:mode:size:batch", rowsOf, [...defaultRows])
  .addOption(
    new Option("--device <name>", "where to compute").choices(["auto", "wasm", "webgpu"] as const).default("auto" as const),
  )
  .option("--threads <count>", "threads of wasm (default: all cores)", integer(1))
  .option("--native", "machine code for the innermost loops of wasm")
  .option("--seconds <count>", "how long each row is timed", integer(1), 4)
  .parse(Deno.args, { from: "user" })
  .opts();

await setDevice(device, { threads, native });
for (const name of rows) {
  const timing = await timeCalls(stepOf(rowOf(name)), seconds);
  console.log(JSON.stringify({ engine: "cotangent", device: deviceInfo().name, row: name, ...timing }));
}
