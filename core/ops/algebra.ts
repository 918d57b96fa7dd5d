/**
 * What rules of algebra are made of: they stand on the records of operations (`simplify`) and make operations disappear. A rule never
 * changes a value, NaN and infinity included (so 0 * x stays); that -0 + 0 is 0 is the one thing it may not see.
 *
 * @module
 */
import { isFloat } from "../dtype.ts";
import { type Candidate, constantValue, type Node } from "../ir/operation.ts";
import type { Tensor } from "../tensor.ts";
import { constantNode } from "./constant.ts";

/** A rule: the simpler node, if it applies. */
export type Rule<A = unknown> = (node: Candidate<Tensor, A>) => Node<Tensor> | undefined;

/** The first of several rules that applies. */
export function firstOf<A>(...rules: readonly Rule<A>[]): Rule<A> {
  return (node) => {
    for (const rule of rules) {
      const simpler = rule(node);
      if (simpler) return simpler;
    }
    return undefined;
  };
}

/** Whether a node is this number everywhere. */
export function isConstant(node: Node<Tensor>, value: number): boolean {
  return Object.is(constantValue(node), value);
}

/** Floating arithmetic on constants, rounded as the device would. */
export function fold(compute: (...values: number[]) => number): <A>(node: Candidate<Tensor, A>) => Node<Tensor> | undefined {
  return (node) => {
    const values = node.inputs.map(constantValue);
    return isFloat(node.dtype) && values.every((value) => value !== undefined)
      ? constantNode(node, compute(...values))
      : undefined;
  };
}

/** The input itself. */
export function identity<A>({ inputs: [x] }: Candidate<Tensor, A>): Node<Tensor> {
  return x;
}

/** A view of a constant is a constant. */
export function viewOfConstant<A>(node: Candidate<Tensor, A>): Node<Tensor> | undefined {
  const value = constantValue(node.inputs[0]);
  return value === undefined ? undefined : constantNode(node, value);
}
