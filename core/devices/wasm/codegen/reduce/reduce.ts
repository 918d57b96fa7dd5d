/**
 * Reductions: which loops to write, how threads share them, and the two phases of a reduction of few points over a large window.
 *
 * @module
 */
import { deviceBytes, indexType } from "../../../../dtype.ts";
import { type Expr, mapLeaves, type ScalarType } from "../../../../ir/expr.ts";
import type { ReduceKernel } from "../../../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { emitterFor, formula, sharingLoads, type StreamOf, streamsOf } from "../elementwise/formula.ts";
import { accessStream, type Stream } from "../elementwise/streams.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import { type Reduction, stateOf } from "./accumulate.ts";
import { writeReduce } from "./loops.ts";
import { choosePlan, type ReducePlan, type ReduceRange, type ReduceSpec } from "./plan.ts";

/** Writes a reduction. */
export const reduce: KernelGenerator<ReduceKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const reductions = kernel.reductions.map(({ op, value }): Reduction => {
    if (op !== "argmax" && op !== "argmin") return { op, value };
    const strides = [...kernel.shape.map(() => 0), ...contiguousStrides(kernel.window)];
    return { op, value, position: { kind: "index", type: indexType, offset: 0, strides } };
  });
  const joined = formula(
    reductions.flatMap((reduction, k) => stateOf(reduction, k).map((part) => part.joined)),
    streamsOf(context.program, kernel.operands),
    sharingLoads(kernel.operands),
  );
  const outputs = formula(
    kernel.stores.map(({ value }) => mapLeaves(value, (leaf) => outcome(leaf, reductions))),
    streamsOf(context.program, kernel.loads),
    sharingLoads(kernel.loads),
  );
  const stores = kernel.stores.map((store) => accessStream(context.program, store));
  return phases(context, { shape: kernel.shape, window: kernel.window, reductions, joined, outputs, stores });
};

/** The result of reduction k as the part of its state that holds it. */
function outcome(leaf: Expr, reductions: readonly Reduction[]): Expr {
  return leaf.kind === "result" ? { ...leaf, slot: 2 * leaf.slot + (reductions[leaf.slot].position ? 1 : 0) } : leaf;
}

function phases(context: GeneratorContext, spec: ReduceSpec): readonly Phase[] {
  const { threads } = context;
  const plan = planOf(context, spec);
  const pieces = piecesFor(threads, plan);
  if (pieces === 1) return [phase(context, plan, 1)];
  const even = plan.units % threads === 0 || plan.units >= 6 * threads;
  return even || plan.windowUnits < 2 * threads ? [phase(context, plan, pieces)] : splitWindow(context, spec);
}

function planOf(context: GeneratorContext, spec: ReduceSpec): ReducePlan {
  const streams = [...spec.joined.leaves.values(), ...spec.outputs.leaves.values(), ...spec.stores];
  return choosePlan(spec, emitterFor(context, [spec.joined, spec.outputs], streams));
}

function phase(context: GeneratorContext, plan: ReducePlan, pieces: number, windowShare = false): Phase {
  const func = context.module.func({ params: phaseParams }, (c) => {
    writeReduce(
      c,
      plan,
      pieces === 1 ? {} : windowShare ? shareOfWindow(c, plan, pieces) : shareOfPoints(c, plan, pieces, context.threads),
    );
  });
  return { func, pieces };
}

function shareOfPoints(c: FunctionWriter, plan: ReducePlan, pieces: number, threads: number): ReduceRange {
  const [from, to] = c.locals("i32", 2);
  if (plan.columns <= 16 || plan.rows >= 6 * threads || plan.rows === threads) {
    setAlignedShare(c, phaseLocals.piece, plan.rows, 1, pieces, from, to);
    return { rows: { from, to } };
  }
  setAlignedShare(c, phaseLocals.piece, plan.columns, 16, pieces, from, to);
  return { columns: { from, to } };
}

function shareOfWindow(c: FunctionWriter, plan: ReducePlan, pieces: number): ReduceRange {
  const [from, to] = c.locals("i32", 2);
  if (plan.windowRows >= 4 * pieces || plan.windowRows >= plan.windowColumns) {
    setAlignedShare(c, phaseLocals.piece, plan.windowRows, 1, pieces, from, to);
    return { windowRows: { from, to } };
  }
  setAlignedShare(c, phaseLocals.piece, plan.windowColumns, plan.layout === "window" ? 64 : 1, pieces, from, to);
  return { windowColumns: { from, to } };
}

/** Each piece reduces a part of the window for every point; then the parts are reduced in their order. */
function splitWindow(context: GeneratorContext, spec: ReduceSpec): readonly Phase[] {
  const points = sizeOf(spec.shape);
  const parts = spec.reductions.flatMap((reduction, k) =>
    stateOf(reduction, k).map((part, i) => ({ type: part.type, slot: 2 * k + i }))
  );
  const plane = Math.ceil(points * 8 / 64) * 64;
  const perThread = plane * parts.length;
  const slot = context.sharedScratch(perThread * context.threads);
  const partial = (part: number, type: ScalarType, threadStride: readonly number[], mine: boolean): Stream => {
    const bytes = deviceBytes(type);
    return {
      dtype: type,
      strides: [...contiguousStrides(spec.shape).map((stride) => stride * bytes), ...threadStride],
      base: (c) => {
        c.get(0).mem("i32.load", 4 * slot).i32(part * plane).op("i32.add");
        if (mine) c.get(1).i32(perThread).op("i32.mul").op("i32.add");
      },
    };
  };
  const first = planOf(context, {
    ...spec,
    outputs: formula(parts.map(({ type, slot }): Expr => ({ kind: "result", type, slot })), () => undefined),
    stores: parts.map(({ type }, i) => partial(i, type, [], true)),
  });
  const load = (slot: number): Expr => ({ kind: "load", type: parts.find((part) => part.slot === slot)!.type, slot });
  const reductions = spec.reductions.map(({ op, position }, k): Reduction => {
    return position ? { op, value: load(2 * k), position: load(2 * k + 1) } : { op, value: load(2 * k) };
  });
  const streamOf: StreamOf = (leaf) => {
    if (leaf.kind !== "load") return undefined;
    const part = parts.findIndex(({ slot }) => slot === leaf.slot);
    return partial(part, parts[part].type, [perThread], false);
  };
  const join = planOf(context, {
    ...spec,
    window: [context.threads],
    reductions,
    joined: formula(reductions.flatMap((reduction, k) => stateOf(reduction, k).map((part) => part.joined)), streamOf),
  });
  return [
    phase(context, first, context.threads, true),
    phase(context, join, piecesFor(context.threads, join)),
  ];
}
