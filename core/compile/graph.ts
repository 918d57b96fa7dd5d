/**
 * From tensors to the compiler's graph: equal subexpressions become one node, and what changes nothing disappears.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import type { Op } from "../ops/define.ts";
import type { Shape } from "../shape.ts";
import { sourceOf, type Tensor } from "../tensor.ts";
import { simplify } from "./simplify.ts";

/** A node: an input of the program, or an operation on other nodes. Nodes are unique: equal ones are the same object. */
export interface Node {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly made:
    | { readonly kind: "input"; readonly index: number }
    | { readonly kind: "op"; readonly op: Op; readonly inputs: readonly Node[]; readonly attrs: unknown };
}

/** The part of the world that one program computes. */
export interface Graph {
  /** Every node the outputs need, inputs before users. */
  readonly nodes: readonly Node[];
  readonly outputs: readonly Node[];
}

/** Text that is equal for equal attributes; JSON alone would confuse NaN, infinities and -0. */
export function attrsKey(attrs: unknown): string {
  if (attrs === undefined) return "";
  return JSON.stringify(
    attrs,
    (_, value) =>
      typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
        ? `${Object.is(value, -0) ? "-0" : value}`
        : value,
  );
}

/** The tensors that `outputs` need, inputs before users; stops at those for which `isLeaf` holds. */
export function topological(outputs: readonly Tensor[], isLeaf: (tensor: Tensor) => boolean): Tensor[] {
  const order: Tensor[] = [];
  const entered = new Set<Tensor>();
  // The way down to where the walk is, as a chain may be too long for recursion: tensors, their inputs, and which of these is next.
  const path: Tensor[] = [];
  const inputs: (readonly Tensor[])[] = [];
  const next: number[] = [];
  const enter = (tensor: Tensor) => {
    if (entered.has(tensor)) return;
    entered.add(tensor);
    const source = isLeaf(tensor) ? undefined : sourceOf(tensor);
    path.push(tensor);
    inputs.push(source?.kind === "op" ? source.inputs : []);
    next.push(0);
  };
  for (const output of outputs) {
    enter(output);
    while (path.length > 0) {
      const top = path.length - 1;
      if (next[top] < inputs[top].length) enter(inputs[top][next[top]++]);
      else {
        order.push(path.pop()!);
        inputs.pop();
        next.pop();
      }
    }
  }
  return order;
}

/** Makes unique, simplified nodes. */
export class GraphBuilder {
  readonly #known = new Map<string, Node>();
  #count = 0;

  /** The program's input number `index`. */
  input(index: number, shape: Shape, dtype: DType): Node {
    return this.#unique(`#${index}`, shape, dtype, { kind: "input", index });
  }

  /** An operation, or what it comes to. */
  op(op: Op, inputs: readonly Node[], attrs: unknown, shape: Shape, dtype: DType): Node {
    const simpler = simplify(this, op, inputs, attrs, shape, dtype);
    if (simpler) return simpler;
    const key = `${op.name}(${inputs.map(({ id }) => id).join()})${dtype}[${shape.join()}]${attrsKey(attrs)}`;
    return this.#unique(key, shape, dtype, { kind: "op", op, inputs, attrs });
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
    if (node.made.kind === "op") pending.push(...node.made.inputs);
  }
  return { nodes: [...seen].sort((a, b) => a.id - b.id), outputs: roots };
}
