/**
 * How a matrix product is cut into tiles that invocations hold in registers, and how often its sums are split.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../../../../ir/kernel.ts";
import type { Target } from "../kernel_code.ts";

/** One operand as its lines (rows of the left, columns of the right) of elements along the summed axis. */
export interface Side {
  readonly access: Access;
  /** How many lines there are. */
  readonly lines: number;
  readonly batchStride: number;
  readonly lineStride: number;
  readonly stepStride: number;
}

/** How the product is computed. */
export interface RegisterPlan {
  /** The side whose lines are spread over the invocations of a workgroup; those of the other are the same for all of it. */
  readonly spread: "left" | "right";
  /** Lines of either side per invocation. */
  readonly spreadLines: number;
  readonly uniformLines: number;
  /** Steps of the summed axis per turn of the loop. */
  readonly depth: number;
  readonly splits: number;
  readonly stepsPerSplit: number;
}

/** The sides of a plan. */
export function sidesOf(
  { shape: [, m, n], operands: [lhs, rhs] }: MatmulKernel,
  spread: RegisterPlan["spread"],
): { readonly spread: Side; readonly uniform: Side } {
  const [lb, li, lp] = lhs.strides;
  const [rb, rp, rj] = rhs.strides;
  const left = { access: lhs, lines: m, batchStride: lb, lineStride: li, stepStride: lp };
  const right = { access: rhs, lines: n, batchStride: rb, lineStride: rj, stepStride: rp };
  return spread === "left" ? { spread: left, uniform: right } : { spread: right, uniform: left };
}

/** A way to tile, and how many lines the sides have. */
interface Candidate extends Pick<RegisterPlan, "spread" | "spreadLines" | "uniformLines"> {
  readonly spreadExtent: number;
  readonly uniformExtent: number;
}

/** The plan with the lowest estimated cost. */
export function planRegisterTiles(kernel: MatmulKernel, target: Target): RegisterPlan {
  const { shape: [batch, m, n], k } = kernel;
  const best = candidates(m, n).reduce((a, b) => costOf(b, kernel, target) < costOf(a, kernel, target) ? b : a);
  const wantedSplits = Math.ceil((target.software ? 8 : 4096) / (batch * subgroupsOf(best, target)));
  const most = target.software ? Math.floor(m * n * k * batch / 500_000) : Math.floor(k / 64);
  const atMost = Math.max(1, Math.min(wantedSplits, most, Math.floor(k / 32), 256));
  const depth = k % 8 === 0 || k >= 64 ? 8 : Math.max(1, Math.min(4, k));
  const splits = Math.max(1, Math.ceil(k / roundUp(k / atMost, depth)));
  const { spread, spreadLines, uniformLines } = best;
  return { spread, spreadLines, uniformLines, depth, splits, stepsPerSplit: roundUp(k / splits, depth) };
}

function roundUp(x: number, multiple: number): number {
  return Math.ceil(x / multiple) * multiple;
}

function candidates(m: number, n: number): Candidate[] {
  return (["right", "left"] as const).flatMap((spread) => {
    const [spreadExtent, uniformExtent] = spread === "right" ? [n, m] : [m, n];
    return [1, 2, 4].flatMap((spreadLines) =>
      [1, 2, 3, 4, 5, 6, 8, 10, 12, 16].map((uniformLines) => ({
        spread,
        spreadLines,
        uniformLines,
        spreadExtent,
        uniformExtent,
      }))
    ).filter((plan) => plan.spreadLines < 2 * spreadExtent && plan.uniformLines < 2 * uniformExtent);
  });
}

/** Subgroups that one product of the batch takes. */
function subgroupsOf({ spreadLines, uniformLines, spreadExtent, uniformExtent }: Candidate, target: Target): number {
  const lanes = target.subgroupSize || (target.software ? 8 : 32);
  return Math.ceil(Math.ceil(spreadExtent / spreadLines) / lanes) * Math.ceil(uniformExtent / uniformLines);
}

/** A rough cost: loads, uniform loads and multiplications in units of a multiplication. */
function costOf(plan: Candidate, { shape: [batch], k }: MatmulKernel, target: Target): number {
  const { spreadLines, uniformLines } = plan;
  const [load, uniformLoad] = target.software ? [14, target.subgroupSize > 0 ? 3.5 : 14] : [6, 3];
  const perStep = spreadLines * load + uniformLines * uniformLoad + spreadLines * uniformLines + 4;
  const tiles = subgroupsOf(plan, target);
  // Fewer subgroups than workers leave some idle.
  const wanted = target.software ? 4 : 2048;
  const spills = spreadLines * uniformLines > 64 ? 2 : 1;
  return perStep * Math.max(tiles, Math.min(wanted, tiles * Math.ceil(k / 64)) / batch) * spills;
}
