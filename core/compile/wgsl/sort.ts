/**
 * The places of each row's elements in sorted order, without barriers: every element finds its own place.
 *
 * Elements first count those that come before them among a tile of neighbours; then sorted runs are merged, a few at a time, each
 * element looking up its place in the other runs by binary search. That is n log^2 n steps, of which all of a dispatch run at once,
 * whatever the number of rows and their length. Floats are compared as integers of the same order.
 *
 * @module
 */
import { sizeOf } from "../../shape.ts";
import type { ArgsortKernel } from "../kernel.ts";
import { address, decompose, invocation, lonelyWorkgroup } from "./domain.ts";
import { writePoints } from "./points.ts";
import { type Dispatch, type KernelCode, type KernelContext, scalarOf, Shader, u32 } from "./shader.ts";

type Context = KernelContext<ArgsortKernel>;

/** Elements that are sorted by counting; a power of two, and so is the next. */
const tile = 64;
/** How many runs become one. */
const fan = 4;

/** The shaders of `argsort`: tiles, then merges between two halves of the scratch memory; the last one ends in the stores. */
export function generateArgsort(context: Context): KernelCode {
  const { shape } = context.kernel;
  const n = shape[1];
  const dispatches = [sortTiles(context, n > tile ? 0 : undefined)];
  for (let run = tile; run < n; run *= fan) {
    const from = (dispatches.length - 1) % 2;
    dispatches.push(mergeRuns(context, run, from, run * fan < n ? 1 - from : undefined));
  }
  return { dispatches, scratchBytes: Math.min(dispatches.length - 1, 2) * 8 * sizeOf(shape) };
}

/** Where a half of the scratch memory (0 or 1) begins: first all keys, then all places. */
function halfAt({ kernel }: Context, half: number): { readonly keys: number; readonly places: number } {
  const total = sizeOf(kernel.shape);
  return { keys: 2 * half * total, places: (2 * half + 1) * total };
}

/** One invocation per element: its row and its place in it. */
function elements(context: Context, label: string) {
  const { shape } = context.kernel;
  const total = sizeOf(shape);
  const shader = new Shader(context, label, lonelyWorkgroup(context.target, total), "u32");
  const { id, workgroups } = invocation(shader, total);
  const [row, at] = decompose(shader, id, shape);
  return { shader, workgroups, row, at };
}

/** Puts an element in its place: into a half of the scratch memory, or through the stores. */
function put(
  shader: Shader,
  context: Context,
  to: number | undefined,
  row: string,
  at: string,
  key: string,
  place: string,
): void {
  const { kernel } = context;
  if (to === undefined) return writePoints(shader, kernel, [row, at], 1, () => `bitcast<i32>(${place})`);
  const { keys, places } = halfAt(context, to);
  const strides = [kernel.shape[1], 1];
  shader.store("scratch", shader.define(address(keys, strides, [row, at]), "a"), key);
  shader.store("scratch", shader.define(address(places, strides, [row, at]), "a"), place);
}

function sortTiles(context: Context, to: number | undefined): Dispatch {
  const { shape } = context.kernel;
  const { shader, workgroups, row, at } = elements(context, to === undefined ? "argsort" : "argsort tiles");
  const keyAt = keyReader(shader, context, row);
  const key = keyAt(at);
  const start = shape[1] > tile ? shader.define(`${at} & ${u32(~(tile - 1))}`, "start") : "0u";
  const end = shape[1] > tile ? `min(${start} + ${tile}u, ${shape[1]}u)` : `${shape[1]}u`;
  shader.line(`var place = ${start};`);
  shader.loop(start, shader.define(end, "end"), 1, (other) => {
    const theirs = keyAt(other);
    shader.line(`place += select(0u, 1u, ${theirs} < ${key} || (${theirs} == ${key} && ${other} < ${at}));`);
  });
  put(shader, context, to, row, "place", key, at);
  return shader.finish(workgroups);
}

/** Reads elements of a row as keys: unsigned integers in the order that is wanted. */
function keyReader(shader: Shader, { kernel, program }: Context, row: string): (at: string) => string {
  const { source, descending } = kernel;
  const type = scalarOf(program.buffers[source.buffer].dtype);
  const flip = descending ? "~" : "";
  if (type === "f32") {
    // By bits, since a compiler may assume no NaN. All NaNs are equal and largest; the sign bit turns negative numbers around.
    shader.global(`fn keyOf(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}`);
  }
  const key = (x: string) => type === "f32" ? `keyOf(${x})` : type === "i32" ? `(bitcast<u32>(${x}) ^ 0x80000000u)` : x;
  return (at) => {
    const from = shader.define(address(source.offset, source.strides, [row, at]), "a");
    return shader.define(`${flip}${key(shader.load(source.buffer, from))}`, "key");
  };
}

/** Merges `fan` neighbouring runs: an element comes after its forerunners in its own run and those in each of the others. */
function mergeRuns(context: Context, run: number, from: number, to: number | undefined): Dispatch {
  const [, n] = context.kernel.shape;
  const { shader, workgroups, row, at } = elements(context, to === undefined ? "argsort" : "argsort merge");
  const { keys, places } = halfAt(context, from);
  const load = (offset: number, x: string) => shader.load("scratch", shader.define(address(offset, [n, 1], [row, x]), "a"));
  const key = shader.define(load(keys, at), "key");
  const start = shader.define(`${at} & ${u32(~(run - 1))}`, "start");
  const group = run * fan < n ? shader.define(`${at} & ${u32(~(run * fan - 1))}`, "group") : "0u";
  const end = run * fan < n ? shader.define(`min(${group} + ${run * fan}u, ${n}u)`, "end") : `${n}u`;
  shader.line(`var place = ${group} + (${at} - ${start});`);
  shader.loop(group, end, run, (other) => {
    shader.line(`if (${other} == ${start}) { continue; }`);
    shader.line(`var low = ${other};`);
    shader.line(`var high = min(${other} + ${run}u, ${n}u);`);
    shader.line("while (low < high) {");
    const middle = shader.define("(low + high) >> 1u", "m");
    const theirs = shader.define(load(keys, middle), "key");
    // Equal elements of earlier runs come first.
    shader.line(`if (${theirs} < ${key} || (${theirs} == ${key} && ${other} < ${start})) {`);
    shader.line(`low = ${middle} + 1u;`);
    shader.line("} else {");
    shader.line(`high = ${middle};`);
    shader.line("}");
    shader.line("}");
    shader.line(`place += low - ${other};`);
  });
  put(shader, context, to, row, "place", key, shader.define(load(places, at), "place"));
  return shader.finish(workgroups);
}
