/**
 * Loop nests over points: loads, arithmetic, stores. A thread of a map writes a part of one, a call of an epilogue another.
 *
 * @module
 */
import { type Axes, mergeAxes, tileInner, withInner } from "../../../../ir/axes.ts";
import type { Access, Store } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { GeneratorContext } from "../context.ts";
import { pushClamped } from "../emit/addresses.ts";
import type { Emitter } from "../expressions/emitter.ts";
import { type At, Evaluator } from "../expressions/evaluator.ts";
import { operationCount, pointNanoseconds, unrollFor } from "../work.ts";
import { columnLoop } from "./column_loop.ts";
import { emitterFor, type Formula, formula, mayOverrun, sharingLoads, type StreamOf, streamsOf } from "./formula.ts";
import { Odometer } from "./odometer.ts";
import { accessStream, type Stream } from "./streams.ts";

/** A kernel's stores, ready to be written as loops. */
export interface LoopNest {
  readonly formula: Formula;
  readonly emitter: Emitter;
  /** Of the leaves in order, then of the stores, then the numbers of chosen rows. */
  readonly streams: readonly Stream[];
  readonly leafCount: number;
  /** Of a stream of chosen rows: which stream has their numbers. */
  readonly numbersOf: ReadonlyMap<number, number>;
  /** Merged axes, the columns' last. */
  readonly axes: Axes;
  readonly rows: number;
  readonly columns: number;
  readonly operations: number;
  /** Estimated time of the whole nest. */
  readonly nanoseconds: number;
}

/** Which part of a nest to write; a local each, or undefined for all. */
export interface LoopRange {
  readonly rows?: { readonly from: number; readonly to: number };
  readonly columns?: { readonly from: number; readonly to: number; readonly ragged: boolean };
}

/** Where a kernel's result can be read. */
export type ResultStream = (slot: number) => Stream | undefined;

/**
 * Reads the stores of a kernel. The columns are its last axis if that is to be kept, or that and those before it which merge with it, and
 * rows all others; or the loops are chosen freely.
 */
export function loopNestOf(
  context: GeneratorContext,
  kernel: { readonly shape: readonly number[]; readonly loads: readonly Access[]; readonly stores: readonly Store[] },
  options: { readonly columns: "last" | "merged" | "any"; readonly result?: ResultStream },
): LoopNest {
  const values = kernel.stores.map(({ value }) => value);
  const loaded = streamsOf(context.program, kernel.loads);
  const streamOf: StreamOf = (leaf) => leaf.kind === "result" ? options.result?.(leaf.slot) : loaded(leaf);
  const read = formula(values, streamOf, sharingLoads(kernel.loads));
  const accessed = [...read.leaves.values(), ...kernel.stores.map((store) => accessStream(context.program, store))];
  const choices = accessed.flatMap(({ chosen }, i) => chosen ? [{ i, numbers: chosen.numbers }] : []);
  const streams = [...accessed, ...choices.map(({ numbers }) => numbers)];
  const numbersOf = new Map(choices.map(({ i }, nth) => [i, accessed.length + nth]));
  const emitter = emitterFor(context, [read], streams);
  const operations = operationCount(read.roots);
  const merged = mergeAxes(kernel.shape, streams.map(({ strides }) => strides), options.columns === "last");
  const axes = options.columns === "any"
    ? tiled(withInner(merged, innerAxis(merged, streams, numbersOf, operations, emitter.lanes)), streams)
    : withInner(merged, merged.extents.length - 1);
  const columns = axes.extents.at(-1)!;
  const rows = axes.extents.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const nanoseconds = rows * (columns * pointNanoseconds(operations, streams.length, emitter.lanes) + 2 * streams.length);
  return {
    formula: read,
    emitter,
    streams,
    leafCount: read.leaves.size,
    numbersOf,
    axes,
    rows,
    columns,
    operations,
    nanoseconds,
  };
}

/** The axis along which the columns run best: contiguous accesses, few remainders, few rows. */
function innerAxis(
  axes: Axes,
  streams: readonly Stream[],
  numbersOf: LoopNest["numbersOf"],
  operations: number,
  lanes: number,
): number {
  let [best, least] = [axes.extents.length - 1, Infinity];
  const total = axes.extents.reduce((product, extent) => product * extent, 1);
  for (let axis = axes.extents.length - 1; axis >= 0; axis--) {
    const extent = axes.extents[axis];
    const scattered = (stream: Stream, i: number) => {
      const numbers = numbersOf.get(i);
      return !mayOverrun(stream.dtype, axes.strides[i][axis]) || (numbers !== undefined && axes.strides[numbers][axis] !== 0);
    };
    const block = operations + streams.reduce((cost, stream, i) => cost + (scattered(stream, i) ? 1.5 * lanes : 1), 0);
    const cost = total / extent * (Math.ceil(extent / lanes) * block + 4 + 2 * streams.length);
    if (cost < least) [best, least] = [axis, cost];
  }
  return best;
}

/** Columns of a tile, and the fewest columns and rows that are worth tiles. */
const tileColumns = [32, 24, 16, 40, 48, 20, 28];
const tiledFrom = 64;

/**
 * Where a stream jumps from column to column but steps from row to row (a transposition), the columns are cut into tiles and the
 * tiles' loop put outermost, so that the cache lines of one row are still there for the next.
 */
function tiled(axes: Axes, streams: readonly Stream[]): Axes {
  const rank = axes.extents.length;
  const columns = axes.extents[rank - 1];
  const jumps = streams.some(({ dtype }, i) => {
    const [row, column] = axes.strides[i].slice(-2);
    return !mayOverrun(dtype, column) && Math.abs(row) < Math.abs(column);
  });
  const tile = tileColumns.find((width) => columns % width === 0);
  if (rank < 2 || !jumps || tile === undefined || columns < tiledFrom || axes.extents[rank - 2] < tiledFrom) return axes;
  return tileInner(axes, tile);
}

/** Writes a part of a nest. */
export function writeLoopNest(c: FunctionWriter, nest: LoopNest, range: LoopRange): void {
  new LoopNestWriter(c, nest).write(range);
}

class LoopNestWriter {
  readonly #c: FunctionWriter;
  readonly #nest: LoopNest;
  readonly #odometer: Odometer;
  readonly #inner: readonly number[];
  /** Addresses: where each stream begins, and where it is. */
  readonly #bases: readonly number[];
  readonly #pointers: readonly number[];
  readonly #evaluator: Evaluator;

  constructor(c: FunctionWriter, nest: LoopNest) {
    this.#c = c;
    this.#nest = nest;
    const outer = nest.axes.strides.map((strides) => strides.slice(0, -1));
    this.#inner = nest.axes.strides.map((strides) => strides.at(-1)!);
    this.#odometer = new Odometer(c, nest.axes.extents.slice(0, -1), outer);
    this.#bases = nest.streams.map((stream) => {
      const base = c.local("i32");
      stream.base(c);
      c.set(base);
      return base;
    });
    this.#pointers = nest.streams.map((_, i) => this.#levelOf(i) === 0 ? this.#bases[i] : c.local("i32"));
    const numbers = new Map([...nest.formula.leaves.keys()].map((leaf, i) => [leaf, i]));
    this.#evaluator = new Evaluator(
      c,
      nest.emitter,
      {
        level: (leaf) => this.#levelOf(numbers.get(leaf)!),
        push: (leaf, at) => {
          const i = numbers.get(leaf)!;
          const { dtype } = nest.streams[i];
          if (this.#jumps(i)) this.#loadChosen(i, at);
          else if (dtype === "index") nest.emitter.sequence(c, this.#locate(i, at.step), at.lanes);
          else nest.emitter.load(c, dtype, this.#locate(i, at.step), at.lanes);
        },
      },
      nest.formula.roots,
      2,
    );
  }

  #levelOf(i: number): number {
    if (this.#inner[i] !== 0 || this.#jumps(i)) return 2;
    return this.#odometer.moves(i) || this.#nest.streams[i].chosen ? 1 : 0;
  }

  /** Whether a stream of chosen rows is in another row from column to column. */
  #jumps(i: number): boolean {
    const numbers = this.#nest.numbersOf.get(i);
    return numbers !== undefined && this.#inner[numbers] !== 0;
  }

  #locate(i: number, step: number) {
    return { pointer: this.#pointers[i], offset: this.#inner[i] * step, stride: this.#inner[i] };
  }

  write(range: LoopRange): void {
    const c = this.#c;
    this.#evaluator.hoist(0);
    if (this.#nest.rows === 1 && !range.rows) return this.#row(range);
    const row = c.local("i32");
    this.#odometer.seek(range.rows?.from);
    if (range.rows) {
      c.get(range.rows.from).set(row);
      c.get(row).get(range.rows.to).op("i32.lt_s");
    } else c.i32(0).set(row).i32(1);
    c.if(() => {
      c.loop(() => {
        this.#row(range);
        this.#odometer.next();
        c.increment(row, 1).get(row);
        if (range.rows) c.get(range.rows.to);
        else c.i32(this.#nest.rows);
        c.op("i32.lt_s").brIf(0);
      });
    });
  }

  #row({ columns }: LoopRange): void {
    const [c, nest] = [this.#c, this.#nest];
    this.#pointers.forEach((pointer, i) => {
      if (this.#levelOf(i) === 0) return;
      c.get(this.#bases[i]);
      this.#odometer.addOffset(i);
      if (columns && this.#inner[i] !== 0) c.get(columns.from).i32(this.#inner[i]).op("i32.mul").op("i32.add");
      c.set(pointer);
    });
    for (const [i, numbers] of nest.numbersOf) {
      if (this.#jumps(i)) continue;
      const { rows, bytes } = nest.streams[i].chosen!;
      c.get(this.#pointers[i]);
      pushClamped(c, rows, () => c.get(this.#pointers[numbers]).mem("i32.load"));
      c.i32(bytes).op("i32.mul").op("i32.add").set(this.#pointers[i]);
    }
    this.#evaluator.hoist(1);
    const count = c.local("i32");
    if (columns) c.get(columns.to).get(columns.from).op("i32.sub").set(count);
    else c.i32(nest.columns).set(count);
    const { lanes } = nest.emitter;
    const isStore = (i: number) => i >= nest.leafCount && i < nest.leafCount + nest.formula.roots.length;
    columnLoop(c, {
      lanes,
      unroll: unrollFor(nest.operations, nest.columns, lanes),
      count,
      most: nest.columns,
      ragged: columns?.ragged ?? nest.columns % lanes !== 0,
      partial: nest.columns > 1 && nest.streams.every(({ dtype }, i) => isStore(i) || mayOverrun(dtype, this.#inner[i])),
      pointers: nest.streams.map((_, i) => ({ local: this.#pointers[i], step: this.#inner[i] })),
    }, (points) => {
      for (const at of points) this.#evaluator.evaluate(nest.formula.roots, at, (_, push, index) => this.#store(index, push, at));
    });
    c.release("i32", count);
  }

  /** Pushes elements each of which is in a row of its own. */
  #loadChosen(i: number, at: At): void {
    const [c, { emitter, numbersOf, streams }] = [this.#c, this.#nest];
    const { dtype, chosen } = streams[i];
    if (dtype === "index") throw new Error("Rows need memory");
    const { rows, bytes } = chosen!;
    const [from, numbers] = [this.#locate(i, at.step), this.#locate(numbersOf.get(i)!, at.step)];
    if (emitter.loadAt && at.lanes === "all") {
      emitter.load(c, "i32", numbers, "all");
      c.i32x4(0).op("i32x4.max_s").i32x4(rows - 1).op("i32x4.min_s").i32x4(bytes).op("i32x4.mul");
      emitter.sequence(c, from, "all");
      c.op("i32x4.add");
      return emitter.loadAt(c, dtype);
    }
    const pointer = c.local("i32");
    c.get(from.pointer);
    pushClamped(c, rows, () => c.get(numbers.pointer).mem("i32.load", numbers.offset));
    c.i32(bytes).op("i32.mul").op("i32.add").set(pointer);
    emitter.load(c, dtype, { ...from, pointer }, "one");
    c.release("i32", pointer);
  }

  #store(index: number, push: () => void, at: At): void {
    const [nest, i] = [this.#nest, this.#nest.leafCount + index];
    const dtype = nest.streams[i].dtype;
    if (dtype === "index") throw new Error("A store needs memory");
    nest.emitter.store(this.#c, dtype, this.#locate(i, at.step), at.lanes, push, at.valid);
  }
}
