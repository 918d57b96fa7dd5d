/**
 * The error of functions of single numbers in units of the last place.
 *
 * ```sh
 * deno task accuracy --devices wasm,webgpu --functions exp,sin --samples 1048576
 * deno task accuracy --write docs/accuracy.md
 * deno task accuracy:full --functions exp
 * ```
 *
 * Prints a table: the largest error of each function on each device, and where it is, for f32 over a sample of all floats (every
 * n-th bit pattern, so that all magnitudes have their share, and numbers of ordinary size), for f64 over the values of mpmath in
 * tests/fixtures. `--all` takes every float there is, of functions of one f32 on `wasm`; where it has got to is kept in a file, from
 * which the next run goes on. What is promised stands in tests/support/accuracy.ts.
 *
 * @module
 */
import { Command } from "../dev_deps.ts";
import { binary, type Expr, type UnaryOp } from "../core/ir/expr.ts";
import { expandBinary, expandUnary } from "../core/ir/functions/mod.ts";
import * as ct from "../mod.ts";
import fixture from "./fixtures/accuracy.json" with { type: "json" };
import { accuracies, type Accuracy, floatsOf, leastSize, ordinary, partners, unitsOff } from "./support/accuracy.ts";
import { evaluator } from "./support/evaluate.ts";
import { integer, namesOf } from "../bench/options.ts";

const deviceNames = ["wasm", "webgpu"] as const;
const allNames = Object.keys(accuracies);

const options = new Command()
  .name("accuracy")
  .description("The largest error of each function, in units of the last place.")
  .option("--devices <names>", `comma-separated: ${deviceNames.join(", ")}`, namesOf(deviceNames), ["wasm", "webgpu"] as const)
  .option("--functions <names>", `comma-separated: ${allNames.join(", ")}`, namesOf(allNames))
  .option("--samples <count>", "arguments of each function", integer(1), 2 ** 20)
  .option("--write <file>", "a page to put the table into, between its marks")
  .option("--all", "every f32, on wasm")
  .option("--state <file>", "with --all: where it has got to", "accuracy_state.json")
  .parse(Deno.args, { from: "user" })
  .opts();

/** The largest error so far, and the argument it is at. */
interface Worst {
  off: number;
  at: string;
}

const isSubnormal = (x: number) => x !== 0 && Math.abs(x) < 2 ** -126;

/** Raises `worst` to the errors of results at some arguments. */
function raise(
  worst: Worst,
  accuracy: Accuracy,
  got: ArrayLike<number>,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  device: string,
) {
  const flushes = device === "webgpu" || accuracy.flushes;
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i];
    if (device === "webgpu" && isSubnormal(x)) continue;
    const off = unitsOff(got[i], accuracy.exact(x, ys[i]), { type: "f32", flushes, least: leastSize(accuracy, x) });
    if (off > worst.off) [worst.off, worst.at] = [off, accuracy.binary ? `${x}, ${ys[i]}` : `${x}`];
  }
}

async function resultsOf({ f, binary }: Accuracy, xs: Float32Array, ys: Float32Array): Promise<ArrayLike<number>> {
  return await ct.data(f(ct.tensor(xs), binary ? ct.tensor(ys) : ct.tensor(0)));
}

async function ofSample(
  accuracy: Accuracy,
  xs: Float32Array,
  ys: Float32Array,
  device: typeof deviceNames[number],
): Promise<Worst> {
  await ct.setDevice(device);
  const worst = { off: 0, at: "" };
  raise(worst, accuracy, await resultsOf(accuracy, xs, ys), xs, ys, device);
  return worst;
}

async function ofDoubles(name: string, { f }: Accuracy): Promise<Worst> {
  await ct.setDevice("wasm");
  const points: readonly (readonly number[])[] = (fixture as Record<string, number[][]>)[name];
  const got = await ct.data(f(ct.tensor(points.map(([x]) => x), { dtype: "f64" }), ct.tensor(0)));
  const worst = { off: 0, at: "" };
  points.forEach(([x, want, low], i) => {
    const off = unitsOff(got[i], want, { type: "f64", low, least: leastSize(accuracies[name], x) });
    if (off > worst.off) [worst.off, worst.at] = [off, `${x}`];
  });
  return worst;
}

/** The largest error of the arithmetic that a function is on `webgpu`, if quotients and roots are as far off as WGSL allows. */
function atWorst(name: string, accuracy: Accuracy, xs: ArrayLike<number>, ys: ArrayLike<number>): Worst | undefined {
  const [x, y]: Expr[] = [0, 1].map((slot) => ({ kind: "load", type: "f32", slot }));
  const expansion = accuracy.binary
    ? expandBinary((binary(name as "pow", x, y) as { op: "pow" }).op, x, y)
    : expandUnary(name as UnaryOp, x);
  if (!expansion) return undefined;
  const worst = { off: 0, at: "" };
  const count = 6000;
  const step = Math.max(1, Math.floor(xs.length / count));
  const sample = Array.from({ length: Math.min(count, xs.length) }, (_, i) => i * step);
  const [as, bs] = [sample.map((i) => xs[i]), sample.map((i) => ys[i])];
  for (const off of [1, -1]) {
    const evaluate = evaluator(expansion, false, off);
    const got = as.map((a, i) => evaluate([a, bs[i]]));
    raise(worst, accuracy, got, as, bs, "webgpu");
  }
  return worst;
}

const show = ({ off }: Worst) => off < 1000 ? off.toFixed(2) : off.toExponential(1);
const showAt = (worst: Worst) => `${show(worst)} (${worst.at})`;

function table(rows: readonly (readonly string[])[]): string {
  return [rows[0], rows[0].map(() => "---"), ...rows.slice(1)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

async function measure(names: readonly string[]): Promise<void> {
  const { devices, samples, write } = options;
  const xs = Float32Array.from([...floatsOf(samples), ...ordinary(samples), ...ordinary(samples, 2)]);
  const ys = partners(xs.length);
  const rows = [["function", ...devices.map((name) => `f32, ${name}`), "f32, WGSL's limits", "f64", "promised f32, f64"]];
  for (const name of names) {
    const accuracy = accuracies[name];
    const worst: Worst[] = [];
    for (const device of devices) worst.push(await ofSample(accuracy, xs, ys, device));
    const limits = atWorst(name, accuracy, xs, ys);
    const doubles = accuracy.binary ? undefined : await ofDoubles(name, accuracy);
    const { f32 = 2, f64 = 1, why = "" } = accuracy;
    const cells = [...worst, limits, doubles];
    rows.push([name, ...cells.map((each) => each ? show(each) : ""), `${f32}, ${f64}${why && `: ${why}`}`]);
    console.log([name, ...cells.map((each) => each ? showAt(each) : "-")].join(" | "));
  }
  if (!write) return;
  const page = Deno.readTextFileSync(write);
  const mark = /(<!-- table -->)[^]*?(<!-- end -->)/;
  if (!mark.test(page)) throw new Error(`${write} has no marks <!-- table --> and <!-- end --> around its table`);
  Deno.writeTextFileSync(write, page.replace(mark, (_, begin, end) => `${begin}\n\n${table(rows)}\n\n${end}`));
}

/** Every float by blocks of bit patterns; after each the file of the state is written. */
async function measureAll(names: readonly string[]): Promise<void> {
  await ct.setDevice("wasm");
  const block = 2 ** 22;
  const state: Record<string, { next: number; worst: Worst }> = await Deno.readTextFile(options.state).then(
    JSON.parse,
    () => ({}),
  );
  for (const name of names) {
    const accuracy = accuracies[name];
    const reached = state[name] ??= { next: 0, worst: { off: 0, at: "" } };
    for (; reached.next < 2 ** 32; reached.next += block) {
      const xs = new Float32Array(Uint32Array.from({ length: block }, (_, i) => reached.next + i).buffer);
      raise(reached.worst, accuracy, await resultsOf(accuracy, xs, xs), xs, xs, "wasm");
      Deno.writeTextFileSync(
        options.state,
        JSON.stringify({ ...state, [name]: { ...reached, next: reached.next + block } }, null, 2),
      );
    }
    console.log(
      `${name} | ${showAt(reached.worst)} | ${reached.worst.off <= (accuracy.f32 ?? 2) ? "as promised" : "NOT as promised"}`,
    );
  }
}

const names = options.functions ?? allNames;
await (options.all ? measureAll(names.filter((name) => !accuracies[name].binary)) : measure(names));
