/**
 * Elementwise kernels.
 *
 * Axes are collapsed first. Where the inner extent allows, an invocation computes four neighbours and moves them as one vector;
 * addresses are then computed once for the four.
 *
 * @module
 */
import { sizeOf } from "../../shape.ts";
import type { Access, MapKernel, Store } from "../kernel.ts";
import {
  address,
  collapse,
  type Coordinate,
  decompose,
  indexLeaves,
  invocation,
  lonelyWorkgroup,
  replaceIndexStrides,
} from "./domain.ts";
import { scalarPrinter } from "./scalar.ts";
import { type KernelCode, type KernelContext, placeOf, Shader, u32 } from "./shader.ts";

/** A map kernel over collapsed axes. */
interface Collapsed {
  readonly extents: readonly number[];
  readonly loads: readonly Access[];
  readonly stores: readonly Store[];
}

/** The shader of an elementwise kernel. */
export function generateMap(context: KernelContext<MapKernel>): KernelCode {
  const kernel = collapsed(context.kernel);
  const lanes = lanesOf(context, kernel);
  const total = sizeOf(kernel.extents) / lanes;
  const shader = new Shader(context, "map", lonelyWorkgroup(context.target, total));
  const vectors = lanes === 4 ? vectorBuffers(context, kernel) : new Set<string>();
  for (const access of [...kernel.loads, ...kernel.stores]) {
    if (vectors.has(placeOf(context.program, access.buffer))) shader.viewAsVectors(access.buffer);
  }
  const { id, workgroups } = invocation(shader, total);
  const inner = kernel.extents.length - 1;
  const coordinates = decompose(shader, id, kernel.extents.map((extent, axis) => axis === inner ? extent / lanes : extent));
  if (lanes === 4) coordinates[inner] = shader.define(`${coordinates[inner]} << 2u`, "i");
  writePoints(shader, kernel, coordinates, lanes);
  return { dispatches: [shader.finish(workgroups)], scratchBytes: 0 };
}

function collapsed(kernel: MapKernel): Collapsed {
  const values = kernel.stores.map((store) => store.value);
  const leaves = indexLeaves(values);
  const accesses = [...kernel.loads, ...kernel.stores];
  const { extents, rows } = collapse(kernel.shape, [...accesses, ...leaves].map(({ strides }) => strides));
  const stridesOf = new Map(leaves.map((leaf, i) => [leaf, rows[accesses.length + i]] as const));
  const replaced = replaceIndexStrides(values, stridesOf);
  const loads = kernel.loads.map((load, i) => ({ ...load, strides: rows[i] }));
  const stores = kernel.stores.map((store, i) => ({ ...store, strides: rows[loads.length + i], value: replaced[i] }));
  return { extents, loads, stores };
}

/** Four elements per invocation if the inner axis divides and a vector can be moved, else one. */
function lanesOf(context: KernelContext, kernel: Collapsed): 1 | 4 {
  const inner = kernel.extents.at(-1) ?? 1;
  return inner % 4 === 0 && vectorBuffers(context, kernel).size > 0 ? 4 : 1;
}

/** Whether four neighbours of an access are one aligned vector. */
function isVector(context: KernelContext, access: Access): boolean {
  const dtype = context.program.buffers[access.buffer].dtype;
  const aligned = access.offset % 4 === 0 && access.strides.slice(0, -1).every((stride) => stride % 4 === 0);
  return dtype !== "u8" && access.strides.at(-1) === 1 && aligned;
}

/** The places that are only read and written as vectors (or read as one broadcast element). */
function vectorBuffers(context: KernelContext, kernel: Collapsed): Set<string> {
  const places = new Map<string, boolean>();
  for (const access of [...kernel.loads, ...kernel.stores]) {
    const place = placeOf(context.program, access.buffer);
    places.set(place, (places.get(place) ?? true) && isVector(context, access));
  }
  return new Set([...places].filter(([, vector]) => vector).map(([place]) => place));
}

/** Loads, computes and stores the `lanes` points that start at the coordinates. */
function writePoints(shader: Shader, kernel: Collapsed, coordinates: readonly Coordinate[], lanes: number): void {
  const { program } = shader.context;
  const vectors = lanes === 4 ? vectorBuffers(shader.context, kernel) : new Set<string>();
  const isVectorPlace = (access: Access) => vectors.has(placeOf(program, access.buffer));
  const loaded = new Map<string, string>();
  /** Remembers what was loaded: the four points share vectors and broadcast elements. */
  const once = (key: string, make: () => string): string => {
    let name = loaded.get(key);
    if (name === undefined) {
      name = shader.define(make());
      loaded.set(key, name);
    }
    return name;
  };
  const base = (slot: number) => {
    const { offset, strides } = kernel.loads[slot];
    return once(`base ${slot}`, () => address(offset, strides, coordinates));
  };
  const load = (slot: number, lane: number): string => {
    const access = kernel.loads[slot];
    if (isVectorPlace(access)) {
      const vector = once(`vector ${slot}`, () => shader.loadVector(access.buffer, base(slot)));
      return shader.component(access.buffer, vector, lane);
    }
    const step = lane * (access.strides.at(-1) ?? 0);
    return once(
      `element ${slot} ${step}`,
      () => shader.load(access.buffer, step === 0 ? base(slot) : `(${base(slot)} + ${u32(step)})`),
    );
  };
  const values: string[][] = kernel.stores.map(() => []);
  for (let lane = 0; lane < lanes; lane++) {
    const here = coordinates.map((at, axis) => lane > 0 && axis === coordinates.length - 1 ? `(${at} + ${lane}u)` : at);
    const print = scalarPrinter(shader, {
      load: (slot) => load(slot, lane),
      index: (offset, strides) => `bitcast<i32>(${address(offset, strides, here)})`,
      result: () => {
        throw new Error("A map kernel has no result");
      },
    });
    kernel.stores.forEach((store, i) => values[i].push(shader.define(print(store.value))));
  }
  // All values are computed before the first store: a buffer may be loaded and stored in place.
  kernel.stores.forEach((store, i) => writeStore(shader, store, coordinates, values[i], isVectorPlace(store)));
}

function writeStore(shader: Shader, store: Store, coordinates: readonly Coordinate[], values: string[], vector: boolean): void {
  const base = shader.define(address(store.offset, store.strides, coordinates), "a");
  if (vector) return shader.storeVector(store.buffer, base, values);
  const step = store.strides.at(-1) ?? 0;
  values.forEach((value, lane) => shader.store(store.buffer, lane === 0 ? base : `(${base} + ${u32(lane * step)})`, value));
}
