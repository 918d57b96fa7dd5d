/**
 * From the graph to kernels: one for every materialized node, a map for each that is elementwise.
 *
 * An inlined node is part of its users' kernels: they hold its expression and read its inputs with strides to match. Where strides
 * cannot express it (a reshape of a transposed tensor) the node must be materialized after all. Which those are comes out while lowering,
 * so it starts again with all of them, until there are no more.
 *
 * @module
 */
import type { Target } from "../ir/target.ts";
import { type Node, type Op, Tensor } from "../tensor.ts";
import { nodesToMaterialize } from "./materialize.ts";
import { ExpressionReader, madeOf, type Memory, MustMaterialize } from "./expression_reader.ts";
import type { KernelCore, Loop, View } from "../ir/lowering.ts";
import { canonicalStrides, isContiguous } from "../ir/axes.ts";
import { constant, type Expr, scalarType } from "../ir/expr.ts";
import { contiguousStrides, otherAxes, reshapeStrides, type Shape, sizeOf } from "../shape.ts";
import { type DType, indexType, roundTo } from "../dtype.ts";
import { type Access, type Kernel, mapAccesses, readsOf, type Store } from "../ir/kernel.ts";
import type { Graph } from "./graph.ts";
import { compileBody, firstRow, type Kernels, type LoopBody, type Wanted, wantedOf } from "./loop.ts";

/** One attempt to lower with a given set of materialized nodes. */
class Lowering implements Memory {
  readonly kernels: Kernel[] = [];
  readonly buffers: Node[] = [];
  readonly #ids = new Map<Node, number>();

  readonly #materialized: ReadonlySet<Node>;
  readonly #maxBuffers: number;
  readonly #loops: Loops;

  constructor(materialized: ReadonlySet<Node>, maxBuffers: number, loops: Loops) {
    this.#materialized = materialized;
    this.#maxBuffers = maxBuffers;
    this.#loops = loops;
  }

  buffer(node: Node): number {
    const known = this.#ids.get(node);
    if (known !== undefined) return known;
    this.#ids.set(node, this.buffers.length);
    return this.buffers.push(node) - 1;
  }

  inMemory(node: Node): boolean {
    return node.made.kind === "input" || this.#materialized.has(node);
  }

  /** The kernels of one materialized node. */
  lower(node: Node): void {
    const before = this.kernels.length;
    this.#lower(node);
    for (const kernel of this.kernels.slice(before)) {
      if (kernel.kind !== "loop" && readsOf(kernel).size + 1 > this.#maxBuffers) throw new MustMaterialize(this.#divide(node));
    }
  }

  /** A node to materialize so that a kernel with too many buffers becomes two: the nearest one that reads several itself. */
  #divide(node: Node): Node {
    const pending = new Set(madeOf(node).inputs);
    // What is added while walking is walked too.
    for (const next of pending) {
      if (this.inMemory(next)) continue;
      const { op, inputs } = madeOf(next);
      if (op.lower.kind === "elementwise" && inputs.length > 1) return next;
      for (const input of inputs) pending.add(input);
    }
    throw new Error(`The kernel of ${madeOf(node).op.name} needs more than ${this.#maxBuffers} buffers`);
  }

  /** Fills a node's buffer and writes its inputs into parts of it. */
  #assemble(node: Node, lower: Extract<Op["lower"], { kind: "assemble" }>): void {
    const { inputs, attrs } = madeOf(node);
    const shapes = inputs.map(({ shape }) => shape);
    const fill = lower.fill?.(attrs);
    if (fill !== undefined) {
      const value = constant(scalarType(node.dtype), roundTo(node.dtype, fill));
      this.kernels.push({
        kind: "map",
        shape: node.shape,
        operands: [],
        loads: [],
        stores: [{ ...this.#whole(node), value }],
      });
    }
    lower.layouts(shapes, attrs).forEach(({ offset, strides }, i) => {
      const { shape } = inputs[i];
      const to = { buffer: this.buffer(node), offset, strides: canonicalStrides(shape, strides) };
      // An empty input has nothing to write; if all are empty, something must still name the buffer.
      if (sizeOf(shape) > 0 || sizeOf(node.shape) === 0) this.#map(shape, (reader) => reader.read(inputs[i], undefined), to);
    });
  }

  #lower(node: Node): void {
    const { op, inputs, attrs } = madeOf(node);
    const { lower } = op;
    switch (lower.kind) {
      case "elementwise":
      case "view":
      case "constant":
      case "index":
        this.#map(node.shape, (reader) => reader.compute(node, undefined), this.#whole(node));
        return;
      case "assemble":
        this.#assemble(node, lower);
        return;
      case "reduce":
        this.#reduce(node, inputs[0], lower.op, lower.axes(attrs));
        return;
      case "kernel": {
        const shapes = inputs.map(({ shape }) => shape);
        const wanted = lower.operands?.(shapes, attrs);
        if (lower.updatesFirst) this.#map(node.shape, (reader) => reader.read(inputs[0], undefined), this.#whole(node));
        const operands = inputs.slice(lower.updatesFirst ? 1 : 0).map((input, i) => this.#operand(input, wanted?.[i]));
        this.#finish(node, lower.build(operands, shapes, attrs, node.dtype));
        return;
      }
      case "loop":
        this.#loop(node, lower.loop(attrs));
        return;
      case "tupleElement":
        // Its loop, which comes before, writes it.
        return;
      case "tuple":
        throw new Error(`A result of ${op.name} was not simplified away`);
    }
  }

  /** The initial state, then the loop, whose body changes it. */
  #loop(node: Node, loop: Loop<Tensor>): void {
    const { inputs } = madeOf(node);
    const { body, results, wanted } = this.#loops(node, loop);
    const unwanted = ({ shape, dtype }: { readonly shape: Shape; readonly dtype: DType }): Node => ({ ...node, shape, dtype });
    const fixed = (input: Node): Access => this.#operand(input, undefined);
    const constants = inputs.slice(0, loop.constants.length).map(fixed);
    const first = inputs.slice(constants.length, constants.length + loop.state.length);
    const sequences = inputs.slice(constants.length + first.length).map(fixed);

    const state = wanted.state.map((k) => {
      const to = results.get(k) ?? unwanted(first[k]);
      this.#map(to.shape, (reader) => reader.read(first[k], undefined), this.#whole(to));
      return to;
    });
    const row = unwanted({ shape: [1], dtype: indexType });
    this.#map(row.shape, () => constant(indexType, firstRow(loop)), this.#whole(row));
    const collected = wanted.collected.map((k) => results.get(loop.state.length + k)!);

    const outer = [...constants, ...sequences, ...[...state, ...collected, row].map((each) => this.#whole(each))];
    const locations = new Map<number, Access>();
    body.inputs.forEach((buffer, i) => buffer !== undefined && locations.set(buffer, outer[i]));
    const locate = (buffer: number): Access => {
      const known = locations.get(buffer);
      if (known) return known;
      const location: Access = { buffer: this.buffer(body.buffers[buffer]), offset: 0, strides: [] };
      locations.set(buffer, location);
      return location;
    };
    const kernels = body.kernels.map((kernel) =>
      mapAccesses(kernel, (access) => {
        const { buffer, offset } = locate(access.buffer);
        return { ...access, buffer, offset: offset + access.offset };
      })
    );
    this.kernels.push({ kind: "loop", shape: [], operands: [], loads: [], stores: [], count: loop.length, kernels });
  }

  #whole(node: Node, shape: Shape = node.shape): Access {
    return { buffer: this.buffer(node), offset: 0, strides: canonicalStrides(shape, contiguousStrides(shape)) };
  }

  #map(shape: Shape, value: (reader: ExpressionReader) => Expr, to: Access): void {
    const reader = new ExpressionReader(this, shape);
    const store: Store = { ...to, value: value(reader) };
    this.kernels.push({ kind: "map", shape, operands: [], loads: reader.loads, stores: [store] });
  }

  #reduce(node: Node, input: Node, op: "sum" | "prod" | "max" | "min" | "argmax" | "argmin", axes: readonly number[]): void {
    const keep = otherAxes(input.shape, axes);
    const order = [...keep, ...axes];
    const extents = order.map((axis) => input.shape[axis]);
    const reader = new ExpressionReader(this, extents, order);
    const value = reader.read(input, undefined);
    this.#finish(node, {
      kind: "reduce",
      shape: extents.slice(0, keep.length),
      window: extents.slice(keep.length),
      operands: reader.loads,
      reductions: [{ op, value }],
    });
  }

  /** Adds to a kernel the store of its bare result, or the buffer it writes to. */
  #finish(node: Node, core: KernelCore): void {
    if (core.kind === "scatterRows" || core.kind === "exchange") {
      this.kernels.push({ ...core, loads: [], stores: [], target: this.#whole(node) });
      return;
    }
    const value: Expr = { kind: "result", type: scalarType(node.dtype), slot: 0 };
    this.kernels.push({ ...core, loads: [], stores: [{ ...this.#whole(node, core.shape), value }] } as Kernel);
  }

  /** An operand of a named kernel: contiguous, or with any strides if the kernel wants to see it under a shape. */
  #operand(node: Node, wanted: Shape | undefined): Access {
    const view = this.view(node);
    if (!wanted) {
      if (!isContiguous(view.shape, view.strides)) throw new MustMaterialize(node);
      return { buffer: this.buffer(this.#base(node)), offset: view.offset, strides: contiguousStrides(view.shape) };
    }
    const strides = reshapeStrides(view.shape, view.strides, wanted);
    if (!strides) throw new MustMaterialize(node);
    return { buffer: this.buffer(this.#base(node)), offset: view.offset, strides: canonicalStrides(wanted, strides) };
  }

  /** The materialized node that views end in. */
  #base(node: Node): Node {
    return this.inMemory(node) ? node : this.#base(madeOf(node).inputs[0]);
  }

  /** A node as a view of memory. */
  view(node: Node): View {
    if (this.inMemory(node)) return { shape: node.shape, offset: 0, strides: contiguousStrides(node.shape) };
    const { op, inputs, attrs } = madeOf(node);
    if (op.lower.kind !== "view") throw new MustMaterialize(node);
    const view = op.lower.view(this.view(inputs[0]), attrs);
    if (!view) throw new MustMaterialize(inputs[0]);
    return view;
  }
}

/** What lowering knows of a loop: the body, the results that the graph has, and what is wanted for them. */
export type Loops = (node: Node, loop: Loop<Tensor>) => {
  readonly body: LoopBody;
  readonly results: ReadonlyMap<number, Node>;
  readonly wanted: Wanted;
};

/** The bodies of a graph's loops, each translated once. */
function loopsOf({ nodes }: Graph, translate: (graph: Graph) => Kernels): Loops {
  const known = new Map<Node, ReturnType<Loops>>();
  return (node, loop) => {
    const found = known.get(node);
    if (found) return found;
    const results = new Map<number, Node>();
    for (const each of nodes) {
      if (each.made.kind !== "op" || each.made.op.lower.kind !== "tupleElement" || each.made.inputs[0] !== node) continue;
      results.set(each.made.op.lower.index(each.made.attrs), each);
    }
    const wanted = wantedOf(loop, (index) => results.has(index));
    const made = { body: compileBody(loop, wanted, translate), results, wanted };
    known.set(node, made);
    return made;
  };
}

/** Kernels for a graph, in order; `translate` is for the bodies of loops. */
export function lower(
  graph: Graph,
  target: Target,
  translate: (graph: Graph) => Kernels,
): Kernels {
  const nodes = nodesToMaterialize(graph, target);
  const loops = loopsOf(graph, translate);
  for (;;) {
    const before = nodes.size;
    const lowering = new Lowering(nodes, target.maxBuffersPerKernel, loops);
    for (const node of graph.nodes) if (nodes.has(node)) lowerAndDiscover(lowering, node, nodes);
    // Kernels that came before a node was found to need memory do not read it there.
    if (nodes.size === before) return { kernels: lowering.kernels, buffers: lowering.buffers };
  }
}

/** Lowers a node. What must be materialized for it joins the others and is lowered too: it may need more of them itself. */
function lowerAndDiscover(lowering: Lowering, node: Node, nodes: Set<Node>): void {
  const pending = [node];
  while (pending.length > 0) {
    try {
      lowering.lower(pending[pending.length - 1]);
      pending.pop();
    } catch (reason) {
      if (!(reason instanceof MustMaterialize) || nodes.has(reason.node)) throw reason;
      nodes.add(reason.node);
      pending.push(reason.node);
    }
  }
}
