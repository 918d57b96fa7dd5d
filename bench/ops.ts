/**
 * Time of single operations.
 *
 * ```sh
 * deno task bench:ops --rows matmul:2048,softmax:2048:2048,convFilters:32:512:1:512:3 --device wasm
 * ```
 *
 * Prints one JSON object per row, as `bench:nets` does.
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import { deviceInfo, setDevice } from "../mod.ts";
import { callOf, defaultOperations, operationsOf } from "./operations.ts";
import { integer } from "./options.ts";
import { timeCalls } from "./timing.ts";

const { rows, device, threads, seconds } = new Command()
  .name("bench:ops")
  .description("Time of single operations, as JSON.")
  .option("--rows <names>", "comma-separated: an operation and its extents", operationsOf, [...defaultOperations])
  .addOption(
    new Option("--device <name>", "where to compute").choices(["auto", "wasm", "webgpu"] as const).default("auto" as const),
  )
  .option("--threads <count>", "threads of wasm (default: all cores)", integer(1))
  .option("--seconds <count>", "how long each row is timed", integer(1), 1)
  .parse(Deno.args, { from: "user" })
  .opts();

await setDevice(device, { threads });
for (const name of rows) {
  const timing = await timeCalls(callOf(name), seconds);
  console.log(JSON.stringify({ engine: "cotangent", device: deviceInfo().name, row: name, ...timing }));
}
