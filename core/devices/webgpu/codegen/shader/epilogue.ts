/**
 * Points: loads, expressions and stores at one place of the domain, or at four neighbours along the last axis at once.
 *
 * All kernels end here: a map with nothing before it, the others with their result. Four neighbours share addresses and move as
 * vectors where their access is an aligned run.
 *
 * @module
 */
import type { ScalarType } from "../../../../ir/expr.ts";
import type { Access, Kernel } from "../../../../ir/kernel.ts";
import { address, type Coordinate } from "./coordinates.ts";
import { scalarPrinter } from "./expressions.ts";
import { isPacked, placeOf, type Shader, u32 } from "./shader.ts";

/** What is loaded and stored; all kernels have these. */
export type Ends = Pick<Kernel, "loads" | "stores">;

/** How many neighbours along the last axis are done together. */
export type Lanes = 1 | 4;

/** The results before the stores: by slot and lane. */
export type Results = (slot: number, lane: number) => string;

const noResults: Results = () => {
  throw new Error("A map kernel has no result");
};

/** Whether four neighbours along the last axis of an access are one aligned run, when they start at a multiple of four. */
function isRun({ offset, strides }: Access): boolean {
  return strides.at(-1) === 1 && offset % 4 === 0 && strides.slice(0, -1).every((stride) => stride % 4 === 0);
}

/**
 * The accesses that move four neighbours at once: aligned runs of packed elements, and aligned runs in places where loads and stores
 * meet nothing else, so that the buffer can be declared as vectors.
 */
function movedAccesses(shader: Shader, { loads, stores }: Ends): Set<Access> {
  const { program } = shader.context;
  const accesses = [...loads, ...stores];
  const packed = ({ buffer }: Access) => isPacked(program.buffers[buffer].dtype);
  const broken = new Set(accesses.filter((access) => !isRun(access)).map(({ buffer }) => placeOf(program, buffer)));
  const asVectors = ({ buffer }: Access) => !broken.has(placeOf(program, buffer)) && shader.canViewAsVectors(buffer);
  return new Set(accesses.filter((access) => isRun(access) && (packed(access) || asVectors(access))));
}

/** Four lanes if the last extent divides by four and something can be moved at once, else one. */
export function lanesFor(shader: Shader, ends: Ends, extent: number): Lanes {
  return extent % 4 === 0 && movedAccesses(shader, ends).size > 0 ? 4 : 1;
}

/**
 * Writes the loads, expressions and stores of one point, or of four neighbours.
 *
 * @param coordinates Of the (first) point; of four neighbours the last one is a multiple of four.
 */
export function writePoints(
  shader: Shader,
  ends: Ends,
  coordinates: readonly Coordinate[],
  lanes: Lanes,
  results: Results = noResults,
): void {
  const moved = lanes === 4 ? movedAccesses(shader, ends) : new Set<Access>();
  for (const { buffer } of moved) shader.viewAsVectors(buffer);
  const load = pointLoader(shader, ends, coordinates, moved);
  const last = coordinates.length - 1;
  const values: string[][] = ends.stores.map(() => []);
  for (let lane = 0; lane < lanes; lane++) {
    const here = coordinates.map((at, axis) => lane > 0 && axis === last ? `(${at} + ${lane}u)` : at);
    const print = scalarPrinter(shader, {
      load: (slot) => load(slot, lane),
      index: (offset, strides) => `bitcast<i32>(${address(offset, strides, here)})`,
      result: (slot) => results(slot, lane),
    });
    ends.stores.forEach((store, i) => values[i].push(shader.define(print(store.value))));
  }
  // All values are computed before the first store: a buffer may be loaded and stored in place.
  ends.stores.forEach((store, i) => {
    const base = shader.define(address(store.offset, store.strides, coordinates), "a");
    if (moved.has(store)) return shader.storeVector(store.buffer, base, values[i]);
    const step = store.strides.at(-1) ?? 0;
    values[i].forEach((value, lane) => shader.store(store.buffer, lane === 0 ? base : `(${base} + ${u32(lane * step)})`, value));
  });
}

/** Loads by slot and lane; what neighbours share (vectors, broadcast elements, addresses) is computed once. */
function pointLoader(
  shader: Shader,
  { loads }: Ends,
  coordinates: readonly Coordinate[],
  moved: ReadonlySet<Access>,
): (slot: number, lane: number) => string {
  const known = new Map<string, string>();
  const once = (key: string, make: () => string, prefix = "v"): string => {
    const name = known.get(key) ?? shader.define(make(), prefix);
    known.set(key, name);
    return name;
  };
  return (slot, lane) => {
    const access = loads[slot];
    const base = once(`base ${slot}`, () => address(access.offset, access.strides, coordinates), "a");
    if (moved.has(access)) {
      const vector = once(`vector ${slot}`, () => shader.loadVector(access.buffer, base));
      return shader.component(access.buffer, vector, lane);
    }
    const step = lane * (access.strides.at(-1) ?? 0);
    const at = step === 0 ? base : `(${base} + ${u32(step)})`;
    return once(`element ${slot} ${step}`, () => shader.load(access.buffer, at));
  };
}

/** Writes a call that finishes points: their results (one, or four neighbours) and the coordinates of the first. */
export type Finish = (results: readonly string[], coordinates: readonly Coordinate[]) => void;

/**
 * A function of the shader that finishes points, for kernels with many per invocation: the text is written once. Asked for before
 * anything else of the shader, because it decides how buffers are viewed.
 */
export function finishFunction(shader: Shader, ends: Ends, rank: number, type: ScalarType, lanes: Lanes): Finish {
  const name = `finish${lanes}`;
  const results = Array.from({ length: lanes }, (_, lane) => `r${lane}`);
  const coordinates = Array.from({ length: rank }, (_, axis) => `c${axis}`);
  const parameters = [...results.map((r) => `${r}: ${type}`), ...coordinates.map((c) => `${c}: u32`)];
  shader.function(`${name}(${parameters.join(", ")})`, () => {
    writePoints(shader, ends, coordinates, lanes, (_, lane) => results[lane]);
  });
  return (values, at) => shader.line(`${name}(${[...values, ...at].join(", ")});`);
}
