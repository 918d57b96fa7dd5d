/**
 * Rows added up by index: the transpose of rows chosen by index.
 *
 * @module
 */
import { deviceBytes, type DType } from "../../../../dtype.ts";
import { type ScalarType, scalarType } from "../../../../ir/expr.ts";
import type { ScatterAddRowsKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "../context.ts";
import { columnLoop } from "../elementwise/column_loop.ts";
import { emitterFor } from "../elementwise/formula.ts";
import { accessStream } from "../elementwise/streams.ts";
import { operandAddress, pushClamped, slotAddress } from "../emit/addresses.ts";
import type { Emitter, Lanes, Location } from "../expressions/emitter.ts";
import { setAlignedShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";

/** Blocks of rows from which on threads share them: each then reads the indices of its blocks only. */
const leastBlocks = 8;

/** Each piece owns some of the outer blocks, or a range of the rows of every block, so that rows are added in the order of the indices. */
export const scatterAddRows: KernelGenerator<ScatterAddRowsKernel> = (context, kernel) => {
  if (sizeOf(kernel.shape) === 0) return [];
  const { outer, size, inner, count } = kernel;
  const { threads } = context;
  const { slot, func: epilogue } = context.epilogue(kernel);
  const sharesBlocks = outer >= leastBlocks * threads;
  const wanted = piecesFor(threads, { nanoseconds: outer * inner * (count + size) });
  // Every piece of the rows reads all indices.
  const pieces = sharesBlocks ? wanted : Math.min(threads, wanted);
  const func = context.module.func({ params: phaseParams }, (c) => {
    const rows = new RowAdder(context, kernel, c, slot);
    const [from, to, o, end, target] = c.locals("i32", 5);
    c.i32(0).set(from).i32(size).set(to).i32(0).set(o).i32(outer).set(end);
    if (sharesBlocks) setAlignedShare(c, phaseLocals.piece, outer, 1, pieces, o, end);
    else setAlignedShare(c, phaseLocals.piece, size, 1, pieces, from, to);
    const checked = !sharesBlocks && pieces > 1;
    c.forRange(o, o, end, () => {
      rows.clear(o, from, to);
      rows.eachIndex(o, target, (add) => {
        if (!checked) return add();
        c.get(target).get(from).op("i32.ge_s").get(target).get(to).op("i32.lt_s").op("i32.and").if(add);
      });
      if (epilogue === undefined) return;
      c.get(0).get(rows.result);
      for (const end of [from, to]) c.get(o).i32(size).op("i32.mul").get(end).op("i32.add");
      c.i32(0).i32(inner).call(epilogue);
    });
  });
  return [{ func, pieces }];
};

/** Writes loops over the elements of rows. */
class RowAdder {
  /** A local: the address of the result. */
  readonly result: number;
  readonly #kernel: ScatterAddRowsKernel;
  readonly #c: FunctionWriter;
  readonly #dtype: DType;
  readonly #type: ScalarType;
  readonly #bytes: number;
  /** What writes runs of elements, and what writes a row. */
  readonly #vectors: Emitter;
  readonly #emitter: Emitter;
  /** Pushes the address of the first row that is added. */
  readonly #source: (c: FunctionWriter) => void;

  constructor(context: GeneratorContext, kernel: ScatterAddRowsKernel, c: FunctionWriter, slot: number) {
    const stream = accessStream(context.program, kernel.operands[0]);
    this.#c = c;
    this.#kernel = kernel;
    this.#dtype = context.program.buffers[kernel.operands[0].buffer].dtype;
    this.#type = scalarType(this.#dtype);
    this.#bytes = deviceBytes(this.#dtype);
    const emitter = emitterFor(context, [], [stream]);
    this.#vectors = emitter;
    this.#emitter = kernel.inner < emitter.lanes ? context.scalar : emitter;
    this.#source = stream.base;
    this.result = c.local("i32");
    slotAddress(c, slot);
    c.set(this.result);
  }

  /** Rows `from` up to `to` of block `o` of the result become 0. */
  clear(o: number, from: number, to: number): void {
    const c = this.#c;
    const { size, inner } = this.#kernel;
    const vectors = this.#vectors;
    const [at, count] = c.locals("i32", 2);
    c.get(this.result).get(o).i32(size).op("i32.mul").get(from).op("i32.add").i32(inner * this.#bytes).op("i32.mul").op("i32.add")
      .set(at);
    c.get(to).get(from).op("i32.sub").i32(inner).op("i32.mul").set(count);
    this.#columns(vectors, count, size * inner, [at], ([to], lanes, valid) => {
      vectors.store(c, this.#dtype, to, lanes, () => vectors.literal(c, this.#type, 0), valid);
    });
    c.release("i32", at).release("i32", count);
  }

  /**
   * Visits the indices of block `o`: `body` is called with `target`, a local, at the row that the index names, and with what adds to it the
   * row of the source.
   */
  eachIndex(o: number, target: number, body: (add: () => void) => void): void {
    const c = this.#c;
    const { size, inner, count, operands: [, indices] } = this.#kernel;
    const row = inner * this.#bytes;
    const [block, source, index, number] = c.locals("i32", 4);
    c.get(this.result).get(o).i32(size * row).op("i32.mul").op("i32.add").set(block);
    this.#source(c);
    c.get(o).i32(count * row).op("i32.mul").op("i32.add").set(source);
    operandAddress(c, indices).set(index);
    c.for(number, 0, count, 1, () => {
      pushClamped(c, size, () => c.get(index).mem("i32.load"));
      c.set(target);
      body(() => this.#add(block, target, source));
      c.increment(index, 4).increment(source, row);
    });
    c.release("i32", block).release("i32", source).release("i32", index).release("i32", number);
  }

  /** Adds the row at address `source` to row `target` of a block. */
  #add(block: number, target: number, source: number): void {
    const c = this.#c;
    const emitter = this.#emitter;
    const { inner } = this.#kernel;
    const [to, from, count] = c.locals("i32", 3);
    c.get(target).i32(inner * this.#bytes).op("i32.mul").get(block).op("i32.add").set(to);
    c.get(source).set(from).i32(inner).set(count);
    this.#columns(emitter, count, inner, [to, from], ([to, from], lanes, valid) => {
      const load = (at: Location) => () => emitter.load(c, this.#dtype, at, lanes);
      const sum = () => emitter.binary(c, "add", this.#type, load(to), load(from), { kind: "load", type: this.#type, slot: 0 });
      emitter.store(c, this.#dtype, to, lanes, sum, valid);
    });
    c.release("i32", to).release("i32", from).release("i32", count);
  }

  /** Loops over `count` (a local) elements, at most `most`, at pointers that move along them. */
  #columns(
    { lanes }: Emitter,
    count: number,
    most: number,
    pointers: readonly number[],
    body: (at: readonly Location[], lanes: Lanes, valid?: number) => void,
  ): void {
    const step = this.#bytes;
    columnLoop(this.#c, {
      lanes,
      unroll: 1,
      count,
      most,
      ragged: lanes > 1,
      partial: true,
      pointers: pointers.map((local) => ({ local, step })),
    }, ([at]) => body(pointers.map((pointer) => ({ pointer, offset: step * at.step, stride: step })), at.lanes, at.valid));
  }
}
