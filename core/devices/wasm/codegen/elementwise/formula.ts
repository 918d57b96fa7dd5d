/**
 * How generators read the expressions of a kernel: in legal form, and with the streams of their leaves.
 *
 * @module
 */
import { type Expr, visit } from "../../../../ir/expr.ts";
import type { Access } from "../../../../ir/kernel.ts";
import type { Program } from "../../../../ir/program.ts";
import type { GeneratorContext } from "../context.ts";
import type { Emitter } from "../expressions/emitter.ts";
import { Legalizer } from "../expressions/legalize.ts";
import { accessStream, indexStream, type Stream, unitOf } from "./streams.ts";

/** Legal expressions and the streams of their leaves. */
export interface Formula {
  readonly roots: readonly Expr[];
  /** Whether something has 64 bits. */
  readonly wide: boolean;
  /** Of loads, positions and results; literals have none. */
  readonly leaves: ReadonlyMap<Expr, Stream>;
}

/** Finds the stream of a leaf, or undefined for one that is in a local. */
export type StreamOf = (leaf: Expr) => Stream | undefined;

/**
 * Legalizes expressions and finds the streams of their leaves; `legalizer` is that of expressions they shall share nodes with.
 */
export function formula(expressions: readonly Expr[], streamOf: StreamOf, legalizer: Legalizer = new Legalizer()): Formula {
  const roots = expressions.map((e) => legalizer.legalize(e));
  const leaves = new Map<Expr, Stream>();
  let wide = false;
  visit(roots, (e) => {
    if (e.type === "f64") wide = true;
    const stream = e.kind === "index"
      ? indexStream(e.offset, e.strides)
      : e.kind === "load" || e.kind === "result"
      ? streamOf(e)
      : undefined;
    if (stream) leaves.set(e, stream);
  });
  return { roots, wide, leaves };
}

/** A legalizer that makes one node of all loads of the same element. */
export function sharingLoads(loads: readonly Access[]): Legalizer {
  const same = new Map<string, number>();
  const slots = loads.map((access, slot) => {
    const key = `${access.buffer} ${access.offset} ${access.strides}`;
    if (!same.has(key)) same.set(key, slot);
    return same.get(key)!;
  });
  return new Legalizer((leaf) => leaf.kind === "load" ? { ...leaf, slot: slots[leaf.slot] } : leaf);
}

/** The streams of `load` expressions that refer to these accesses. */
export function streamsOf(program: Program, loads: readonly Access[]): StreamOf {
  return (leaf) => leaf.kind === "load" ? accessStream(program, loads[leaf.slot]) : undefined;
}

/** The emitter for some formulas and streams: vectors of four unless something has 64 bits. */
export function emitterFor(context: GeneratorContext, formulas: readonly Formula[], streams: readonly Stream[]): Emitter {
  const wide = formulas.some((formula) => formula.wide) || streams.some(({ dtype }) => dtype === "f64");
  return wide ? context.doubles : context.vector;
}

/** Whether vectors may be loaded beyond the last column: not where lanes are far apart, which could lead out of the memory. */
export function mayOverrun(dtype: Stream["dtype"], stride: number): boolean {
  return dtype === "index" || stride === 0 || Math.abs(stride) === unitOf(dtype);
}
