/**
 * From the graph to kernels: which nodes get memory of their own, and which are computed inside their users.
 *
 * Reductions, named kernels and outputs are kept in memory. An elementwise node or a view is read through: its users' kernels hold its
 * expression and read its inputs with strides to match. Where strides cannot say it (a reshape of a transposed tensor), or where
 * reading through would compute something costly many times, the node is kept in memory too. Which those are comes out while
 * lowering, so lowering starts again with one node more to keep, until it succeeds.
 *
 * @module
 */
import { type DType, indexType, roundTo } from "../dtype.ts";
import type { Target } from "../ir/target.ts";
import type { KernelCore, Loop, View } from "../ir/lowering.ts";
import { contiguousStrides, reshapeStrides, type Shape, sizeOf } from "../shape.ts";
import { constant, type Expr, scalarType } from "../ir/expr.ts";
import type { Graph } from "./graph.ts";
import { type Node, Tensor } from "../tensor.ts";
import { type Access, type Kernel, mapAccesses, readsOf, type Store } from "../ir/kernel.ts";
import { compileBody, firstRow, type Kernels, type LoopBody, type Wanted, wantedOf } from "./loop.ts";

/** Thrown when a node must be kept in memory after all. */
class Keep {
  constructor(readonly node: Node) {}
}

/** Views between a node that is read and the kernel's domain, the one nearest to the node first. */
interface Chain {
  readonly node: Node;
  readonly next: Chain | undefined;
}

type Made = Extract<Node["made"], { kind: "op" }>;

function madeOf(node: Node): Made {
  if (node.made.kind !== "op") throw new Error("An input has no operation");
  return node.made;
}

/** Strides of axes of extent 1 say nothing; 0 makes equal accesses look equal. */
function tidy(shape: Shape, strides: readonly number[]): number[] {
  return strides.map((stride, axis) => shape[axis] === 1 ? 0 : stride);
}

function isContiguous({ shape, strides }: View): boolean {
  const plain = contiguousStrides(shape);
  return shape.every((extent, axis) => extent === 1 || strides[axis] === plain[axis]);
}

/** One attempt to lower with a given set of kept nodes. */
class Lowering {
  readonly kernels: Kernel[] = [];
  readonly buffers: Node[] = [];
  readonly #ids = new Map<Node, number>();

  constructor(readonly kept: ReadonlySet<Node>, readonly maxBuffers: number, readonly loops: Loops) {}

  buffer(node: Node): number {
    const known = this.#ids.get(node);
    if (known !== undefined) return known;
    this.#ids.set(node, this.buffers.length);
    return this.buffers.push(node) - 1;
  }

  inMemory(node: Node): boolean {
    return node.made.kind === "input" || this.kept.has(node);
  }

  /** The kernels of one kept node. */
  lower(node: Node): void {
    const before = this.kernels.length;
    this.#lower(node);
    for (const kernel of this.kernels.slice(before)) {
      if (kernel.kind !== "loop" && readsOf(kernel).size + 1 > this.maxBuffers) throw new Keep(this.#divide(node));
    }
  }

  /** A node to keep so that a kernel with too many buffers becomes two: the nearest one that reads several itself. */
  #divide(node: Node): Node {
    const pending = [...madeOf(node).inputs];
    for (let next = pending.shift(); next; next = pending.shift()) {
      if (this.inMemory(next)) continue;
      const { op, inputs } = madeOf(next);
      if (op.lower.kind === "elementwise" && inputs.length > 1) return next;
      pending.push(...inputs);
    }
    throw new Error(`The kernel of ${madeOf(node).op.name} needs more than ${this.maxBuffers} buffers`);
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
      case "assemble": {
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
          const to = { buffer: this.buffer(node), offset, strides: tidy(shape, strides) };
          // An empty input has nothing to write; if all are empty, something must still name the buffer.
          if (sizeOf(shape) > 0 || sizeOf(node.shape) === 0) this.#map(shape, (reader) => reader.read(inputs[i], undefined), to);
        });
        return;
      }
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

  /** The state as it is at first, then the loop, whose body changes it. */
  #loop(node: Node, loop: Loop<Tensor>): void {
    const { inputs } = madeOf(node);
    const { body, results, wanted } = this.loops(node, loop);
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
    const places = new Map<number, Access>();
    body.inputs.forEach((buffer, i) => buffer !== undefined && places.set(buffer, outer[i]));
    const placeOf = (buffer: number): Access => {
      const known = places.get(buffer);
      if (known) return known;
      const place: Access = { buffer: this.buffer(body.buffers[buffer]), offset: 0, strides: [] };
      places.set(buffer, place);
      return place;
    };
    const kernels = body.kernels.map((kernel) =>
      mapAccesses(kernel, (access) => {
        const { buffer, offset } = placeOf(access.buffer);
        return { ...access, buffer, offset: offset + access.offset };
      })
    );
    this.kernels.push({ kind: "loop", shape: [], operands: [], loads: [], stores: [], count: loop.length, kernels });
  }

  #whole(node: Node, shape: Shape = node.shape): Access {
    return { buffer: this.buffer(node), offset: 0, strides: tidy(shape, contiguousStrides(shape)) };
  }

  #map(shape: Shape, value: (reader: Reader) => Expr, to: Access): void {
    const reader = new Reader(this, shape);
    const store: Store = { ...to, value: value(reader) };
    this.kernels.push({ kind: "map", shape, operands: [], loads: reader.loads, stores: [store] });
  }

  #reduce(node: Node, input: Node, op: "sum" | "prod" | "max" | "min" | "argmax" | "argmin", axes: readonly number[]): void {
    const keep = input.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const order = [...keep, ...axes];
    const extents = order.map((axis) => input.shape[axis]);
    const reader = new Reader(this, extents, order);
    const value = reader.read(input, undefined);
    this.#finish(node, {
      kind: "reduce",
      shape: extents.slice(0, keep.length),
      window: extents.slice(keep.length),
      operands: reader.loads,
      reductions: [{ op, value }],
    });
  }

  /** Adds to a kernel the store of its bare result, or the place it writes to. */
  #finish(node: Node, core: KernelCore): void {
    if (core.kind === "scatterRows") {
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
      if (!isContiguous(view)) throw new Keep(node);
      return { buffer: this.buffer(this.#base(node)), offset: view.offset, strides: contiguousStrides(view.shape) };
    }
    const strides = reshapeStrides(view.shape, view.strides, wanted);
    if (!strides) throw new Keep(node);
    return { buffer: this.buffer(this.#base(node)), offset: view.offset, strides: tidy(wanted, strides) };
  }

  /** The kept node that views end in. */
  #base(node: Node): Node {
    return this.inMemory(node) ? node : this.#base(madeOf(node).inputs[0]);
  }

  /** A node as a view of memory. */
  view(node: Node): View {
    if (this.inMemory(node)) return { shape: node.shape, offset: 0, strides: contiguousStrides(node.shape) };
    const { op, inputs, attrs } = madeOf(node);
    if (op.lower.kind !== "view") throw new Keep(node);
    const view = op.lower.view(this.view(inputs[0]), attrs);
    if (!view) throw new Keep(inputs[0]);
    return view;
  }
}

/** Reads nodes into expressions over one domain. */
class Reader {
  readonly loads: Access[] = [];
  readonly #memo = new Map<Chain | undefined, Map<Node, Expr>>();
  readonly #chains = new Map<Chain | undefined, Map<Node, Chain>>();

  /** `order`: which of the node's axes each axis of the domain is, if they are not the same. */
  constructor(readonly lowering: Lowering, readonly domain: Shape, readonly order?: readonly number[]) {}

  /** The value of a node, from memory if it is kept there. */
  read(node: Node, chain: Chain | undefined): Expr {
    let memo = this.#memo.get(chain);
    if (!memo) this.#memo.set(chain, memo = new Map());
    const known = memo.get(node);
    if (known) return known;
    const made = this.lowering.inMemory(node) ? this.#load(node, chain) : this.compute(node, chain);
    memo.set(node, made);
    return made;
  }

  /** The value of a node from its inputs, even if it is kept. */
  compute(node: Node, chain: Chain | undefined): Expr {
    const { op, inputs, attrs } = madeOf(node);
    switch (op.lower.kind) {
      case "elementwise":
        return op.lower.expr(inputs.map((input) => this.read(input, chain)), attrs);
      case "view":
        return this.read(inputs[0], this.#extend(node, chain));
      case "constant":
        return constant(scalarType(node.dtype), op.lower.value(attrs));
      case "index": {
        const { offset, strides } = op.lower.affine(attrs);
        const view = this.#apply({ shape: node.shape, offset, strides }, chain);
        return { kind: "index", type: indexType, offset: view.offset, strides: view.strides };
      }
      default:
        throw new Keep(node);
    }
  }

  /** Chains are shared, so that equal reads are found equal. */
  #extend(node: Node, next: Chain | undefined): Chain {
    let known = this.#chains.get(next);
    if (!known) this.#chains.set(next, known = new Map());
    let chain = known.get(node);
    if (!chain) known.set(node, chain = { node, next });
    return chain;
  }

  #apply(start: View, chain: Chain | undefined): View {
    let view = start;
    for (let link = chain; link; link = link.next) {
      const { op, inputs, attrs } = madeOf(link.node);
      if (op.lower.kind !== "view") throw new Error("Only views make chains");
      const next = op.lower.view(view, attrs);
      if (!next) throw new Keep(inputs[0]);
      view = next;
    }
    const strides = this.order ? this.order.map((axis) => view.strides[axis]) : view.strides;
    return { shape: this.domain, offset: view.offset, strides: tidy(this.domain, strides) };
  }

  #load(node: Node, chain: Chain | undefined): Expr {
    const { offset, strides } = this.#apply({ shape: node.shape, offset: 0, strides: contiguousStrides(node.shape) }, chain);
    const buffer = this.lowering.buffer(node);
    const same = (each: Access) =>
      each.buffer === buffer && each.offset === offset && each.strides.every((stride, axis) => stride === strides[axis]);
    let slot = this.loads.findIndex(same);
    if (slot < 0) slot = this.loads.push({ buffer, offset, strides }) - 1;
    return { kind: "load", type: scalarType(node.dtype), slot };
  }
}

function isFused(node: Node): boolean {
  if (node.made.kind !== "op") return false;
  const { kind } = node.made.op.lower;
  return kind === "elementwise" || kind === "view" || kind === "constant" || kind === "index";
}

const costly: ReadonlySet<string> = new Set(["threefry0", "threefry1"]);
const dear: ReadonlySet<string> = new Set(
  [
    "exp",
    "log",
    "expm1",
    "log1p",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "erf",
    "sigmoid",
    "pow",
    "atan2",
    "asinh",
    "acosh",
    "atanh",
    "cbrt",
    "erfc",
    "erfinv",
    "gudermannian",
    "logAddExp",
  ],
);

/** Beyond this a chain of elementwise nodes is cut. */
const maxCost = 400;

/** Roughly how many instructions an elementwise node costs per element. */
function weight(node: Node): number {
  if (node.made.kind !== "op" || node.made.op.lower.kind !== "elementwise") return 0;
  const { name } = node.made.op;
  return costly.has(name) ? 80 : dear.has(name) ? 12 : 1;
}

/**
 * The nodes to keep from the start: outputs, everything with a kernel of its own, and what would be computed too often if it
 * were read through.
 */
function firstKept(graph: Graph, fuses: boolean): Set<Node> {
  const users = new Map<Node, Node[]>();
  for (const node of graph.nodes) {
    if (node.made.kind === "op") {
      for (const input of new Set(node.made.inputs)) {
        const others = users.get(input);
        if (others) others.push(node);
        else users.set(input, [node]);
      }
    }
  }
  const stretch = stretchOf(graph, users);
  const outputs = new Set(graph.outputs);
  const kept = new Set<Node>();
  const cost = new Map<Node, number>();
  // Nodes that need another kernel's result: keeping them costs no kernel of their own, they end that one.
  const following = new Set<Node>();
  for (const node of graph.nodes) {
    if (node.made.kind !== "op") continue;
    const { inputs, op } = node.made;
    const total = inputs.reduce((sum, input) => sum + (kept.has(input) ? 0 : cost.get(input) ?? 0), weight(node));
    cost.set(node, total);
    if (inputs.some((input) => following.has(input) || kept.has(input))) following.add(node);
    // What follows a named kernel point by point ends that kernel and takes the place of its bare result.
    const ending = op.lower.kind === "elementwise" &&
      inputs.some((input) => kept.has(input) && !isFused(input) && sizeOf(input.shape) === sizeOf(node.shape));
    const oftenRead = (users.get(node)?.length ?? 0) > 1 && (ending || total >= 6);
    const perElement = (stretch.get(node) ?? 1) > 1 && total >= (following.has(node) ? 1 : 4);
    // Printers and compilers of shaders do not take expressions of any depth.
    const deep = total >= maxCost;
    const apart = !fuses && op.lower.kind === "elementwise";
    if (outputs.has(node) || !isFused(node) || oftenRead || perElement || deep || apart) kept.add(node);
  }
  return kept;
}

/** How many times each fused node would be computed per element because a broadcast reads it. */
function stretchOf(graph: Graph, users: ReadonlyMap<Node, readonly Node[]>): Map<Node, number> {
  const stretch = new Map<Node, number>();
  for (const node of graph.nodes.toReversed()) {
    const factors = (users.get(node) ?? []).filter(isFused).map((user) =>
      (stretch.get(user) ?? 1) * sizeOf(user.shape) / Math.max(1, sizeOf(node.shape))
    );
    stretch.set(node, Math.max(1, ...factors));
  }
  return stretch;
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

/**
 * Kernels for a graph, in order; `translate` is for the bodies of loops. A device that does not fuse keeps the result of every operation
 * in memory.
 */
export function lower(
  graph: Graph,
  { fuses, maxBuffersPerKernel }: Target,
  translate: (graph: Graph) => Kernels,
): Kernels {
  const kept = firstKept(graph, fuses);
  const loops = loopsOf(graph, translate);
  for (;;) {
    const attempt = new Lowering(kept, maxBuffersPerKernel, loops);
    try {
      for (const node of graph.nodes) if (kept.has(node)) attempt.lower(node);
      return { kernels: attempt.kernels, buffers: attempt.buffers };
    } catch (reason) {
      if (!(reason instanceof Keep) || kept.has(reason.node)) throw reason;
      kept.add(reason.node);
    }
  }
}
