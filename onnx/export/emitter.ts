/**
 * How a graph of values becomes nodes: each value is asked for by name, and is made when it is first asked for. So what a fused op
 * has taken in is never written.
 *
 * @module
 */
import { sizeOf } from "../../core/shape.ts";
import type { DType } from "../../core/dtype.ts";
import type { Op } from "../../core/tensor.ts";
import { type BatchExtent, type Extent, sameExtent } from "./extents.ts";
import type { Value } from "./graph.ts";
import { broadcastFrom, numberOf } from "./match.ts";
import { type Attribute, Initializers, Names, Nodes } from "./writer.ts";

/** Writes a value that its record made, and gives its name. */
export type Row = (value: Value, emitter: Emitter) => string;

/** Writes a value as one op that means more than its record alone; undefined if it is not what that op is made from. */
export type Fusion = (value: Value, emitter: Emitter) => string | undefined;

/** What is known of records: how each is written, or why it cannot be; and what several together are. */
export interface Rows {
  readonly rows: ReadonlyMap<Op, Row>;
  readonly fusions: ReadonlyMap<Op, readonly Fusion[]>;
}

/** Thrown by rows for what ONNX has nothing for. */
export class Inexpressible extends Error {}

/** What is the same at every batch size. */
export function needed<T>(found: T | undefined): T {
  if (found === undefined) throw new Inexpressible("its attributes depend on the size of the batch");
  return found;
}

/** A line of a table of rows. */
export function row<A>(op: Op<A>, write: Row): readonly [Op, Row] {
  return [op as Op, write];
}

/** Where the size of the batch can be read while the file runs. */
export interface BatchSource {
  readonly name: string;
  readonly axis: number;
}

/** What all graphs of a file share. */
interface File {
  readonly names: Names;
  readonly initializers: Initializers;
  readonly rows: Rows;
  readonly sizes: readonly number[];
  readonly batch?: BatchSource;
  /** What could not be written, in words. */
  readonly refused: Set<string>;
  /** While it is only found out what a value is made from: the values that were asked for. Nothing is written then. */
  asked?: Set<Value>;
  /** Of the outermost graph, where extents are computed. */
  readonly outermost: { nodes?: Nodes; readonly extents: Map<string, string> };
}

/** Writes the nodes of one graph. */
export class Emitter {
  readonly nodes: Nodes;
  readonly #known = new Map<Value, string>();
  readonly #results = new Map<Value, ReadonlyMap<number, string>>();
  readonly #file: File;
  readonly #around?: Emitter;
  /** Of a graph inside: the values that belong to it, because they depend on its arguments. */
  readonly #own: ReadonlySet<Value>;

  private constructor(file: File, around?: Emitter, own: ReadonlySet<Value> = new Set()) {
    this.#file = file;
    this.#around = around;
    this.#own = own;
    this.nodes = new Nodes(file.names);
    file.outermost.nodes ??= this.nodes;
  }

  /** For a whole file. */
  static of(rows: Rows, names: Names, sizes: readonly number[], batch?: BatchSource): Emitter {
    const initializers = new Initializers(names);
    return new Emitter({
      names,
      initializers,
      rows,
      sizes,
      batch,
      refused: new Set(),
      outermost: { extents: new Map() },
    });
  }

  /** For a graph inside of this one, which sees the names around it. What does not depend on its arguments is written out here. */
  inside(args: readonly Value[]): Emitter {
    const own = new Set(args);
    for (const value of own) value.users.forEach((user) => own.add(user));
    return new Emitter(this.#file, this, own);
  }

  /** A name that is not used yet. */
  fresh(wish: string): string {
    return this.#file.asked ? "" : this.#file.names.fresh(wish);
  }

  get initializers(): Initializers {
    return this.#file.initializers;
  }

  /** The batch sizes of the traces. */
  get sizes(): readonly number[] {
    return this.#file.sizes;
  }

  /** What could not be written. */
  get refused(): ReadonlySet<string> {
    return this.#file.refused;
  }

  /** Gives a value its name: a leaf, or what a node with several outputs made. */
  define(value: Value, name: string): void {
    this.#known.set(value, name);
  }

  #find(value: Value): string | undefined {
    return this.#known.get(value) ?? (this.#around && this.#around.#find(value));
  }

  /** The name of a value. */
  of(value: Value): string {
    const known = this.#find(value);
    if (known !== undefined) return known;
    const { asked } = this.#file;
    if (asked) {
      asked.add(value);
      return "";
    }
    this.#writeAll(value);
    return this.#find(value)!;
  }

  /** Writes a value after all that it is made from: a way of steps, as a chain of values may be too long for recursion. */
  #writeAll(last: Value): void {
    const way = [last];
    const ready = new Set<Value>();
    while (way.length > 0) {
      const value = way[way.length - 1];
      if (this.#find(value) !== undefined) way.pop();
      else if (this.#around && !this.#own.has(value)) this.#around.of(value);
      else if (ready.has(value)) this.define(value, this.#write(value));
      else {
        ready.add(value);
        way.push(...this.#asks(value));
      }
    }
  }

  /** What a value is written from, and is not written yet. */
  #asks(value: Value): readonly Value[] {
    const asked = new Set<Value>();
    this.#file.asked = asked;
    try {
      this.#write(value);
    } finally {
      this.#file.asked = undefined;
    }
    return [...asked].reverse();
  }

  #write(value: Value): string {
    const { op } = value;
    if (op === undefined) throw new Error("A leaf was not given a name");
    const { rows: { rows, fusions }, refused } = this.#file;
    try {
      for (const fusion of fusions.get(op) ?? []) {
        const fused = fusion(value, this);
        if (fused !== undefined) return fused;
      }
      return rows.get(op)!(value, this);
    } catch (error) {
      if (!(error instanceof Inexpressible)) throw error;
      refused.add(`${op.name} (${error.message})`);
      // The rest is looked at too, so that all is said at once.
      value.inputs.forEach((input) => this.of(input));
      return "";
    }
  }

  /** The name of a result of a value that stands for several, which are written once. */
  several(value: Value, index: number, write: () => ReadonlyMap<number, string>): string {
    if (this.#file.asked) return "";
    const results = this.#results.get(value) ?? write();
    this.#results.set(value, results);
    return results.get(index)!;
  }

  /** A node with one output. */
  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = this.fresh(op.toLowerCase());
    this.add(op, inputs, attributes, [name]);
    return name;
  }

  /** A node with outputs of these names. */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>, outputs: readonly string[]): void {
    if (!this.#file.asked) this.nodes.add(op, inputs, attributes, outputs);
  }

  /** A number as a scalar of a type. */
  scalar(dtype: DType, number: number): string {
    return this.initializers.numbers(dtype, [number]);
  }

  /** A vector of one number repeated. */
  repeated(dtype: DType, number: number, count: number): string {
    return this.initializers.numbers(dtype, new Array(count).fill(number), [count]);
  }

  /** Integers as a vector: axes, or a shape of which some extents may grow with the batch. */
  integers(extents: readonly Extent[]): string {
    if (extents.every((extent) => typeof extent === "number")) return this.initializers.integers(extents);
    const parts = extents.map((each) => typeof each === "number" ? this.initializers.integers([each]) : this.extent(each));
    return this.#once("Concat", extents, () => parts.length === 1 ? parts[0] : this.#outer("Concat", parts, { axis: 0 }));
  }

  /** An extent that grows with the batch, as a vector of one integer. */
  extent(extent: BatchExtent): string {
    return this.#once("extent", extent, () => {
      const { batch } = this.#file;
      if (!batch) throw new Error("An extent grows with a batch that there is not");
      const { name, axis } = batch;
      const whole = this.#once("batch", batch, () => this.#outer("Shape", [name], { start: axis, end: axis + 1 }));
      const { initializers } = this;
      const times = extent.per === 1 ? whole : this.#outer("Mul", [whole, initializers.integers([extent.per])]);
      return extent.plus === 0 ? times : this.#outer("Add", [times, initializers.integers([extent.plus])]);
    });
  }

  /** What is computed once, in the outermost graph. */
  #once(what: string, facts: unknown, write: () => string): string {
    const key = `${what} ${JSON.stringify(facts)}`;
    if (this.#file.asked) return "";
    const { extents } = this.#file.outermost;
    const name = extents.get(key) ?? write();
    extents.set(key, name);
    return name;
  }

  #outer(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = this.fresh(op.toLowerCase());
    this.#file.outermost.nodes!.add(op, inputs, attributes, [name]);
    return name;
  }

  /** A value in another shape with as many elements, given by name. */
  reshaped(name: string, from: readonly Extent[], to: readonly Extent[]): string {
    const grows = to.flatMap((extent, axis) => typeof extent === "number" ? [] : [axis]);
    const others = sizeOf(to.filter((extent) => typeof extent === "number"));
    if (grows.length === 1 && others > 0) {
      return this.node("Reshape", [name, this.integers(to.map((extent) => typeof extent === "number" ? extent : -1))]);
    }
    if (grows.length > 1 && others > 0) {
      // Extents that stay in their places need not be known, nor one more.
      const moved = grows.filter((axis) => axis >= from.length || !sameExtent(from[axis], to[axis]));
      if (moved.length <= 1) {
        const shape = to.map((extent, axis) => typeof extent === "number" ? extent : moved.includes(axis) ? -1 : 0);
        return this.node("Reshape", [name, this.integers(shape)]);
      }
    }
    return this.node("Reshape", [name, this.integers(to)], others > 0 ? {} : { allowzero: 1 });
  }

  /** A value with axes of extent 1 added at these places of the result. */
  expanded(name: string, axes: readonly number[]): string {
    return axes.length === 0 ? name : this.node("Unsqueeze", [name, this.integers(axes)]);
  }

  /** The name of something that broadcasts to a value: what is repeated by each op itself need not be repeated before. */
  loose(value: Value): string {
    if (this.#find(value) !== undefined) return this.of(value);
    const number = numberOf(value);
    if (number !== undefined) return this.scalar(value.dtype, number);
    const inner = broadcastFrom(value);
    if (!inner) return this.of(value);
    const { x, axes } = inner;
    const first = axes[0] ?? value.shape.length;
    const added = value.shape.map((_, axis) => axis).filter((axis) => axis > first && !axes.includes(axis));
    return this.expanded(this.of(x), added.map((axis) => axis - first));
  }

  /** The names of values of one shape for an op that broadcasts them to it. */
  broadcasting(values: readonly Value[]): string[] {
    const { shape } = values[0];
    const covered = (axis: number) => shape[axis] === 1 || values.some((value) => covers(value, axis));
    if (shape.every((_, axis) => covered(axis))) return values.map((value) => this.loose(value));
    return values.map((value, i) => i === 0 ? this.of(value) : this.loose(value));
  }
}

/** Whether a value itself, before it is repeated, has the extent of an axis. */
function covers(value: Value, axis: number): boolean {
  if (numberOf(value) !== undefined) return false;
  const inner = broadcastFrom(value);
  if (!inner) return true;
  const own = inner.axes.indexOf(axis);
  return own >= 0 && sameExtent(inner.x.shape[own], value.shape[axis]);
}
