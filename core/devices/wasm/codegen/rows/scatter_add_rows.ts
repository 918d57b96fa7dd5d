/**
 * Rows added up by index: the transpose of rows chosen by index.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import { scalarType } from "../../../../ir/expr.ts";
import type { ScatterAddRowsKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { columnLoop } from "../elementwise/column_loop.ts";
import { emitterFor } from "../elementwise/formula.ts";
import { accessStream, type Stream } from "../elementwise/streams.ts";
import { slotAddress } from "../emit/addresses.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";
import { pushRowIndex } from "./row_index.ts";

/** Each piece owns a range of the `size` rows, so that rows are added in the order of the indices. */
export const scatterAddRows: KernelGenerator<ScatterAddRowsKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const { outer, size, inner, count } = kernel;
  const { slot, func: epilogue } = context.epilogue(kernel);
  // Every piece reads all indices.
  const pieces = Math.min(context.threads, piecesFor(context.threads, { nanoseconds: outer * inner * (count + size) }));
  const func = context.module.func({ params: phaseParams }, (c) => {
    const rows = new RowAdder(context, kernel, c, slot);
    const [from, to, o, number, target] = c.locals("i32", 5);
    setAlignedShare(c, phaseLocals.piece, size, 1, pieces, from, to);
    c.for(o, 0, outer, 1, () => {
      c.forRange(target, from, to, () => rows.clear(o, target));
      c.for(number, 0, count, 1, () => {
        pushRowIndex(c, kernel.operands[1], size, () => c.get(number));
        c.tee(target).get(from).op("i32.ge_s").get(target).get(to).op("i32.lt_s").op("i32.and");
        c.if(() => rows.add(o, number, target));
      });
      if (epilogue === undefined) return;
      c.get(0).get(rows.result);
      for (const end of [from, to]) c.get(o).i32(size).op("i32.mul").get(end).op("i32.add");
      c.i32(0).i32(inner).call(epilogue);
    });
  });
  return [{ func, pieces }];
};

/** Writes loops over the elements of one row. */
class RowAdder {
  /** A local: the address of the result. */
  readonly result: number;
  readonly #source: number;
  readonly #stream: Stream;
  readonly #context: GeneratorContext;
  readonly #kernel: ScatterAddRowsKernel;
  readonly #c: FunctionWriter;

  constructor(context: GeneratorContext, kernel: ScatterAddRowsKernel, c: FunctionWriter, slot: number) {
    this.#context = context;
    this.#kernel = kernel;
    this.#c = c;
    this.#stream = accessStream(context.program, kernel.operands[0]);
    this.result = c.local("i32");
    this.#source = c.local("i32");
    slotAddress(c, slot);
    c.set(this.result);
    this.#stream.base(c);
    c.set(this.#source);
  }

  /** Row `target` of the result becomes 0. */
  clear(o: number, target: number): void {
    const to = this.#row(this.result, o, this.#kernel.size, target);
    const { dtype } = this.#stream;
    if (dtype === "index") return;
    const emitter = this.#emitter();
    const type = scalarType(dtype);
    this.#columns(
      [to],
      (at, lanes, valid) => emitter.store(this.#c, dtype, at(0), lanes, () => emitter.literal(this.#c, type, 0), valid),
    );
    this.#c.release("i32", to);
  }

  /** Adds row `number` of the source to row `target` of the result. */
  add(o: number, number: number, target: number): void {
    const to = this.#row(this.result, o, this.#kernel.size, target);
    const from = this.#row(this.#source, o, this.#kernel.count, number);
    const { dtype } = this.#stream;
    if (dtype === "index") return;
    const emitter = this.#emitter();
    const type = scalarType(dtype);
    const c = this.#c;
    this.#columns([to, from], (at, lanes, valid) => {
      const load = (i: number) => () => emitter.load(c, dtype, at(i), lanes);
      const sum = () => emitter.binary(c, "add", type, load(0), load(1), { kind: "load", type, slot: 0 });
      emitter.store(c, dtype, at(0), lanes, sum, valid);
    });
    c.release("i32", to).release("i32", from);
  }

  #emitter() {
    return emitterFor(this.#context, [], [this.#stream]);
  }

  #bytes(): number {
    return deviceBytes(this.#context.program.buffers[this.#kernel.operands[0].buffer].dtype);
  }

  /** A new local: the address of a row. */
  #row(base: number, o: number, rows: number, row: number): number {
    const c = this.#c;
    const address = c.local("i32");
    c.get(base).get(o).i32(rows).op("i32.mul").get(row).op("i32.add");
    c.i32(this.#kernel.inner * this.#bytes()).op("i32.mul").op("i32.add").set(address);
    return address;
  }

  #columns(
    pointers: readonly number[],
    body: (at: (i: number) => { pointer: number; offset: number; stride: number }, lanes: "all" | "one", valid?: number) => void,
  ): void {
    const c = this.#c;
    const count = c.local("i32");
    const { lanes } = this.#emitter();
    const step = this.#bytes();
    c.i32(this.#kernel.inner).set(count);
    columnLoop(c, {
      lanes,
      unroll: 1,
      count,
      most: this.#kernel.inner,
      ragged: this.#kernel.inner % lanes !== 0,
      partial: true,
      pointers: pointers.map((local) => ({ local, step })),
    }, ([at]) => body((i) => ({ pointer: pointers[i], offset: step * at.step, stride: step }), at.lanes, at.valid));
    c.release("i32", count);
  }
}
