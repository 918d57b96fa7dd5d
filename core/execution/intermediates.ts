/**
 * Which intermediate values to keep: those that a second program needs after a first one computed them.
 *
 * A loop that reads only the loss of every step never reads the parameters: their graph would contain all earlier steps, and each reading
 * would begin at the first one. Which tensors are still reachable is not known here, but what is computed a second time is needed: it
 * is kept then, and so the history stays a few steps long.
 *
 * @module
 */
import { markComputed, sourceOf, type Tensor, wasComputed } from "../tensor.ts";

/** Tensors of up to this many elements are kept in any case; larger ones only if they are not larger than what they are made from. */
const alwaysKeptSize = 1 << 20;

function costsNothing(tensor: Tensor): boolean {
  const source = sourceOf(tensor);
  if (source.kind !== "op") return true;
  const { kind } = source.op.lower;
  return kind === "view" || kind === "constant" || kind === "index" || kind === "tuple" || kind === "loop";
}

/** Notes the tensors of a program that was run, inputs before users; of views their bases, constants never. */
export function noteComputed(order: readonly Tensor[]): void {
  for (const tensor of order) if (!costsNothing(tensor)) markComputed(tensor);
}

/** Of the tensors that a program is about to compute, those that were computed before and that new ones are made from. */
export function usedIntermediates(order: readonly Tensor[]): Tensor[] {
  const found = new Set<Tensor>();
  for (const tensor of order) {
    const source = sourceOf(tensor);
    if (source.kind !== "op" || wasComputed(tensor)) continue;
    for (let i = 0; i < source.inputs.length; i++) {
      const input = source.inputs[i];
      if (wasComputed(input) && sourceOf(input).kind === "op") found.add(input);
    }
  }
  if (found.size === 0) return [];
  const origins = originsOf(order);
  return [...found].filter((tensor) => tensor.size <= Math.max(alwaysKeptSize, origins.get(tensor)!));
}

/** For each tensor the size of the largest one in memory that it is made from: more may be a product that only exists fused. */
function originsOf(order: readonly Tensor[]): Map<Tensor, number> {
  const origins = new Map<Tensor, number>();
  for (const tensor of order) {
    const source = sourceOf(tensor);
    const fused = source.kind === "op" && (source.op.lower.kind === "elementwise" || costsNothing(tensor));
    const sizes = fused ? source.inputs.map((input) => origins.get(input) ?? input.size) : [tensor.size];
    origins.set(tensor, sizes.reduce((most, size) => Math.max(most, size), 0));
  }
  return origins;
}
