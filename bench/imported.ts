/**
 * Time of networks from elsewhere that `onnx.load` makes functions, next to onnxruntime, in turn in one process.
 *
 * ```sh
 * deno task bench:imported --networks classifier,detection --seconds 10
 * ```
 *
 * Prints one JSON object per network: the least times of both in milliseconds, their ratio, and the first call with tracing and compiling.
 *
 * @module
 */
import { Command } from "../dev_deps.ts";
import { data, jit, orThrow, setDevice, type Tensor } from "../mod.ts";
import * as onnx from "../onnx/mod.ts";
import { type ImportedName, importedNetworks } from "./imported_networks.ts";
import { integer, namesOf } from "./options.ts";
import { openRuntime } from "./peers/onnxruntime.ts";

const names: readonly ImportedName[] = ["classifier", "recognition", "detection", "silero"];

const { networks, threads, seconds } = new Command()
  .name("bench:imported")
  .description("Time of imported networks on wasm next to onnxruntime, as JSON.")
  .option("--networks <names>", `comma-separated: ${names.join(", ")}`, namesOf(names), [...names])
  .option("--threads <count>", "threads of both", integer(1), navigator.hardwareConcurrency)
  .option("--seconds <count>", "how long each network is timed", integer(1), 8)
  .parse(Deno.args, { from: "user" })
  .opts();

/** Calls in a row of one of the two: the first finds the other's threads and memory about. */
const turn = 5;

await setDevice("wasm", { threads });
const all = await importedNetworks();
for (const name of networks) {
  const { bytes, inputs, constants } = all[name];
  const { params, apply } = await orThrow(onnx.load(bytes));
  const f = jit((p: typeof params, xs: Readonly<Record<string, Tensor>>) => apply(p, { ...xs, ...constants }));
  const ours = async () => await Promise.all(Object.values(f(params, inputs)).map((y) => data(y)));
  const session = await openRuntime(bytes, threads);
  const feeds = await session.feeds({ ...inputs, ...constants });
  const theirs = () => session.run(feeds);
  const timed = async (call: () => Promise<unknown>) => {
    const start = performance.now();
    await call();
    return performance.now() - start;
  };
  const least = async (call: () => Promise<unknown>, before: number) => {
    for (let i = 0; i < turn; i++) before = Math.min(before, await timed(call));
    return before;
  };
  const firstMs = await timed(ours);
  let [ms, theirMs] = [Infinity, Infinity];
  for (const end = performance.now() + 1e3 * seconds; performance.now() < end;) {
    ms = await least(ours, ms);
    theirMs = await least(theirs, theirMs);
  }
  const round = (x: number) => Number(x.toPrecision(3));
  console.log(JSON.stringify({
    network: name,
    threads,
    msMin: round(ms),
    onnxruntimeMsMin: round(theirMs),
    ratioOfLeast: round(ms / theirMs),
    firstMs: round(firstMs),
  }));
}
// The runtime's threads would keep the process alive.
Deno.exit(0);
