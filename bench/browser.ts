/**
 * Time of a training step in a page, in Chromium without a window, in turn with Deno.
 *
 * ```sh
 * deno task bench:browser --models cnn,lenet --device wasm --rounds 3
 * ```
 *
 * Prints a JSON object for each model and engine: the median and the least of all rounds, and the least first step.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "../dev_deps.ts";
import { fileFor } from "../examples/browser/server.ts";
import { type ModelName, models } from "../examples/parts/models.ts";
import { type Timed, timeSteps, type Timing } from "./browser/steps.ts";
import { integer, median, namesOf } from "./options.ts";

const known = Object.keys(models) as ModelName[];

const { models: names, device, batch, steps, rounds } = new Command()
  .name("bench:browser")
  .description("Time of one training step of the example networks in Chromium and in Deno, as JSON.")
  .option("--models <names>", `comma-separated: ${known.join(", ")}`, namesOf(known), ["cnn"] as ModelName[])
  .addOption(new Option("--device <name>", "where to compute").choices(["wasm", "webgpu"] as const).default("wasm" as const))
  .option("--batch <size>", "examples per step", integer(1), 64)
  .option("--steps <count>", "timed steps in each round", integer(1), 300)
  .option("--rounds <count>", "rounds, Deno and the browser in turn", integer(1), 3)
  .parse(Deno.args, { from: "user" })
  .opts();

/** Bundles the worker that times, and a page that hands over what it says. */
async function build(folder: string): Promise<void> {
  const worker = fileURLToPath(new URL("browser/worker.ts", import.meta.url));
  const flags = ["--quiet", "--platform", "browser", "--code-splitting", "--minify", "--external", "./codecs.js"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args: ["bundle", ...flags, "--outdir", folder, worker] })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const script = `const worker = new Worker("worker.js" + location.search, { type: "module" });
const send = (result) => fetch("/", { method: "POST", body: JSON.stringify(result) });
worker.onmessage = ({ data }) => send(data);
worker.onerror = () => send("The worker could not be loaded");`;
  await Deno.writeTextFile(
    join(folder, "index.html"),
    `<!doctype html><link rel="icon" href="data:,"><script>${script}</script>`,
  );
}

/** Times steps in a browser that is started for it. */
async function inBrowser(folder: string, timing: Timing): Promise<Timed> {
  const result = Promise.withResolvers<Timed | string>();
  await using server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    if (request.method !== "POST") return await fileFor(request, folder, true);
    result.resolve(await request.json());
    return new Response();
  });
  const profile = await Deno.makeTempDir();
  const flags = ["--headless", "--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-webgpu", `--user-data-dir=${profile}`];
  const address = `http://localhost:${server.addr.port}/?${encodeURIComponent(JSON.stringify(timing))}`;
  const child = new Deno.Command("chromium", { args: [...flags, address], stdout: "null", stderr: "null" }).spawn();
  try {
    const timed = await result.promise;
    if (typeof timed === "string") throw new Error(timed);
    return timed;
  } finally {
    child.kill();
    await child.status;
    // Processes that the browser started may still write there.
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
}

const folder = await Deno.makeTempDir();
await build(folder);
for (const model of names) {
  const timing: Timing = { device, model, batch, steps };
  const engines = { deno: () => timeSteps(timing), chromium: () => inBrowser(folder, timing) };
  const found = Object.entries(engines).map(([engine, time]) => ({ engine, time, rounds: [] as Timed[] }));
  for (let round = 0; round < rounds; round++) for (const { time, rounds } of found) rounds.push(await time());
  const short = (ms: number) => Math.round(ms * 1000) / 1000;
  for (const { engine, rounds } of found) {
    const times = rounds.flatMap(({ times }) => times);
    console.log(JSON.stringify({
      engine,
      model,
      batch,
      description: rounds[0].description,
      msMedian: short(median(times)),
      msMin: short(times.reduce((least, ms) => Math.min(least, ms))),
      firstStepMs: short(Math.min(...rounds.map(({ first }) => first))),
    }));
  }
}
await Deno.remove(folder, { recursive: true });
