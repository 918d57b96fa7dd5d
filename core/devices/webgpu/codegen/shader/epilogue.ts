/**
 * The epilogue of a kernel: loads, expressions and stores at one point of the domain, or at four neighbours along the last axis at once.
 *
 * All kernels end in one: a map has nothing before it, the others their result. Four neighbours share addresses and move as
 * vectors where their access is an aligned run.
 *
 * @module
 */
import type { ScalarType } from "../../../../ir/expr.ts";
import type { Access, Kernel } from "../../../../ir/kernel.ts";
import { locationKey } from "./bindings.ts";
import { address, type Coordinate } from "./coordinates.ts";
import { isPacked } from "./elements.ts";
import { expressionPrinter } from "./expressions.ts";
import { type Shader, u32 } from "./shader.ts";

/** What is loaded and stored; all kernels have these. */
export type Epilogue = Pick<Kernel, "loads" | "stores">;

/** How many neighbours along the last axis are computed together. */
export type Lanes = 1 | 4;

/** The results before the stores: by slot and lane. */
export type Results = (slot: number, lane: number) => string;

const noResults: Results = () => {
  throw new Error("A map kernel has no result");
};

/** Four lanes if the last extent divides by four and something can be moved as vectors, else one. */
export function epilogueLanes(shader: Shader, epilogue: Epilogue, extent: number): Lanes {
  return extent % 4 === 0 && vectorAccesses(shader, epilogue).size > 0 ? 4 : 1;
}

/**
 * The accesses that move four neighbours at once: aligned runs of packed elements, and aligned runs in buffers that every load and store
 * accesses so, which can be declared as vectors.
 */
function vectorAccesses(shader: Shader, { loads, stores }: Epilogue): Set<Access> {
  const { program } = shader.context;
  const accesses = [...loads, ...stores];
  const packed = ({ buffer }: Access) => isPacked(program.buffers[buffer].dtype);
  const scalar = new Set(accesses.filter((access) => !isRun(access)).map(({ buffer }) => locationKey(program, buffer)));
  const asVectors = ({ buffer }: Access) => !scalar.has(locationKey(program, buffer)) && shader.canViewAsVectors(buffer);
  return new Set(accesses.filter((access) => isRun(access) && (packed(access) || asVectors(access))));
}

/** Whether four neighbours along the last axis of an access are one aligned run, when they start at a multiple of four. */
function isRun({ offset, strides }: Access): boolean {
  return strides.at(-1) === 1 && offset % 4 === 0 && strides.slice(0, -1).every((stride) => stride % 4 === 0);
}

/**
 * Writes the epilogue of one point, or of four neighbours.
 *
 * @param coordinates Of the (first) point; of four neighbours the last one is a multiple of four.
 */
export function writeEpilogue(
  shader: Shader,
  epilogue: Epilogue,
  coordinates: readonly Coordinate[],
  lanes: Lanes,
  results: Results = noResults,
): void {
  const vectors = lanes === 4 ? vectorAccesses(shader, epilogue) : new Set<Access>();
  for (const { buffer } of vectors) shader.viewAsVectors(buffer);
  const load = pointLoader(shader, epilogue, coordinates, vectors);
  const last = coordinates.length - 1;
  const values: string[][] = epilogue.stores.map(() => []);
  for (let lane = 0; lane < lanes; lane++) {
    const here = coordinates.map((at, axis) => lane > 0 && axis === last ? `(${at} + ${lane}u)` : at);
    const print = expressionPrinter(shader, {
      load: (slot) => load(slot, lane),
      index: (offset, strides) => `bitcast<i32>(${address(offset, strides, here)})`,
      result: (slot) => results(slot, lane),
    });
    epilogue.stores.forEach((store, i) => values[i].push(shader.define(print(store.value))));
  }
  // All values are computed before the first store: a buffer may be loaded and stored in place.
  epilogue.stores.forEach((store, i) => {
    const base = shader.define(address(store.offset, store.strides, coordinates), "a");
    if (vectors.has(store)) return shader.storeVector(store.buffer, base, values[i]);
    const step = store.strides.at(-1) ?? 0;
    values[i].forEach((value, lane) => shader.store(store.buffer, lane === 0 ? base : `(${base} + ${u32(lane * step)})`, value));
  });
}

/** Loads by slot and lane; what neighbours share (vectors, broadcast elements, addresses) is computed once. */
function pointLoader(
  shader: Shader,
  { loads }: Epilogue,
  coordinates: readonly Coordinate[],
  vectors: ReadonlySet<Access>,
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
    if (vectors.has(access)) {
      const vector = once(`vector ${slot}`, () => shader.loadVector(access.buffer, base));
      return shader.component(access.buffer, vector, lane);
    }
    const step = lane * (access.strides.at(-1) ?? 0);
    const at = step === 0 ? base : `(${base} + ${u32(step)})`;
    return once(`element ${slot} ${step}`, () => shader.load(access.buffer, at));
  };
}

/** Writes a call of the epilogue: the results (of one point, or of four neighbours) and the coordinates of the first point. */
export type EpilogueWriter = (results: readonly string[], coordinates: readonly Coordinate[]) => void;

/**
 * The epilogue as a function of the shader, for kernels with many points per invocation: the text is written once. Asked for before
 * anything else of the shader, because it decides how buffers are viewed.
 */
export function epilogueFunction(
  shader: Shader,
  epilogue: Epilogue,
  rank: number,
  type: ScalarType,
  lanes: Lanes,
): EpilogueWriter {
  const name = `finish${lanes}`;
  const results = Array.from({ length: lanes }, (_, lane) => `r${lane}`);
  const coordinates = Array.from({ length: rank }, (_, axis) => `c${axis}`);
  const parameters = [...results.map((r) => `${r}: ${type}`), ...coordinates.map((c) => `${c}: u32`)];
  shader.function(`${name}(${parameters.join(", ")})`, () => {
    writeEpilogue(shader, epilogue, coordinates, lanes, (_, lane) => results[lane]);
  });
  return (values, at) => shader.line(`${name}(${[...values, ...at].join(", ")});`);
}
