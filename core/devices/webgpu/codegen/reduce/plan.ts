/**
 * How a reduction is shared out among invocations.
 *
 * @module
 */
import type { MergedReduce } from "../../../../ir/merged_axes.ts";
import { sizeOf } from "../../../../shape.ts";
import type { Target } from "../kernel_code.ts";

/** One invocation per output. */
interface SerialPlan {
  readonly kind: "serial";
}

/** `splits` invocations per output: number s takes the indices s, s + splits, s + 2 splits ... of an axis of the window. */
export interface SplitPlan {
  readonly kind: "split";
  readonly axis: number;
  readonly splits: number;
}

/** Workgroups of `lanes` invocations, `splits` of them per output. */
export interface TreePlan {
  readonly kind: "tree";
  readonly lanes: number;
  readonly splits: number;
}

/** How the window is shared out. */
export type ReducePlan = SerialPlan | SplitPlan | TreePlan;

/** The share of a window below which another invocation costs more than it saves. */
const shortWindow = 64;

/** The plan for a reduction on an adapter. */
export function planReduce(kernel: MergedReduce, target: Target): ReducePlan {
  const outputs = sizeOf(kernel.shape);
  const window = sizeOf(kernel.window);
  const wanted = target.software ? 512 : 65536;
  if (window <= shortWindow || outputs >= wanted) return { kind: "serial" };
  const isContiguous = kernel.operands.some(({ strides }) => Math.abs(strides.at(-1) ?? 0) === 1);
  if (!target.software && isContiguous && window >= 128) return treePlan(outputs, window, target);
  return splitPlan(kernel.window, Math.min(Math.ceil(wanted / outputs), Math.ceil(window / shortWindow), 256));
}

function treePlan(outputs: number, window: number, target: Target): TreePlan {
  const most = Math.min(256, target.maxInvocationsPerWorkgroup);
  const lanes = window >= 1024 ? most : Math.min(64, most);
  const perLane = window / lanes;
  const splits = outputs >= 512 || perLane <= 32 ? 1 : Math.min(Math.ceil(perLane / 16), Math.ceil(1024 / outputs), 256);
  return { kind: "tree", lanes, splits };
}

/** Splits the longest axis, evenly where a divisor is near what is wanted. */
function splitPlan(window: readonly number[], wanted: number): ReducePlan {
  const longest = Math.max(...window);
  const most = Math.min(wanted, longest);
  const candidates = Array.from({ length: most - Math.floor(most / 4) }, (_, i) => most - i);
  const splits = candidates.find((count) => longest % count === 0) ?? most;
  return splits <= 1 ? { kind: "serial" } : { kind: "split", axis: window.indexOf(longest), splits };
}
