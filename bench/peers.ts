/**
 * The benches next to others' times for the same, in turn: ours, theirs, ours, theirs, each row in a process of its own.
 *
 * ```sh
 * deno task bench:peers --models fcn,cnn,simple,lenet --rounds 3 --device wasm
 * deno task bench:peers --benches nets,ops --nets resnet18:train:32:32,vgg11:train:64:16 --ops matmul:2048
 * ```
 *
 * Prints a JSON line for each comparison and then a table: the medians over the rounds of each process' median, and ours divided by
 * theirs; the same of the least times, for machines that others use, too; for networks and operations the first calls and the
 * most memory. What is not installed is named as missing. PyTorch computes on the CPU, and is kept from what the environment says
 * of OpenBLAS, which may hold it to slower code; onnxruntime runs the networks that are not trained, from our ONNX files; jax-js,
 * which takes seconds for some steps, runs in the first round only, on our device.
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import { type ModelName, models as networks } from "../examples/parts/models.ts";
import { defaultOperations, operationsOf } from "./operations.ts";
import { integer, median, namesOf } from "./options.ts";
import { startPeak } from "./peak.ts";
import { defaultRows, rowOf, rowsOf } from "./rows.ts";

const known = Object.keys(networks) as ModelName[];
const peerNames = ["torch", "onnxruntime", "jax-js"] as const;
const benchNames = ["step", "detector", "nets", "ops"] as const;

const { benches, models, nets, ops, peers, device, threads, batch, steps, seconds, rounds, jaxSteps } = new Command()
  .name("bench:peers")
  .description("Our benches next to others' times, as JSON and as a table.")
  .option("--benches <names>", `comma-separated: ${benchNames.join(", ")}`, namesOf(benchNames), [...benchNames])
  .option("--models <names>", `comma-separated: ${known.join(", ")}`, namesOf(known), known)
  .option("--nets <rows>", "comma-separated rows of bench:nets", rowsOf, [...defaultRows])
  .option("--ops <rows>", "comma-separated rows of bench:ops", operationsOf, [...defaultOperations])
  .option("--peers <names>", `comma-separated: ${peerNames.join(", ")}`, namesOf(peerNames), [...peerNames])
  .addOption(new Option("--device <name>", "ours and jax-js's").choices(["wasm", "webgpu"] as const).default("wasm" as const))
  .option(
    "--threads <count>",
    "threads, ours on wasm and PyTorch's (default: all cores)",
    integer(1),
    navigator.hardwareConcurrency,
  )
  .option("--batch <size>", "examples per step of a model", integer(1), 64)
  .option("--steps <count>", "timed steps of a model per round", integer(1), 60)
  .option("--seconds <count>", "how long a row of nets and ops is timed per round", integer(1), 3)
  .option("--rounds <count>", "processes of each", integer(1), 3)
  .option("--jax-steps <count>", "timed steps of jax-js", integer(1), 2)
  .parse(Deno.args, { from: "user" })
  .opts();

type PeerName = typeof peerNames[number];
type Line = Readonly<Record<string, unknown>>;
/** A program and its arguments. */
type Call = readonly string[];

/** One thing that is timed: ours, and theirs where they have it. */
interface Contest {
  readonly name: string;
  readonly unit: "ms" | "us";
  /** The fields of the line they print: the median, and the least. */
  readonly field: string;
  readonly least: string;
  readonly ours: Call;
  readonly theirs: Readonly<Partial<Record<PeerName, Call>>>;
}

const here = (file: string) => new URL(file, import.meta.url).pathname;

/** The environment but what OpenBLAS, which PyTorch uses, takes its choice of code from. */
const env = Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("OPENBLAS_")));

async function run([program, ...args]: Call): Promise<{ ok: boolean; out: string; error: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args, clearEnv: true, env }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { ok: success, out: text(stdout), error: text(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { ok: false, out: "", error: `there is no ${program}` };
    throw error;
  }
}

/** The JSON object that a program prints last. */
async function measure(call: Call): Promise<Line> {
  const { ok, out, error } = await run(call);
  if (!ok) throw new Error(`${call.join(" ")} failed: ${error}`);
  return JSON.parse(out.split("\n").at(-1)!);
}

/** A Python that has PyTorch: the one in the path may not be the system's. */
async function findTorch(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    if ((await run([python, "-c", "import torch"])).ok) return python;
  }
}

/** Whether the package that a peer's file names can be loaded. */
async function loads(file: string): Promise<boolean> {
  const source = await Deno.readTextFile(here(file));
  const [specifier] = source.match(/npm:[^"]+/)!;
  return (await run([Deno.execPath(), "eval", "--no-config", "--no-lock", `await import("${specifier}"); Deno.exit(0);`])).ok;
}

const wanted = (peer: PeerName) => peers.includes(peer);
const python = wanted("torch") ? await findTorch() : undefined;
const jaxBenches = benches.filter((bench) => bench === "step" || bench === "ops");
const jax = wanted("jax-js") && jaxBenches.length > 0 && await loads("peers/jaxjs_step.mts");
const onnx = wanted("onnxruntime") && benches.includes("nets") && await loads("peers/onnxruntime_nets.ts");
const deno = [Deno.execPath(), "run", "-A"] as const;
const ourOptions = ["--device", device, "--threads", `${threads}`] as const;

function stepContest(model: ModelName): Contest {
  const sizes = ["--models", model, "--batch", `${batch}`, "--steps", `${steps}`];
  return {
    name: model,
    unit: "ms",
    field: "msMedian",
    least: "msMin",
    ours: [...deno, here("step.ts"), ...sizes, ...ourOptions],
    theirs: {
      ...(python && { torch: [python, here("peers/torch_step.py"), ...sizes, "--threads", `${threads}`] }),
      ...(jax && {
        "jax-js": [...deno, "--no-config", "--no-lock", here("peers/jaxjs_step.mts"), device, model, `${batch}`, `${jaxSteps}`],
      }),
    },
  };
}

/** A row of bench:nets or bench:ops. */
function rowContest(bench: "nets" | "ops", name: string): Contest {
  const options = ["--rows", name, "--seconds", `${seconds}`, "--threads", `${threads}`];
  const infers = bench === "nets" && rowOf(name).mode === "infer";
  // Its pools have no padding.
  const inJax = bench === "ops" && !name.startsWith("maxPool");
  return {
    name,
    unit: "ms",
    field: "msMedian",
    least: "msMin",
    ours: [...deno, here(`${bench}.ts`), ...options, "--device", device],
    theirs: {
      ...(python && { torch: [python, here(`peers/torch_${bench}.py`), ...options] }),
      ...(onnx && infers && { onnxruntime: [...deno, "--no-lock", here("peers/onnxruntime_nets.ts"), ...options] }),
      ...(jax && inJax && {
        "jax-js": [...deno, "--no-config", "--no-lock", here("peers/jaxjs_ops.mts"), ...options, "--device", device],
      }),
    },
  };
}

const detectorContest: Contest = {
  name: "detector",
  unit: "us",
  field: "usPerStep",
  least: "usMin",
  ours: [...deno, here("detector.ts"), ...ourOptions],
  theirs: { ...(python && { torch: [python, here("peers/torch_detector.py")] }) },
};

const contests: readonly Contest[] = benches.flatMap((bench) => {
  if (bench === "step") return models.map(stepContest);
  if (bench === "detector") return [detectorContest];
  return (bench === "nets" ? nets : ops).map((name) => rowContest(bench, name));
});

/** What a process printed: its median, and its least time, first call and memory where it prints them. */
interface Time {
  readonly median: number;
  readonly least: number;
  readonly firstMs?: number;
  readonly peakMB?: number;
}

/** Times by contest and engine. */
const times = new Map<string, Time[]>();
const timesOf = (contest: Contest, engine: string) => times.get(`${contest.name} ${engine}`);

async function time(contest: Contest, engine: string, call: Call): Promise<void> {
  const line = await measure(call);
  const middle = line[contest.field] as number;
  const key = `${contest.name} ${engine}`;
  const { firstMs, peakMB } = line as { firstMs?: number; peakMB?: number };
  times.set(key, [...times.get(key) ?? [], { median: middle, least: line[contest.least] as number ?? middle, firstMs, peakMB }]);
}

async function playRound(contest: Contest, round: number): Promise<void> {
  await time(contest, "cotangent", contest.ours);
  for (const peer of peerNames) {
    const call = contest.theirs[peer];
    if (call && (peer !== "jax-js" || round === 0)) await time(contest, peer, call);
  }
}

const middleOf = (each: readonly Time[]) => median(each.map((time) => time.median));
const rounded = (x: number) => Number(x.toPrecision(4));

interface Comparison {
  readonly task: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: PeerName;
  readonly theirs: number;
  readonly ratio: number;
  /** Ours divided by theirs again, but of the least times: what is left of the ratio on a machine that others use, too. */
  readonly ratioOfLeast: number;
  /** The median first call, and the most memory of any round: ours and theirs. */
  readonly firstMs: readonly [number, number] | undefined;
  readonly peakMB: readonly [number, number] | undefined;
}

function compare(contest: Contest, peer: PeerName): Comparison[] {
  const [ours, theirs] = [timesOf(contest, "cotangent"), timesOf(contest, peer)];
  if (!ours || !theirs) return [];
  const [a, b] = [middleOf(ours), middleOf(theirs)];
  const [leastA, leastB] = [ours, theirs].map((each) => Math.min(...each.map(({ least }) => least)));
  const pairOf = (of: (all: readonly Time[]) => number | undefined): readonly [number, number] | undefined => {
    const [mine, its] = [of(ours), of(theirs)];
    return mine === undefined || its === undefined ? undefined : [rounded(mine), rounded(its)];
  };
  const known = (values: readonly (number | undefined)[]) => values.filter((value) => value !== undefined);
  return [{
    task: contest.name,
    unit: contest.unit,
    ours: rounded(a),
    peer,
    theirs: rounded(b),
    ratio: rounded(a / b),
    ratioOfLeast: rounded(leastA / leastB),
    firstMs: pairOf((all) => median(known(all.map(({ firstMs }) => firstMs)))),
    peakMB: pairOf((all) => known(all.map(({ peakMB }) => peakMB)).toSorted((a, b) => b - a).at(0)),
  }];
}

function table(rows: readonly Comparison[]): string {
  const head = ["task", "unit", "ours", "peer", "theirs", "ours / theirs", "of least times", "first calls", "most MB"];
  const both = (pair: readonly [number, number] | undefined) => pair ? pair.join(" / ") : "";
  const cells = rows.map(({ task, unit, ours, peer, theirs, ratio, ratioOfLeast, firstMs, peakMB }) =>
    [task, unit, ours, peer, theirs, ratio, ratioOfLeast, both(firstMs), both(peakMB)].map(String)
  );
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i].length)));
  return [head, ...cells].map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd()).join("\n");
}

/** Which part of the threads' speed is free: that of all at once, divided by that of one times their number. */
function freeShare(): number {
  const speed = (count: number) => {
    const peak = startPeak(count);
    const speeds = Array.from({ length: 9 }, () => peak.measure());
    peak.stop();
    return median(speeds);
  };
  return speed(threads) / (threads * speed(1));
}

const free = [freeShare()];
for (let round = 0; round < rounds; round++) {
  for (const contest of contests) await playRound(contest, round);
  free.push(freeShare());
}
const comparisons = contests.flatMap((contest) => peerNames.flatMap((peer) => compare(contest, peer)));
for (const each of comparisons) console.log(JSON.stringify({ ...each, device, threads, rounds }));
for (const contest of contests) {
  if (Object.keys(contest.theirs).length > 0) continue;
  console.log(JSON.stringify({ task: contest.name, unit: contest.unit, ours: middleOf(timesOf(contest, "cotangent")!), device }));
}
console.log(JSON.stringify({ task: "machine", threads, freeAtLeast: rounded(Math.min(...free)) }));
if (comparisons.length > 0) console.log(table(comparisons));
if (Math.min(...free) < 0.9) console.log("Other programs were running: read the ratio of least times, or measure again.");
if (wanted("torch") && !python) console.log("Missing: PyTorch (python3 -c 'import torch' fails; Debian has python3-torch)");
if (wanted("jax-js") && jaxBenches.length > 0 && !jax) console.log("Missing: jax-js (it could not be loaded from npm)");
if (wanted("onnxruntime") && benches.includes("nets") && !onnx) {
  console.log("Missing: onnxruntime (its package could not be loaded from npm)");
}
