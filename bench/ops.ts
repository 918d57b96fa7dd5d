/**
 * Time of single operations.
 *
 * ```sh
 * deno task bench:ops --rows matmul:2048,softmax:2048:2048,convFilters:32:512:1:512:3 --device wasm
 * ```
 *
 * Prints one JSON object per row, as `bench:nets` does. Of operations that do little but move numbers it also says how long it takes to
 * move as many once, by a negation of half as many.
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import { deviceInfo, setDevice } from "../mod.ts";
import { callOf, defaultOperations, moveOf, operationsOf } from "./operations.ts";
import { integer } from "./options.ts";
import { timeCalls } from "./timing.ts";

const { rows, device, threads, native, seconds } = new Command()
  .name("bench:ops")
  .description("Time of single operations, as JSON.")
  .option("--rows <names>", "comma-separated: an operation and its extents", operationsOf, [...defaultOperations])
  .addOption(
    new Option("--device <name>", "where to compute").choices(["auto", "wasm", "webgpu"] as const).default("auto" as const),
  )
  .option("--threads <count>", "threads of wasm (default: all cores)", integer(1))
  .option("--native", "machine code for the innermost loops of wasm")
  .option("--seconds <count>", "how long each row is timed", integer(1), 1)
  .parse(Deno.args, { from: "user" })
  .opts();

await setDevice(device, { threads, native });
for (const name of rows) {
  const timing = await timeCalls(callOf(name), seconds);
  const move = moveOf(name);
  const moving = move && await timeCalls(move, seconds / 4);
  const ceiling = moving && { msToMove: moving.msMedian, msToMoveMin: moving.msMin };
  console.log(JSON.stringify({ engine: "cotangent", device: deviceInfo().name, row: name, ...timing, ...ceiling }));
}
