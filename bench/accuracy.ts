/**
 * The error of functions of f32 in units of the last place, over a sample of all floats.
 *
 * ```sh
 * deno task accuracy --devices wasm,webgpu --functions exp,sin --samples 1048576
 * ```
 *
 * Prints a table: the largest error of each function on each device against the same in double precision, and where it is. The
 * sample takes every n-th bit pattern, so that all magnitudes have their share; below the line of a function stand parts of its
 * domain. Results below the smallest normal number, and arguments there, may be taken for 0 (GPUs do), and are not counted.
 *
 * @module
 */
import { Command } from "../dev_deps.ts";
import { doubleMath } from "../core/ir/functions/double.ts";
import * as ct from "../mod.ts";
import { integer, namesOf } from "./options.ts";

/** A function and its equal in double precision. */
interface Subject {
  readonly f: (x: ct.Tensor, y: ct.Tensor) => ct.Tensor;
  /** Without one it is `f` of f64, which the tests compare with more digits. */
  readonly exact?: (x: number, y: number) => number;
  /** The least argument; below zero the gamma functions have zeros near which only the absolute error is small. */
  readonly least?: number;
  /** Parts of the domain, by the largest |x|, that have a line of their own. */
  readonly parts?: readonly number[];
  readonly binary?: boolean;
}

const { erf, pow } = doubleMath();

const subjects: Readonly<Record<string, Subject>> = {
  exp: { f: ct.exp, exact: Math.exp, parts: [1] },
  expm1: { f: ct.expm1, exact: Math.expm1, parts: [1] },
  log: { f: ct.log, exact: Math.log },
  log1p: { f: ct.log1p, exact: Math.log1p, parts: [1] },
  sin: { f: ct.sin, exact: Math.sin, parts: [1, 1e5] },
  cos: { f: ct.cos, exact: Math.cos, parts: [1, 1e5] },
  tan: { f: ct.tan, exact: Math.tan, parts: [1, 1e5] },
  asin: { f: ct.asin, exact: Math.asin },
  acos: { f: ct.acos, exact: Math.acos },
  atan: { f: ct.atan, exact: Math.atan },
  sinh: { f: ct.sinh, exact: Math.sinh, parts: [1] },
  cosh: { f: ct.cosh, exact: Math.cosh, parts: [1] },
  tanh: { f: ct.tanh, exact: Math.tanh, parts: [0.1] },
  erf: { f: ct.erf, exact: erf, parts: [0.1] },
  lgamma: { f: ct.lgamma, least: 0, parts: [10] },
  digamma: { f: ct.digamma, least: 0, parts: [10] },
  trigamma: { f: (x) => ct.polygamma(x, 1), least: 0, parts: [10] },
  sqrt: { f: ct.sqrt, exact: Math.sqrt },
  exp2: { f: ct.exp2, exact: (x) => 2 ** x },
  log2: { f: ct.log2, exact: Math.log2 },
  log10: { f: ct.log10, exact: Math.log10 },
  pow: { f: ct.pow, exact: pow, binary: true },
  atan2: { f: ct.atan2, exact: Math.atan2, binary: true },
  rem: { f: ct.rem, exact: (x, y) => x % y, binary: true },
};

const smallestNormal = 2 ** -126;
const deviceNames = ["wasm", "webgpu", "reference"] as const;

const { devices, functions, samples } = new Command()
  .name("accuracy")
  .description("The largest error of each function of f32, in units of the last place.")
  .option("--devices <names>", `comma-separated: ${deviceNames.join(", ")}`, namesOf(deviceNames), ["wasm", "webgpu"] as const)
  .option("--functions <names>", `comma-separated: ${Object.keys(subjects).join(", ")}`, namesOf(Object.keys(subjects)))
  .option("--samples <count>", "arguments of each function", integer(1), 2 ** 20)
  .parse(Deno.args, { from: "user" })
  .opts();

/** Every n-th bit pattern of the floats, with an odd step, so that the low bits vary too. */
function allFloats(count: number): Float32Array {
  const step = Math.floor(2 ** 32 / count) | 1;
  return new Float32Array(Uint32Array.from({ length: count }, (_, i) => Math.imul(i, step)).buffer);
}

/** For the n-th argument some other, of a magnitude that leads to finite results in a good part of the pairs. */
function partners(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const random = Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0;
    const size = 2 ** ((random & 1023) / 64 - 8);
    return (random >>> 31 ? -size : size) * (1 + ((random >>> 10) & 0xfffff) / 2 ** 20);
  });
}

/** The distance in units of the last place of the exact value. */
function ulps(got: number, want: number): number {
  const rounded = Math.fround(want);
  if (Object.is(got, rounded) || (Number.isNaN(got) && Number.isNaN(want))) {
    return Number.isFinite(rounded) ? Math.abs(got - want) / unit(want) : 0;
  }
  if (Math.abs(want) < smallestNormal) return Math.abs(got) <= smallestNormal ? 0 : Infinity;
  if (Number.isNaN(got) || Number.isNaN(want) || !Number.isFinite(want)) return Infinity;
  // Infinity stands where the next number would be.
  const value = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128;
  return Math.abs(value - want) / unit(want);
}

function unit(value: number): number {
  return 2 ** (Math.max(Math.min(Math.floor(Math.log2(Math.abs(value))), 127), -126) - 23);
}

async function inDouble(f: Subject["f"], xs: Float32Array): Promise<ArrayLike<number>> {
  await ct.setDevice("wasm");
  return await ct.data(f(ct.tensor(xs, { dtype: "f64" }), ct.tensor(0)));
}

const names = functions ?? Object.keys(subjects);
const everything = allFloats(samples);
const others = partners(samples);
const show = (error: number) => error < 1000 ? error.toFixed(2) : error.toExponential(1);
console.log(["function", "|x| up to", ...devices.map((name) => `${name} (at)`)].join(" | "));
console.log(["---", "---", ...devices.map(() => "---")].join(" | "));
for (const name of names) {
  const { f, exact, least = -Infinity, parts = [], binary } = subjects[name];
  const xs = everything.filter((x) => (x === 0 || !(Math.abs(x) < smallestNormal)) && !(x < least));
  const ys = others.subarray(0, xs.length);
  const want = exact ? Float64Array.from(xs, (x, i) => exact(x, ys[i])) : await inDouble(f, xs);
  const lines = new Map([...parts, Infinity].map((most) => [most, [] as string[]]));
  for (const device of devices) {
    await ct.setDevice(device);
    const got = await ct.data(f(ct.tensor(xs), binary ? ct.tensor(ys) : ct.tensor(0)));
    for (const [most, cells] of lines) {
      let [worst, at] = [0, 0];
      xs.forEach((x, i) => {
        if (!(Math.abs(x) <= most) && most < Infinity) return;
        const error = ulps(got[i], want[i]);
        if (error > worst) [worst, at] = [error, i];
      });
      cells.push(`${show(worst)} (${xs[at]}${binary ? `, ${ys[at]}` : ""})`);
    }
  }
  for (const [most, cells] of lines) console.log([name, most === Infinity ? "all" : most, ...cells].join(" | "));
}
