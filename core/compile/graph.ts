/**
 * From tensors to the compiler's graph: equal subexpressions become one node, and what changes nothing disappears.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import { attrsKey } from "../ir/attributes.ts";
import type { Shape } from "../shape.ts";
import { type Node, type Op, sourceOf, type Tensor } from "../tensor.ts";
import { topological } from "../walk.ts";

/** The part of the world that one program computes. */
export interface Graph {
  /** Every node the outputs need, inputs before users. */
  readonly nodes: readonly Node[];
  readonly outputs: readonly Node[];
}

/** Makes unique, simplified nodes. */
export class GraphBuilder {
  readonly #known = new Map<string, Node>();
  readonly #ops = new Map<Op, number>();
  #count = 0;

  /** The inputs, in the order of their making. */
  readonly inputs: Node[] = [];

  /** The next input of the program. */
  input(shape: Shape, dtype: DType): Node {
    const index = this.inputs.length;
    const node = this.#unique(`#${index}`, shape, dtype, { kind: "input", index });
    this.inputs.push(node);
    return node;
  }

  /** An operation on nodes that fit, or what it comes to. */
  make = <A>(op: Op<A>, inputs: readonly Node[], attrs: A): Node => {
    const shape = op.shape(inputs.map((input) => input.shape), attrs);
    return this.op(op as Op, inputs, attrs, shape, op.dtype(inputs.map((input) => input.dtype), attrs));
  };

  /** The same where shape and type are known. */
  op(op: Op, inputs: readonly Node[], attrs: unknown, shape: Shape, dtype: DType): Node {
    const simpler = op.simplify?.({ inputs, attrs, shape, dtype, make: this.make });
    if (simpler) return simpler;
    const key = `${this.#number(op)}(${inputs.map(({ id }) => id).join()})${dtype}[${shape.join()}]${attrsKey(attrs)}`;
    return this.#unique(key, shape, dtype, { kind: "op", op, inputs, attrs });
  }

  /** Operations are identified by their records: names may be equal. */
  #number(op: Op): number {
    const known = this.#ops.get(op);
    if (known !== undefined) return known;
    this.#ops.set(op, this.#ops.size);
    return this.#ops.size - 1;
  }

  #unique(key: string, shape: Shape, dtype: DType, made: Node["made"]): Node {
    const known = this.#known.get(key);
    if (known) return known;
    const node: Node = { id: this.#count++, shape, dtype, made };
    this.#known.set(key, node);
    return node;
  }
}

/** The graph of `outputs`; `leaf` gives the nodes of tensors that are not to be looked into. */
export function buildGraph(
  outputs: readonly Tensor[],
  builder: GraphBuilder,
  leaf: (tensor: Tensor) => Node | undefined,
): Graph {
  const nodes = new Map<Tensor, Node>();
  const leaves = new Map<Tensor, Node>();
  const isLeaf = (tensor: Tensor) => {
    const node = leaves.get(tensor) ?? leaf(tensor);
    if (node) leaves.set(tensor, node);
    return node !== undefined;
  };
  for (const tensor of topological(outputs, isLeaf)) {
    const known = leaves.get(tensor);
    if (known) {
      nodes.set(tensor, known);
      continue;
    }
    const source = sourceOf(tensor);
    if (source.kind !== "op") throw new Error(`A tensor without an operation reached the compiler: ${source.kind}`);
    const inputs = source.inputs.map((input) => nodes.get(input)!);
    nodes.set(tensor, builder.op(source.op, inputs, source.attrs, tensor.shape, tensor.dtype));
  }
  return graphOf(outputs.map((tensor) => nodes.get(tensor)!));
}

/** The graph of nodes: what they need, by id. Simplification may have left others unused. */
export function graphOf(roots: readonly Node[]): Graph {
  const seen = new Set<Node>();
  const pending = [...roots];
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.made.kind === "op") { for (const input of node.made.inputs) pending.push(input); }
  }
  return { nodes: [...seen].sort((a, b) => a.id - b.id), outputs: roots };
}
