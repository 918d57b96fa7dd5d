/**
 * The benches next to PyTorch's and jax-js's times for the same, in turn: ours, theirs, ours, theirs, each in a process of its own.
 *
 * ```sh
 * deno task bench:peers --models fcn,cnn,simple,lenet --rounds 3 --device wasm
 * ```
 *
 * Prints a JSON line for each comparison and then a table: the medians over the rounds of each process' median, and ours divided by
 * theirs; the same of the least times, for machines that others use, too. What is not installed is named as missing. PyTorch computes on the CPU; jax-js, which takes seconds for some steps, runs in
 * the first round only, on our device.
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import { type ModelName, models as networks } from "../examples/parts/models.ts";
import { integer, median, namesOf } from "./options.ts";
import { startPeak } from "./peak.ts";

const known = Object.keys(networks) as ModelName[];
const peerNames = ["torch", "jax-js"] as const;

const { models, peers, device, threads, batch, steps, rounds, jaxSteps, detector } = new Command()
  .name("bench:peers")
  .description("Our benches next to PyTorch's and jax-js's times, as JSON and as a table.")
  .option("--models <names>", `comma-separated: ${known.join(", ")}`, namesOf(known), known)
  .option("--peers <names>", `comma-separated: ${peerNames.join(", ")}`, namesOf(peerNames), [...peerNames])
  .addOption(new Option("--device <name>", "ours and jax-js's").choices(["wasm", "webgpu"] as const).default("wasm" as const))
  .option(
    "--threads <count>",
    "threads, ours on wasm and PyTorch's (default: all cores)",
    integer(1),
    navigator.hardwareConcurrency,
  )
  .option("--batch <size>", "examples per step", integer(1), 64)
  .option("--steps <count>", "timed steps per round", integer(1), 60)
  .option("--rounds <count>", "processes of each", integer(1), 3)
  .option("--jax-steps <count>", "timed steps of jax-js", integer(1), 2)
  .option("--no-detector", "leave the single-sample loop out")
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

async function run([program, ...args]: Call): Promise<{ ok: boolean; out: string; error: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
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

async function hasJax(): Promise<boolean> {
  const source = await Deno.readTextFile(here("peers/jaxjs_step.mts"));
  const [specifier] = source.match(/npm:@jax-js[^"]+/)!;
  return (await run([Deno.execPath(), "eval", "--no-config", "--no-lock", `await import("${specifier}"); Deno.exit(0);`])).ok;
}

const wanted = (peer: PeerName) => peers.includes(peer);
const python = wanted("torch") ? await findTorch() : undefined;
const jax = wanted("jax-js") && await hasJax();
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

const contests: Contest[] = [
  ...models.map(stepContest),
  ...(detector
    ? [
      {
        name: "detector",
        unit: "us",
        field: "usPerStep",
        least: "usMin",
        ours: [...deno, here("detector.ts"), ...ourOptions],
        theirs: { ...(python && { torch: [python, here("peers/torch_detector.py")] }) },
      } as const,
    ]
    : []),
];

/** What a process printed: its median, and its least time where it prints one. */
interface Time {
  readonly median: number;
  readonly least: number;
}

/** Times by contest and engine. */
const times = new Map<string, Time[]>();
const timesOf = (contest: Contest, engine: string) => times.get(`${contest.name} ${engine}`);

async function time(contest: Contest, engine: string, call: Call): Promise<void> {
  const line = await measure(call);
  const middle = line[contest.field] as number;
  const key = `${contest.name} ${engine}`;
  times.set(key, [...times.get(key) ?? [], { median: middle, least: line[contest.least] as number ?? middle }]);
}

async function playRound(contest: Contest, round: number): Promise<void> {
  await time(contest, "cotangent", contest.ours);
  if (contest.theirs.torch) await time(contest, "torch", contest.theirs.torch);
  if (contest.theirs["jax-js"] && round === 0) await time(contest, "jax-js", contest.theirs["jax-js"]);
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
}

function compare(contest: Contest, peer: PeerName): Comparison[] {
  const [ours, theirs] = [timesOf(contest, "cotangent"), timesOf(contest, peer)];
  if (!ours || !theirs) return [];
  const [a, b] = [middleOf(ours), middleOf(theirs)];
  const [leastA, leastB] = [ours, theirs].map((each) => Math.min(...each.map(({ least }) => least)));
  return [{
    task: contest.name,
    unit: contest.unit,
    ours: rounded(a),
    peer,
    theirs: rounded(b),
    ratio: rounded(a / b),
    ratioOfLeast: rounded(leastA / leastB),
  }];
}

function table(rows: readonly Comparison[]): string {
  const head = ["task", "unit", "ours", "peer", "theirs", "ours / theirs", "of least times", "theirs / ours"];
  const cells = rows.map(({ task, unit, ours, peer, theirs, ratio, ratioOfLeast }) =>
    [task, unit, ours, peer, theirs, ratio, ratioOfLeast, rounded(1 / ratio)].map(String)
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
for (const each of comparisons) console.log(JSON.stringify({ ...each, device, threads, batch, rounds }));
for (const contest of contests) {
  if (Object.keys(contest.theirs).length > 0) continue;
  console.log(JSON.stringify({ task: contest.name, unit: contest.unit, ours: middleOf(timesOf(contest, "cotangent")!), device }));
}
console.log(JSON.stringify({ task: "machine", threads, freeAtLeast: rounded(Math.min(...free)) }));
if (comparisons.length > 0) console.log(table(comparisons));
if (Math.min(...free) < 0.9) console.log("Other programs were running: read the ratio of least times, or measure again.");
if (wanted("torch") && !python) console.log("Missing: PyTorch (python3 -c 'import torch' fails; Debian has python3-torch)");
if (wanted("jax-js") && !jax) console.log("Missing: jax-js (it could not be loaded from npm)");
