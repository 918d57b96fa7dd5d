/**
 * Sorting rows without barriers: every element finds the index where it belongs.
 *
 * Elements first count those that come before them among a tile of neighbours; then sorted runs are merged, a few at a time, each
 * element looking up its rank in the other runs by binary search. That is n log^2 n steps, of which all of a dispatch run at once,
 * whatever the number of rows and their length. It is stable.
 *
 * @module
 */
import type { Dispatch, KernelContext } from "../kernel_code.ts";
import { address, decompose } from "../shader/coordinates.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader, u32 } from "../shader/shader.ts";

/** What is sorted, and what becomes of it. */
export interface SortSpec {
  readonly context: KernelContext;
  /** What the dispatches are called. */
  readonly label: string;
  readonly rows: number;
  /** Elements of a row. */
  readonly n: number;
  /** Names the key of an element: a u32. */
  key(shader: Shader, row: string, at: string): string;
  /**
   * Writes what the last dispatch does with the element that was at index `from` of a row and belongs at index `to`. If it is not
   * given, keys and indices stay in scratch memory.
   */
  epilogue?(shader: Shader, row: string, to: string, from: string): void;
}

/** The addresses in scratch memory where the keys begin and the indices they come from, row after row. */
export interface Sorted {
  readonly keys: number;
  readonly indices: number;
}

/** The dispatches that sort, and where the sorted rows then are. */
export interface SortCode extends Sorted {
  readonly dispatches: readonly Dispatch[];
  readonly scratchBytes: number;
}

/** Elements that are sorted by counting; a power of two, and so is the next. */
const tile = 64;
/** How many runs become one. */
const fan = 4;

/** Sorts tiles, then merges them between two halves of the scratch memory. */
export function sortRows(spec: SortSpec): SortCode {
  const { rows, n, epilogue } = spec;
  const half = (index: number): Sorted => ({ keys: 2 * index * rows * n, indices: (2 * index + 1) * rows * n });
  const target = (index: number, last: boolean) => last && epilogue ? undefined : half(index);
  const dispatches = [sortTiles(spec, target(0, n <= tile))];
  let from = 0;
  for (let run = tile; run < n; run *= fan) {
    dispatches.push(mergeRuns(spec, run, half(from), target(1 - from, run * fan >= n)));
    from = 1 - from;
  }
  const halves = Math.min(2, dispatches.length - (epilogue ? 1 : 0));
  return { dispatches, scratchBytes: halves * 8 * rows * n, ...half(from) };
}

/** A shader of one invocation per element, and the element's row and index in it. */
interface Elements {
  readonly shader: Shader;
  readonly workgroups: Dispatch["workgroups"];
  readonly row: string;
  readonly at: string;
}

function elements({ context, label, rows, n }: SortSpec, suffix: string): Elements {
  const total = rows * n;
  const shader = new Shader(context, `${label}${suffix}`, independentWorkgroup(context.target, total), "u32");
  const { id, workgroups } = invocationIndex(shader, total);
  const [row, at] = decompose(shader, id, [rows, n]);
  return { shader, workgroups, row, at };
}

/** The address of an element in scratch memory, whose keys or indices begin at `begin`. */
function scratchAddress(shader: Shader, begin: number, n: number, row: string, at: string): string {
  return shader.define(address(begin, [n, 1], [row, at]), "a");
}

/** Writes an element to the index where it belongs. */
function put(
  { n, epilogue }: SortSpec,
  shader: Shader,
  target: Sorted | undefined,
  { row, to, key, from }: Readonly<Record<"row" | "to" | "key" | "from", string>>,
): void {
  if (!target) return epilogue?.(shader, row, to, from);
  shader.store("scratch", scratchAddress(shader, target.keys, n, row, to), key);
  shader.store("scratch", scratchAddress(shader, target.indices, n, row, to), from);
}

function sortTiles(spec: SortSpec, target: Sorted | undefined): Dispatch {
  const { n } = spec;
  const { shader, workgroups, row, at } = elements(spec, target ? " tiles" : "");
  const key = spec.key(shader, row, at);
  const start = n > tile ? shader.define(`${at} & ${u32(~(tile - 1))}`, "start") : "0u";
  const end = n > tile ? shader.define(`min(${start} + ${tile}u, ${n}u)`, "end") : `${n}u`;
  shader.line(`var place = ${start};`);
  shader.loop(start, end, 1, (other) => {
    const theirs = spec.key(shader, row, other);
    shader.line(`place += select(0u, 1u, ${theirs} < ${key} || (${theirs} == ${key} && ${other} < ${at}));`);
  });
  put(spec, shader, target, { row, to: "place", key, from: at });
  return shader.dispatch(workgroups);
}

/** Merges `fan` neighbouring runs: an element comes after its forerunners in its own run and those in each of the others. */
function mergeRuns(spec: SortSpec, run: number, source: Sorted, target: Sorted | undefined): Dispatch {
  const { n } = spec;
  const { shader, workgroups, row, at } = elements(spec, target ? " merge" : "");
  const load = (begin: number, x: string, name: string) =>
    shader.define(shader.load("scratch", scratchAddress(shader, begin, n, row, x)), name);
  const key = load(source.keys, at, "key");
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
    const theirs = load(source.keys, middle, "key");
    // Equal elements of earlier runs come first.
    shader.line(`if (${theirs} < ${key} || (${theirs} == ${key} && ${other} < ${start})) {`);
    shader.line(`low = ${middle} + 1u;`);
    shader.line("} else {");
    shader.line(`high = ${middle};`);
    shader.line("}");
    shader.line("}");
    shader.line(`place += low - ${other};`);
  });
  put(spec, shader, target, { row, to: "place", key, from: load(source.indices, at, "from") });
  return shader.dispatch(workgroups);
}
