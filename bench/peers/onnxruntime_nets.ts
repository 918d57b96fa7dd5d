/**
 * onnxruntime's times for the rows of bench:nets that are not trained: the same networks, from the files that `onnx.encode` makes.
 *
 * Run: deno run -A --no-lock bench/peers/onnxruntime_nets.ts --rows resnet18:infer:224:1 --threads 2 --seconds 4
 *
 * The package is loaded by a specifier that is no literal, so that this project's lock and type check do not depend on it. Memory is
 * left out, as the process has ours, too. Prints one JSON object per row.
 *
 * @module
 */
import { Command } from "../../dev_deps.ts";
import { data, layers, setDevice } from "../../mod.ts";
import { encode } from "../../onnx/mod.ts";
import { inputOf, modelOf } from "../networks.ts";
import { integer } from "../options.ts";
import { rowOf, rowsOf } from "../rows.ts";
import { timeCalls } from "../timing.ts";

const specifier: string = "npm:onnxruntime-node@1.30.0";
/** What is used of the package. */
interface Runtime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<{ inputNames: string[]; run(feeds: object): Promise<unknown> }>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => object;
}
const { InferenceSession, Tensor }: Runtime = await import(specifier);

const { rows, threads, seconds } = new Command()
  .requiredOption("--rows <names>", "comma-separated: network:infer:size:batch", rowsOf)
  .option("--threads <count>", "threads", integer(1), navigator.hardwareConcurrency)
  .option("--seconds <count>", "how long each row is timed", integer(1), 4)
  .parse(Deno.args, { from: "user" })
  .opts();

await setDevice("wasm");
for (const name of rows) {
  const row = rowOf(name);
  const { model, params, state } = modelOf(row);
  const x = inputOf(row);
  const bytes = await encode((input: typeof x) => model.apply(params, state, input, layers.evalMode)[0], [x]);
  const options = { logSeverityLevel: 3, intraOpNumThreads: threads, interOpNumThreads: 1 };
  const session = await InferenceSession.create(bytes, options);
  const feeds = { [session.inputNames[0]]: new Tensor(x.dtype === "i32" ? "int32" : "float32", await data(x), x.shape) };
  const { peakMB: _, ...timing } = await timeCalls(() => session.run(feeds), seconds);
  console.log(JSON.stringify({ engine: "onnxruntime", row: name, threads, ...timing }));
}
// Its threads would keep the process alive.
Deno.exit(0);
