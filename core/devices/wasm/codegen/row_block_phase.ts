/**
 * Writes kernels that go through blocks of rows together as one phase.
 *
 * The generators of the kernels write a block as they write a whole kernel. They find their buffers in a table of addresses; here the
 * thread makes such a table for each block. A last kernel that has a partner runs a block later, in one loop with it, and sees the buffers of the
 * block before: what the threads keep for it is in two places in turn.
 *
 * @module
 */
import { deviceBytes } from "../../../dtype.ts";
import { type Expr, mapLeaves } from "../../../ir/expr.ts";
import { type Access, mapAccesses } from "../../../ir/kernel.ts";
import type { Program } from "../../../ir/program.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "./context.ts";
import { depthwiseConvolution } from "./convolution/depthwise/convolution.ts";
import { depthwiseFilterGradient, planChannelFilters } from "./convolution/depthwise/filter_gradient.ts";
import { planChannels } from "./convolution/depthwise/plan.ts";
import { withEpilogues } from "./elementwise/epilogue.ts";
import { plus, slotAddress } from "./emit/addresses.ts";
import { roundUp } from "./emit/blocks.ts";
import { setShare } from "./emit/shares.ts";
import { emitKernel } from "./generators.ts";
import { imagesInTurn } from "./images_in_turn.ts";
import type { RowBlocks } from "./row_blocks.ts";
import { isConvolution, type RowKernel, rowSteps, withIndices } from "./rows.ts";
import { piecesFor } from "./work.ts";

/** Writes the kernels as one phase. */
export function rowBlocks(context: GeneratorContext, together: RowBlocks): Phase {
  const { program, threads, module } = context;
  const { kernels, rows, blockRows, partner } = together;
  const views: View[] = [];
  const viewOf = (buffer: number, step: number, late: boolean): number => {
    const stepBytes = step * deviceBytes(program.buffers[buffer].dtype);
    const known = views.findIndex((view) => view.buffer === buffer && view.stepBytes === stepBytes && view.late === late);
    return known >= 0 ? known : views.push({ buffer, stepBytes, late }) - 1;
  };
  const last = kernels.length - 1;
  const blocks = kernels.map((kernel, i) =>
    blockOf(program, kernel, together, (buffer, step) => viewOf(buffer, step, partner !== undefined && i === last))
  );
  const buffers = views.map(({ buffer }) => program.buffers[buffer]);
  // What kernels ask for is private: a table has room for what they share, and behind it is what each has for itself.
  const [shared, own]: [number[], number[]] = [[], [0]];
  const inner = withEpilogues({
    ...context,
    threads: 1,
    program: { ...program, buffers },
    sharedScratch: (bytes) => views.length + shared.push(bytes) - 1,
    privateScratch: (bytes) => void own.push(bytes),
  });
  const written = (kernels: readonly RowKernel[]) => kernels.flatMap((kernel) => emitBlock(inner, kernel));
  const [before, both, after] = partner === undefined ? [written(blocks), [], []] : [
    written(blocks.slice(0, partner)),
    written([beside(blocks[partner], blocks[last])]),
    written(blocks.slice(partner + 1, last)),
  ];
  // At the ends of a piece with a partner one of the two has nothing to do.
  const pieces = partner === undefined ? piecesOf(together, threads) : threads;
  const table = new BlockTable(together, views, shared);
  context.privateScratch(table.bytes + Math.max(...own));
  const func = module.func({ params: phaseParams }, (c) => {
    const { piece, scratch } = phaseLocals;
    const [from, to] = c.locals("i32", 2);
    setShare(c, piece, pieces, rows / blockRows, from, to);
    const run = (phases: readonly Phase[]) => {
      for (const { func } of phases) plus(c.get(scratch).i32(0).get(scratch), table.bytes).call(func);
    };
    if (partner === undefined) {
      const block = c.local("i32");
      c.forRange(block, from, to, () => {
        table.write(c, { block, now: block, before: block });
        run(before);
      });
    } else {
      roundsWithPartner(c, from, to, (round, ifNow) => {
        table.write(c, round);
        ifNow(() => run(before));
        run(both);
        ifNow(() => run(after));
      });
    }
  });
  return { func, pieces };
}

/** Rounds over a share of blocks, and one more: a kernel is a block behind its partner. */
function roundsWithPartner(
  c: FunctionWriter,
  from: number,
  to: number,
  write: (round: Round, ifNow: (body: () => void) => void) => void,
): void {
  const [block, end, now, before] = c.locals("i32", 4);
  c.get(to).i32(1).op("i32.add").set(end);
  c.forRange(block, from, end, () => {
    // Both stay within the share: in the first round the last kernel has nothing to do yet, in the last one its partner.
    c.get(block).get(block).get(to).op("i32.ge_s").op("i32.sub").set(now);
    c.get(block).get(block).get(from).op("i32.gt_s").op("i32.sub").set(before);
    write({ block, now, before }, (body) => c.get(block).get(to).op("i32.lt_s").if(body));
  });
}

/** Into how many pieces blocks are cut: all threads have the same. */
function piecesOf({ rows, blockRows, bytes }: RowBlocks, threads: number): number {
  const most = piecesFor(threads, { moves: bytes / 4 });
  for (let pieces = most; pieces > threads; pieces -= threads) if (rows / blockRows % pieces === 0) return pieces;
  return threads;
}

/** Two maps over the same points as one: at each point the first before the second. */
function beside(first: RowKernel, second: RowKernel): RowKernel {
  const moved = (e: Expr) =>
    mapLeaves(e, (leaf) => leaf.kind === "load" ? { ...leaf, slot: leaf.slot + first.loads.length } : leaf);
  const stores = second.stores.map((store) => ({ ...store, value: moved(store.value) }));
  return { ...first, loads: [...first.loads, ...second.loads], stores: [...first.stores, ...stores] };
}

/** Writes a kernel for a block. */
function emitBlock(context: GeneratorContext, kernel: RowKernel): readonly Phase[] {
  if (!isConvolution(kernel)) return emitKernel(context, kernel);
  return kernel.kind === "conv2dFilterGrad"
    ? depthwiseFilterGradient(context, kernel, planChannelFilters(kernel)!)
    : depthwiseConvolution(context, kernel, planChannels(kernel)!);
}

/** A buffer as the rows of some accesses: what stands in the table of a block. */
interface View {
  readonly buffer: number;
  readonly stepBytes: number;
  /** Whether it is that of the block before. */
  readonly late: boolean;
}

/** Locals: the number of a round, and those of the blocks that are seen in it as that of this round and as the one before. */
interface Round {
  readonly block: number;
  readonly now: number;
  readonly before: number;
}

/** The table of addresses of a block. What the thread keeps is behind it. */
class BlockTable {
  /** Bytes of the table and of what is behind it. */
  readonly bytes: number;
  readonly #views: readonly View[];
  readonly #blockRows: number;
  /** Where buffers are that the thread keeps: in two places in turn those that are still read a round later. */
  readonly #places = new Map<number, readonly [place: number, other?: number]>();

  /** Where the memory begins that kernels share with nobody but their own functions, by slot behind the views. */
  readonly #shared: readonly number[];

  constructor({ kept, blockRows }: RowBlocks, views: readonly View[], shared: readonly number[]) {
    this.#views = views;
    this.#blockRows = blockRows;
    let end = roundUp(4 * (views.length + shared.length), 64);
    this.#shared = shared.map((bytes) => {
      const begin = end;
      end += roundUp(bytes, 64) + 64;
      return begin;
    });
    for (const [buffer, rowBytes] of kept) {
      const bytes = roundUp(rowBytes * blockRows, 64) + 64;
      const late = views.some((view) => view.late && view.buffer === buffer);
      this.#places.set(buffer, late ? [end, end + bytes] : [end]);
      end += late ? 2 * bytes : bytes;
    }
    this.bytes = end;
  }

  /** Writes the table for a round. */
  write(c: FunctionWriter, { block, now, before }: Round): void {
    const { scratch } = phaseLocals;
    this.#views.forEach(({ buffer, stepBytes, late }, i) => {
      const [place, other] = this.#places.get(buffer) ?? [];
      c.get(scratch);
      if (place === undefined) {
        slotAddress(c, buffer).get(late ? before : now).i32(stepBytes * this.#blockRows).op("i32.mul").op("i32.add");
      } else if (other === undefined) c.get(scratch).i32(place).op("i32.add");
      else {
        const [even, odd] = late ? [other, place] : [place, other];
        c.get(scratch).i32(odd).op("i32.add").get(scratch).i32(even).op("i32.add");
        c.get(block).i32(1).op("i32.and").op("select");
      }
      c.mem("i32.store", 4 * i);
    });
    this.#shared.forEach((begin, i) => {
      plus(c.get(scratch).get(scratch), begin).mem("i32.store", 4 * (this.#views.length + i));
    });
  }
}

/** The kernel for a block of rows, its buffers being views. */
function blockOf(
  program: Program,
  kernel: RowKernel,
  { axes, rows: all, blockRows, kept }: RowBlocks,
  viewOf: (buffer: number, step: number) => number,
): RowKernel {
  const steps = rowSteps(program, kernel, axes);
  /** What threads keep has the rows of a block only: the pieces of a row are nearer to each other. */
  const view = <A extends Access>(access: A): A => {
    const step = steps.get(access)!;
    const isPiece = (stride: number) => step > 0 && stride > 0 && stride % (step * all) === 0 && kept.has(access.buffer);
    const strides = access.strides.map((stride) => isPiece(stride) ? stride / all * blockRows : stride);
    return { ...access, buffer: viewOf(access.buffer, step), strides };
  };
  if (isConvolution(kernel)) {
    const { geometry, kind, shape: [first, second, ...rest] } = kernel;
    const moved = mapAccesses(kernel, view);
    return {
      ...moved,
      geometry: { ...geometry, c: blockRows, o: blockRows, groups: blockRows },
      shape: kind === "conv2dFilterGrad" ? [blockRows, second, ...rest] : [first, blockRows, ...rest],
    };
  }
  const rows = <T>(list: readonly T[], first: T): T[] => [first, ...list.slice(axes)];
  const moved = mapAccesses(kernel, (access) => ({ ...view(access), strides: rows(view(access).strides, steps.get(access)!) }));
  return imagesInTurn({ ...withIndices(moved, (strides) => rows(strides, 0)), shape: rows(kernel.shape, blockRows) });
}
