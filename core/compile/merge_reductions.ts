/**
 * Merging reductions: those that read the same elements become one kernel, which reads them once.
 *
 * The gradients of a normalisation are such: the sums of g, of g times a scale, and of g times the normalised elements. Merged are
 * reductions over the same domain of which one reads no large operand that the other does not. The later one takes the place of the earlier,
 * where what it needs must be there already; so the order of all other kernels stays as it is.
 *
 * @module
 */
import { sizeOf } from "../shape.ts";
import { type Expr, mapLeaves } from "../ir/expr.ts";
import { instructions } from "../ir/cost.ts";
import { type Access, expressionsOf, type Kernel, readsOf, type ReduceKernel, type Store, writesOf } from "../ir/kernel.ts";
import type { FusionLimits } from "./fuse.ts";

/** A reduction, maybe of several, and where it stands. */
interface Place {
  readonly index: number;
  /** Its large operands, as text. */
  readonly large: ReadonlySet<string>;
}

/** The kernels with reductions merged where that saves reading. */
export function mergeReductions(
  kernels: readonly Kernel[],
  { maxBuffersPerKernel, maxInstructions }: Omit<FusionLimits, "outputs">,
): Kernel[] {
  const merged: (Kernel | undefined)[] = [...kernels];
  /** Where a buffer is complete: behind the last kernel that writes it. */
  const written = new Map<number, number>();
  const pieced = new Set<number>();
  /** By domain and large operand the last reduction that reads it. */
  const known = new Map<string, Place>();
  kernels.forEach((kernel, index) => {
    const place = kernel.kind === "reduce" && sizeOf(kernel.window) > 1 ? { index, large: largeOperands(kernel) } : undefined;
    const other = place && mergeable(kernel as ReduceKernel, place);
    for (const buffer of writesOf(kernel)) {
      if (written.has(buffer)) pieced.add(buffer);
      written.set(buffer, other?.index ?? index);
    }
    if (!place) return;
    const large = other ? other.large.union(place.large) : place.large;
    if (other) {
      merged[index] = undefined;
      merged[other.index] = union(merged[other.index] as ReduceKernel, kernel as ReduceKernel);
    }
    for (const operand of large) known.set(operand, { index: other?.index ?? index, large });
  });
  return merged.filter((kernel) => kernel !== undefined);

  /** The reduction that one may become part of. */
  function mergeable(kernel: ReduceKernel, { large }: Place): Place | undefined {
    for (const operand of large) {
      const other = known.get(operand);
      if (!other || !(other.large.isSubsetOf(large) || large.isSubsetOf(other.large))) continue;
      const touched = [...readsOf(kernel), ...writesOf(kernel)];
      if (touched.some((buffer) => pieced.has(buffer) || (written.get(buffer) ?? -1) >= other.index)) continue;
      const first = merged[other.index] as ReduceKernel;
      const both = [first, kernel];
      const buffers = new Set(both.flatMap((each) => [...readsOf(each), ...writesOf(each)]));
      if (buffers.size > maxBuffersPerKernel || instructions(both.flatMap(expressionsOf)) > maxInstructions) continue;
      return other;
    }
  }
}

/** The operands whose elements are all different ones, with the domain, as text. */
function largeOperands({ shape, window, operands }: ReduceKernel): ReadonlySet<string> {
  const extents = [...shape, ...window];
  const isLarge = ({ strides }: Access) => strides.every((stride, axis) => stride !== 0 || extents[axis] === 1);
  return new Set(
    operands.filter(isLarge).map(({ buffer, offset, strides }) => `${shape}|${window}|${buffer}+${offset}[${strides}]`),
  );
}

/** Both reductions as one. */
function union(first: ReduceKernel, second: ReduceKernel): ReduceKernel {
  const [operands, operandSlots] = joined(first.operands, second.operands);
  const [loads, loadSlots] = joined(first.loads, second.loads);
  const renamed = (slots: readonly number[]) => {
    const memo = new Map<Expr, Expr>();
    const leaf = (e: Expr): Expr => {
      if (e.kind === "load") return { ...e, slot: slots[e.slot] };
      return e.kind === "result" ? { ...e, slot: e.slot + first.reductions.length } : e;
    };
    return (e: Expr) => mapLeaves(e, leaf, memo);
  };
  const [value, stored] = [renamed(operandSlots), renamed(loadSlots)];
  return {
    ...first,
    operands,
    loads,
    reductions: [...first.reductions, ...second.reductions.map((each) => ({ ...each, value: value(each.value) }))],
    stores: [...first.stores, ...second.stores.map((store): Store => ({ ...store, value: stored(store.value) }))],
  };
}

/** Accesses followed by those of others that are not among them, and where the latter are now. */
function joined(accesses: readonly Access[], others: readonly Access[]): [Access[], number[]] {
  const all = [...accesses];
  const slots = others.map((other) => {
    const slot = all.findIndex(({ buffer, offset, strides }) =>
      buffer === other.buffer && offset === other.offset && strides.every((stride, axis) => stride === other.strides[axis])
    );
    return slot >= 0 ? slot : all.push(other) - 1;
  });
  return [all, slots];
}
