/**
 * Inlined nodes as scalar expressions: what a kernel computes at a point of its domain, and from which accesses.
 *
 * @module
 */
import type { Node } from "../tensor.ts";
import type { View } from "../ir/lowering.ts";
import { indexType } from "../dtype.ts";
import { contiguousStrides, type Shape } from "../shape.ts";
import { canonicalStrides } from "../ir/axes.ts";
import type { Access } from "../ir/kernels/base.ts";
import { constant, type Expr, scalarType } from "../ir/expr.ts";
/** Thrown when a node must be materialized after all. */
export class MustMaterialize {
  readonly node: Node;

  constructor(node: Node) {
    this.node = node;
  }
}

/** Which nodes are in memory, and in which buffers. */
export interface Memory {
  inMemory(node: Node): boolean;
  buffer(node: Node): number;
}

/** Views between a node that is read and the kernel's domain, the one nearest to the node first. */
interface Chain {
  readonly node: Node;
  readonly next: Chain | undefined;
}

/** How a node that is no input was made. */
export function madeOf(node: Node): Extract<Node["made"], { kind: "op" }> {
  if (node.made.kind !== "op") throw new Error("An input has no operation");
  return node.made;
}

/** Reads nodes into expressions over one domain; `loads` are the accesses that these refer to. */
export class ExpressionReader {
  readonly loads: Access[] = [];
  readonly #memo = new Map<Chain | undefined, Map<Node, Expr>>();
  readonly #chains = new Map<Chain | undefined, Map<Node, Chain>>();

  readonly #memory: Memory;
  readonly #domain: Shape;
  readonly #order: readonly number[] | undefined;

  /** `order`: which of the node's axes each axis of the domain is, if they are not the same. */
  constructor(memory: Memory, domain: Shape, order?: readonly number[]) {
    this.#memory = memory;
    this.#domain = domain;
    this.#order = order;
  }

  /** The value of a node, from memory if it is materialized. */
  read(node: Node, chain: Chain | undefined): Expr {
    let memo = this.#memo.get(chain);
    if (!memo) this.#memo.set(chain, memo = new Map());
    const known = memo.get(node);
    if (known) return known;
    const made = this.#memory.inMemory(node) ? this.#load(node, chain) : this.compute(node, chain);
    memo.set(node, made);
    return made;
  }

  /** The value of a node from its inputs, even if it is materialized. */
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
        throw new MustMaterialize(node);
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
      if (!next) throw new MustMaterialize(inputs[0]);
      view = next;
    }
    const strides = this.#order ? this.#order.map((axis) => view.strides[axis]) : view.strides;
    return { shape: this.#domain, offset: view.offset, strides: canonicalStrides(this.#domain, strides) };
  }

  #load(node: Node, chain: Chain | undefined): Expr {
    const { offset, strides } = this.#apply({ shape: node.shape, offset: 0, strides: contiguousStrides(node.shape) }, chain);
    const buffer = this.#memory.buffer(node);
    const same = (each: Access) =>
      each.buffer === buffer && each.offset === offset && each.strides.every((stride, axis) => stride === strides[axis]);
    let slot = this.loads.findIndex(same);
    if (slot < 0) slot = this.loads.push({ buffer, offset, strides }) - 1;
    return { kind: "load", type: scalarType(node.dtype), slot };
  }
}
