/**
 * Saving and loading: the 46 MB of a ResNet-18 as safetensors and npz, a file of PyTorch if one is given, and one tensor of a large file.
 *
 * ```sh
 * deno task bench:files --megabytes 1024 --rounds 10
 * deno task bench:files --pt resnet18.pth
 * ```
 *
 * Prints a JSON object a line: the least, the median and the first in milliseconds, and for the large file how much memory the process takes more. Files
 * are written to the system's folder for temporary files, which may be in memory; `--folder` names another.
 *
 * @module
 */
import { Command } from "../dev_deps.ts";
import { formats, layers, ones, orThrow, random, realize, type Tensor, treeTensors } from "../mod.ts";
import { integer, median } from "./options.ts";

const { megabytes, rounds, folder: above, pt, read } = new Command()
  .name("bench:files")
  .description("Times of saving and loading, as JSON.")
  .option("--megabytes <count>", "size of the file of which one tensor is read, 0 for none", integer(0), 1024)
  .option("--rounds <count>", "how often each is done", integer(1), 10)
  .option("--folder <path>", "where files are written")
  .option("--pt <path>", "a file of PyTorch to read")
  .option("--read <path>", "only read one tensor of this safetensors file")
  .parse(Deno.args, { from: "user" })
  .opts();

/** Does something several times. */
async function timed(
  what: string,
  run: () => Promise<unknown>,
  facts: () => Record<string, unknown> = () => ({}),
): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  const shown = { least: Math.min(...times), median: median(times), first: times[0] };
  console.log(JSON.stringify({
    what,
    ...Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, +value.toFixed(2)])),
    ...facts(),
  }));
}

const megabytesOf = (bytes: number) => +(bytes / 1e6).toFixed(1);

if (read !== undefined) {
  await oneOf(read);
  Deno.exit();
}
const folder = await Deno.makeTempDir({ dir: above, prefix: "cotangent_bench_" });
try {
  const { params, state } = layers.zoo.resNet({ classes: 1000 }).init(random.key(0), [3, 224, 224]);
  const tensors = layers.stateDict(params, state);
  await realize(treeTensors(tensors));
  const size = (path: string) => () => ({ megabytes: megabytesOf(Deno.statSync(path).size) });
  for (const [name, { save, load }] of [["safetensors", formats.safetensors], ["npz", formats.npz]] as const) {
    const path = `${folder}/resnet18.${name}`;
    await timed(`save ${name}`, () => orThrow(save(path, tensors)), size(path));
    await timed(`load ${name}`, () => orThrow<{ message: string }, unknown>(load(path)), size(path));
    await Deno.remove(path);
  }
  if (pt !== undefined) await timed("load pt", () => orThrow(formats.torch.load(pt)), size(pt));
  if (megabytes > 0) await large(`${folder}/large.safetensors`);
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Writes a large file, and has one tensor of it read by a process that has done nothing else. */
async function large(path: string): Promise<void> {
  const block = ones([1024, 1024]);
  const names = Array.from({ length: Math.ceil(megabytes / 4) }, (_, i) => `layer${i}.weight`);
  await orThrow(formats.safetensors.save(path, Object.fromEntries(names.map((name): [string, Tensor] => [name, block]))));
  const args = ["run", "-A", import.meta.filename!, "--read", path, "--rounds", `${rounds}`];
  await new Deno.Command(Deno.execPath(), { args }).spawn().status;
}

/** Opens a file, reads the tensor in its middle, and closes it. */
async function oneOf(path: string): Promise<void> {
  const before = Deno.memoryUsage().rss;
  let bytes = 0;
  // What one reading takes: later ones leave what is not collected yet.
  let more: number | undefined;
  await timed("one tensor", async () => {
    using file = await orThrow(formats.safetensors.open(path));
    const [name, { offsets }] = [...file.entries][file.entries.size >> 1];
    await orThrow(file.read(name));
    bytes = offsets[1] - offsets[0];
    more ??= Deno.memoryUsage().rss - before;
  }, () => ({ megabytes: megabytesOf(bytes), of: megabytesOf(Deno.statSync(path).size), moreMemory: megabytesOf(more!) }));
}
