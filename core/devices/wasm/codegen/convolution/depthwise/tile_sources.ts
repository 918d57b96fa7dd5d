/**
 * The sources of a tile as vectors: for each row and tap of the columns the four elements under it, with zeros where they lie outside the
 * image. Nothing is staged: vectors at an edge are loaded from inside and moved.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { type DepthwisePlan, readsOf, type Segment } from "./plan.ts";

/** A product of a tile: an element of the filters, the output row of the tile, and the phase of its columns. */
export interface Product {
  readonly tap: number;
  readonly row: number;
  readonly phase: number;
}

/** Where a plane is while code is written. */
export interface PlaneSource {
  /** A local: the address of the plane, or what it has moved to in loops over tiles. */
  readonly address: number;
  /** A local: a vector of zeros. */
  readonly zero: number;
}

/**
 * Tells each vector of sources of a tile, in a local that is released afterwards, with the products that it is part of. Of a row of `lanes`
 * outputs that are fewer than a vector has the other lanes are 0.
 */
export function eachSource(
  c: FunctionWriter,
  plan: DepthwisePlan,
  { rows, columns }: { readonly rows: Segment; readonly columns: Segment },
  source: PlaneSource,
  see: (vector: number, products: readonly Product[]) => void,
): void {
  const phases = plan.columns.phases.length;
  const lanes = Math.min(vectorLanes, columns.size / phases);
  /** By first column of the source. */
  const vectors = new Map<number, { readonly tap: number; readonly phase: number }[]>();
  for (let phase = 0; phase < phases; phase++) {
    for (const { tap, source } of readsOf(plan.columns, columns.start + phase)) {
      const others = vectors.get(source);
      if (others) others.push({ tap, phase });
      else vectors.set(source, [{ tap, phase }]);
    }
  }
  /** By row of the source. */
  const lines = new Map<number, { readonly tap: number; readonly row: number }[]>();
  for (let row = 0; row < rows.size; row++) {
    for (const { tap, source } of readsOf(plan.rows, rows.start + row)) {
      if (source < 0 || source >= plan.rows.sources) continue;
      const others = lines.get(source);
      if (others) others.push({ tap, row });
      else lines.set(source, [{ tap, row }]);
    }
  }
  const ordered = <T>(map: ReadonlyMap<number, T>) => [...map].sort(([a], [b]) => a - b);
  for (const [line, ofRows] of ordered(lines)) {
    const row = new SourceRow(c, plan, line, source);
    for (const [first, ofColumns] of ordered(vectors)) {
      const vector = row.vector(first, lanes);
      if (vector === undefined) continue;
      const products = ofRows.flatMap(({ tap: ky, row }) =>
        ofColumns.map(({ tap: kx, phase }): Product => ({ tap: ky * plan.taps[1] + kx, row, phase }))
      );
      see(vector, products);
    }
    row.release();
  }
}

/** The vectors of one row of sources. */
class SourceRow {
  readonly #c: FunctionWriter;
  readonly #width: number;
  readonly #step: number;
  readonly #offset: number;
  readonly #source: PlaneSource;
  /** By column: what is loaded. */
  readonly #loaded = new Map<number, number>();
  readonly #made: number[] = [];

  constructor(c: FunctionWriter, { columns: { sources, step } }: DepthwisePlan, row: number, source: PlaneSource) {
    this.#c = c;
    this.#width = sources;
    this.#step = step;
    this.#offset = row * sources;
    this.#source = source;
  }

  /** The elements in columns `first`, `first` + step ...: a local; undefined if all are outside. */
  vector(first: number, lanes: number): number | undefined {
    const columns = Array.from({ length: vectorLanes }, (_, lane) => first + lane * this.#step);
    const isThere = columns.map((column, lane) => lane < lanes && column >= 0 && column < this.#width);
    if (!isThere.includes(true)) return undefined;
    return this.#step === 1 ? this.#neighbours(first, isThere) : this.#everyOther(first, columns, isThere);
  }

  release(): void {
    this.#c.release("v128", ...this.#loaded.values(), ...this.#made);
  }

  #load(column: number): number {
    const known = this.#loaded.get(column);
    if (known !== undefined) return known;
    const vector = this.#c.local("v128");
    this.#c.get(this.#source.address).i32((this.#offset + column) * floatBytes).op("i32.add").mem("v128.load").set(vector);
    this.#loaded.set(column, vector);
    return vector;
  }

  #inside(column: number): number {
    return Math.max(0, Math.min(column, this.#width - vectorLanes));
  }

  #shuffled(a: number, b: number, lanes: readonly number[]): number {
    const vector = this.#c.local("v128");
    this.#c.get(a).get(b).shuffle32(lanes as [number, number, number, number]).set(vector);
    this.#made.push(vector);
    return vector;
  }

  /** Neighbouring columns: where some are outside, those inside are shifted, with zeros before or behind. */
  #neighbours(first: number, isThere: readonly boolean[]): number {
    const at = this.#inside(first);
    const loaded = this.#load(at);
    if (first === at && !isThere.includes(false)) return loaded;
    const lanes = isThere.map((_, lane) => first + lane - at);
    const { zero } = this.#source;
    if (lanes.every((lane, i) => isThere[i] === lane >= 0 && lane < vectorLanes)) {
      return this.#shuffled(zero, loaded, lanes.map((lane) => lane + vectorLanes));
    }
    if (lanes.every((lane, i) => isThere[i] === lane < vectorLanes && lane >= 0)) return this.#shuffled(loaded, zero, lanes);
    return this.#shuffled(loaded, zero, lanes.map((lane, i) => isThere[i] ? lane : vectorLanes));
  }

  /** Every other column, from two vectors that begin at an even one, which the column before or behind shares. */
  #everyOther(first: number, columns: readonly number[], isThere: readonly boolean[]): number {
    const even = first - (first & 1);
    const [low, high] = [this.#inside(even), this.#inside(even + vectorLanes)];
    const lanes = columns.map((column, lane) =>
      !isThere[lane] ? lane : column < low + vectorLanes ? column - low : vectorLanes + column - high
    );
    const vector = this.#shuffled(this.#load(low), this.#load(high), lanes);
    if (!isThere.includes(false)) return vector;
    return this.#shuffled(this.#source.zero, vector, isThere.map((there, lane) => there ? vectorLanes + lane : lane));
  }
}

/** Writes a body for each tile of a plane; `move` moves addresses on by rows and columns of tiles, and `body` gets what they are there. */
export function eachTile(
  c: FunctionWriter,
  { rowSegments, columnSegments }: DepthwisePlan,
  addresses: readonly number[],
  steps: { readonly rows: readonly number[]; readonly columns: readonly number[] },
  body: (tile: { readonly rows: Segment; readonly columns: Segment }, addresses: readonly number[]) => void,
): void {
  const along = (count: number, from: readonly number[], steps: readonly number[], body: (at: readonly number[]) => void) => {
    if (count === 1) return body(from);
    const moving = c.locals("i32", from.length);
    moving.forEach((local, i) => c.get(from[i]).set(local));
    c.repeat(count, () => {
      body(moving);
      moving.forEach((local, i) => c.increment(local, steps[i] * floatBytes));
    });
    c.release("i32", ...moving);
  };
  for (const rows of rowSegments) {
    along(rows.count, addresses, steps.rows, (line) => {
      for (const columns of columnSegments) {
        along(columns.count, line, steps.columns, (at) => body({ rows, columns }, at));
      }
    });
  }
}

/** How far sources move from tile to tile, down and along. */
export function sourceSteps({ rows, columns, tile: [height, width] }: DepthwisePlan): readonly [down: number, along: number] {
  return [height / rows.phases.length * rows.step * columns.sources, width / columns.phases.length * columns.step];
}
