/**
 * Convolutions of single channels: how a plane is cut into tiles of outputs whose code is written out.
 *
 * A tile is some rows of one vector of outputs, or, where outputs gather from sources in phases (the gradient of a strided convolution), of
 * one vector for each phase. Which sources its taps read is known when the code is written: those outside the image are left out.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import { type GatherAxis, gatherInputs, gatherOutputs, windowAxes } from "../../../../../ir/windows.ts";
import { vectorLanes } from "../../emit/vectors.ts";

/** Most products of vectors that are written out for a plane. */
const maxWrittenProducts = 4096;

/** Filter elements that are kept in registers, and the most that convolutions are written out for: the others are loaded for each product. */
export const keptTaps = 9;
const maxTaps = 25;

/** Cycles: of a product of vectors, of one whose filter element is loaded, of a vector of sources or outputs, and of a plane. */
const cycles = { product: 0.5, loaded: 0.75, vector: 1.2, plane: 5 };

/** Neighbouring tiles along an axis: the first output, how many of each, and how many tiles of the same code there are. */
export interface Segment {
  readonly start: number;
  readonly size: number;
  readonly count: number;
}

/** The planes of a convolution of single channels, and their tiles. */
export interface DepthwisePlan {
  readonly planes: number;
  readonly rows: GatherAxis;
  readonly columns: GatherAxis;
  /** Height and width of the filters. */
  readonly taps: readonly [number, number];
  /** Output rows of a tile, and columns. */
  readonly tile: readonly [number, number];
  readonly rowSegments: readonly Segment[];
  readonly columnSegments: readonly Segment[];
}

/** What conv2d or its gradient with respect to the input computes, if it is a convolution of single channels. */
export function planDepthwise(kernel: ConvKernel): DepthwisePlan | undefined {
  const { c, o, groups } = kernel.geometry;
  return c !== groups || o !== groups || groups === 1 ? undefined : planChannels(kernel);
}

/** The same for some of its channels, or for one. */
export function planChannels({ kind, geometry: g }: ConvKernel): DepthwisePlan | undefined {
  const gather = kind === "conv2d" ? gatherInputs : gatherOutputs;
  const [rows, columns] = windowAxes(g).map(gather);
  return g.kh * g.kw <= maxTaps ? planPlanes(g.n * g.c, rows, columns, [g.kh, g.kw], "overlaps") : undefined;
}

/**
 * Planes cut into tiles; undefined where their code would be too long, or lanes would be empty. The last vector of a row overlaps the one
 * before, or has fewer lanes.
 */
export function planPlanes(
  planes: number,
  rows: GatherAxis,
  columns: GatherAxis,
  taps: readonly [number, number],
  atEnd: "overlaps" | "fewer",
): DepthwisePlan | undefined {
  const width = vectorLanes * columns.phases.length;
  const fits = columns.step <= 2 && columns.phases.length <= 2 && columns.sources >= vectorLanes && columns.outputs >= width;
  if (!fits || taps[0] * taps[1] === 1) return undefined;
  const elements = taps[0] * taps[1];
  const most = elements <= keptTaps ? 4 : 2;
  const height = rows.phases.length * Math.max(1, Math.floor(most / (rows.phases.length * columns.phases.length)));
  const plan = {
    planes,
    rows,
    columns,
    taps,
    tile: [height, width],
    rowSegments: segments(rows, height, "fewer"),
    columnSegments: segments(columns, width, atEnd),
  } as const;
  return writtenProducts(plan) <= maxWrittenProducts ? plan : undefined;
}

/** Cuts the outputs of an axis into tiles, of which those that read nothing outside are the same. */
function segments(axis: GatherAxis, size: number, atEnd: "overlaps" | "fewer"): Segment[] {
  const found: Segment[] = [];
  const isInside = (start: number, size: number) =>
    Array.from({ length: size }, (_, i) => readsOf(axis, start + i)).flat().every(({ source }) =>
      source >= 0 && source < axis.sources
    );
  let wasInside = false;
  for (let start = 0; start < axis.outputs; start += size) {
    const rest = Math.min(size, axis.outputs - start);
    const inside = rest === size && isInside(start, size);
    const last = found.at(-1);
    if (inside && wasInside && last) found[found.length - 1] = { ...last, count: last.count + 1 };
    else if (rest < size && atEnd === "overlaps") found.push({ start: axis.outputs - size, size, count: 1 });
    else found.push({ start, size: rest, count: 1 });
    wasInside = inside;
  }
  return found;
}

/** The taps of an output along an axis with the sources under them, also those outside. */
export function readsOf({ phases, step }: GatherAxis, output: number): { readonly tap: number; readonly source: number }[] {
  const { first, every, delta, deltaStep, count } = phases[output % phases.length];
  const from = Math.floor(output / phases.length) * step + delta;
  return Array.from({ length: count }, (_, i) => ({ tap: first + i * every, source: from + i * deltaStep }));
}

/** Products of vectors in the code of all tiles. */
function writtenProducts({ rows, columns, rowSegments, columnSegments }: DepthwisePlan): number {
  const products = (axis: GatherAxis, { start, size }: Segment) =>
    Array.from({ length: size }, (_, i) => readsOf(axis, start + i).length).reduce((sum, count) => sum + count, 0);
  const sum = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);
  return sum(rowSegments.map((each) => products(rows, each))) *
    sum(columnSegments.map((each) => products(columns, each))) / vectorLanes;
}

/** The cycles that the planes take on one thread. */
export function depthwiseCycles({ planes, rows, columns, taps }: DepthwisePlan): number {
  const vectors = ({ outputs }: GatherAxis) => Math.ceil(outputs / vectorLanes);
  const products = rows.outputs * vectors(columns) * taps[0] * taps[1] / (rows.phases.length * columns.phases.length);
  const moved = rows.outputs * vectors(columns) + rows.sources * Math.ceil(columns.sources / vectorLanes);
  const product = taps[0] * taps[1] <= keptTaps ? cycles.product : cycles.loaded;
  return planes * (products * product + moved * cycles.vector + cycles.plane);
}
