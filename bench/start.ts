/**
 * Time from the start of a process until `mod.ts` is imported and until the first loss is there, modules being cached.
 *
 * ```sh
 * deno task bench:start --models cnn --device wasm --threads 1 --runs 15 --beside ../an-older-checkout
 * ```
 *
 * Prints one JSON object per model and checkout: medians and least of `importMs` and `lossMs`, as the starting process sees them.
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import { type ModelName, models } from "../examples/parts/models.ts";
import { integer, median, namesOf } from "./options.ts";

const known = Object.keys(models) as ModelName[];

const { models: names, device, threads, runs, beside } = new Command()
  .name("bench:start")
  .description("Time from the start of a process until the library is imported, and until the first loss, as JSON.")
  .option("--models <names>", `comma-separated: ${known.join(", ")}`, namesOf(known), ["cnn"])
  .addOption(
    new Option("--device <name>", "where to compute").choices(["auto", "wasm", "webgpu"] as const).default("auto" as const),
  )
  .option("--threads <count>", "threads of wasm (default: all cores)", integer(1))
  .option("--runs <count>", "processes, after one that is not counted", integer(1), 15)
  .option("--beside <folder>", "another checkout of this project, started in turn with this one")
  .parse(Deno.args, { from: "user" })
  .opts();

/** What a process runs: a line when the library is imported, and one when there is a loss. */
function program(root: URL, model: string): string {
  return `
    import { setDevice } from "${new URL("mod.ts", root)}";
    import { trainingStep } from "${new URL("bench/training_step.ts", root)}";
    console.log("imported");
    await setDevice("${device}", ${JSON.stringify({ threads })});
    await trainingStep("${model}", 64)();
    console.log("loss");
    Deno.exit();`;
}

/** Milliseconds from the start of a process to each line that it prints. */
async function timesOf(source: string): Promise<number[]> {
  const begun = performance.now();
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", "-"], stdin: "piped", stdout: "piped" });
  const child = command.spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(source));
  await input.close();
  const times: number[] = [];
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    for (let lines = text.split("\n").length - 1; lines > 0; lines--) times.push(performance.now() - begun);
  }
  if (!(await child.status).success || times.length !== 2) throw new Error("The process that was started failed");
  return times;
}

const here = new URL("..", import.meta.url);
const roots = beside === undefined ? [here] : [here, new URL(`${beside}/`, `file://${Deno.cwd()}/`)];
for (const model of names) {
  const found = roots.map((root) => ({ root, source: program(root, model), importMs: [] as number[], lossMs: [] as number[] }));
  for (let run = 0; run <= runs; run++) {
    for (const { source, importMs, lossMs } of found) {
      const [imported, loss] = await timesOf(source);
      if (run === 0) continue;
      importMs.push(imported);
      lossMs.push(loss);
    }
  }
  const summary = (values: readonly number[]) => ({
    median: Math.round(median(values)),
    min: Math.round(Math.min(...values)),
  });
  for (const { root, importMs, lossMs } of found) {
    console.log(JSON.stringify({ model, folder: root.pathname, importMs: summary(importMs), lossMs: summary(lossMs) }));
  }
}
