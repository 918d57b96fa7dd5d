/**
 * The gradient of a convolution with respect to its filters: every element is a sum of products of two images, the gradient g and the
 * input x shifted by the window element.
 *
 * Sums run along the rows of pixels, four at a time, for a tile of output channels by window elements in up to 12 vectors of partial
 * sums; lanes are added up only at the end of a group of images. Where the length of rows is not a multiple of four, what the last
 * vector reads too much is masked in both images (in one would not do: 0 times NaN). Threads share the images and keep sums of their own, which a second phase
 * adds; where there are more threads than images they share the tiles as well.
 *
 * @module
 */
import type { ConvKernel } from "../../../ir/kernel.ts";
import { type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "./context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "./emit/addresses.ts";
import { type Blocks, blockSizes, blockStart, evenBlocks } from "./emit/blocks.ts";
import { setShare } from "./emit/shares.ts";
import { floatBytes, pushLaneSums, storeLanes, vectorLanes, zeroBytes } from "./emit/vectors.ts";
import { layOutWindow, stagedBytes, stageImage, tapOffset, type WindowLayout, type WindowSpec } from "./stage.ts";
import { serialMultiplyAdds } from "./work.ts";

/** Bytes of images that are worked on together, so that every tile finds them in the second-level cache. */
const GROUP_BYTES = 192 * 1024;
/** An image with more bytes is cut into bands of rows. */
const BAND_BYTES = 512 * 1024;
/** Memory the threads' private sums may take. */
const SUMS_BYTES = 64 * 1024 * 1024;
/** Vectors of a row that are written out one after the other. */
const UNROLLED_VECTORS = 8;
/** Vector registers. */
const REGISTERS = 15;

/** The tile and what it covers. Columns are (channel, ky, kx) in the order of the filters in memory. */
interface Tiling {
  /** Output channels of one group of the convolution in blocks. */
  readonly rows: Blocks;
  /** Input channels whose columns are cut together. */
  readonly channels: number;
  /** The columns of so many channels in blocks. */
  readonly columns: Blocks;
}

interface Plan {
  readonly kernel: ConvKernel;
  readonly tiling: Tiling;
  readonly input: WindowSpec;
  readonly inputLayout: WindowLayout;
  /** Vectors per row of pixels. */
  readonly vectors: number;
  readonly bandRows: number;
  readonly bands: number;
  /** Images worked on together; 1 if there are bands. */
  readonly together: number;
  /** Parts into which threads divide images, and tiles. */
  readonly imageParts: number;
  readonly tileParts: number;
}

/** conv2dFilterGrad for f32. */
export const convFilterGrad: KernelGenerator<ConvKernel> = (context, kernel) => {
  const { geometry: g } = kernel;
  const madds = g.n * g.o * g.oh * g.ow * (g.c / g.groups) * g.kh * g.kw;
  const serial = context.threads === 1 || madds < serialMultiplyAdds;
  const plan = makePlan(kernel, serial ? 1 : context.threads);
  const epilogue = context.epilogue(kernel);
  const size = kernel.shape.reduce((product, extent) => product * extent, 1);
  const sums = plan.imageParts > 1 ? context.sharedScratch(plan.imageParts * size * floatBytes) : epilogue.slot;
  const phases: Phase[] = [{ func: sumProducts(context, plan, sums), serial }];
  if (plan.imageParts > 1 || epilogue.func !== undefined) {
    phases.push({ func: addSums(context, plan, sums, epilogue), serial: serial });
  }
  return phases;
};

/** Time of one step of a tile in cycles: two multiply-adds per cycle, four cycles of latency, eight instructions per cycle. */
function tileCycles(rows: number, columns: number): number {
  return Math.max((rows * columns) / 2, 4, (4 * (rows + columns) + rows * columns) / 8);
}

/** The tiling with the least time per element. */
function chooseTiling(outChannels: number, inChannels: number, taps: number, registers: number): Tiling {
  let best: Tiling | undefined;
  let least = Infinity;
  for (let channels = 1; channels <= Math.min(inChannels, 8); channels++) {
    if (inChannels % channels !== 0 || (channels > 1 && channels * taps > 32)) continue;
    for (let most = 1; most <= 12; most++) {
      const columns = evenBlocks(channels * taps, most);
      const widest = blockSizes(columns)[0];
      for (let height = 1; height <= 12; height++) {
        const rows = evenBlocks(outChannels, height);
        const highest = blockSizes(rows)[0];
        if (widest * highest + Math.min(widest, highest) + 1 > registers) continue;
        const timeOf = (r: number) => total(columns, (c) => tileCycles(r, c));
        const time = total(rows, timeOf) / channels;
        // A little in favour of few channels together: less code.
        if (time * (1 + channels / 100) < least) {
          least = time * (1 + channels / 100);
          best = { rows, channels, columns };
        }
      }
    }
  }
  return best!;
}

/** The sum of `value` of its size over all blocks. */
function total(blocks: Blocks, value: (size: number) => number): number {
  return blocks.extra * value(blocks.size + 1) + (blocks.count - blocks.extra) * value(blocks.size);
}

function makePlan(kernel: ConvKernel, threads: number): Plan {
  const { geometry: g } = kernel;
  const window = (outRows: number): WindowSpec => ({
    channels: g.c,
    height: g.h,
    width: g.w,
    top: g.padding.top,
    left: g.padding.left,
    spread: [1, 1],
    step: g.stride,
    dilation: g.dilation,
    kernel: [g.kh, g.kw],
    outRows,
    outColumns: g.ow,
  });
  const imageBytes = stagedBytes(window(g.oh), layOutWindow(window(g.oh))) + g.o * g.oh * g.ow * floatBytes;
  const bandRows = Math.ceil(g.oh / Math.min(Math.ceil(g.oh / 4), Math.ceil(imageBytes / BAND_BYTES)));
  const bands = Math.ceil(g.oh / bandRows);
  const size = kernel.shape.reduce((product, extent) => product * extent, 1);
  const fits = (parts: number) => parts === 1 || (parts <= g.n * bands && parts * size * floatBytes <= SUMS_BYTES);
  let imageParts = threads;
  while (threads % imageParts !== 0 || !fits(imageParts)) imageParts--;
  const imagesEach = Math.ceil(g.n / imageParts);
  const together = bands > 1 ? 1 : Math.max(1, Math.min(imagesEach, Math.floor(GROUP_BYTES / imageBytes)));
  const input = window(bandRows);
  // The mask of ragged rows takes a register.
  const registers = g.ow % vectorLanes === 0 ? REGISTERS : REGISTERS - 1;
  return {
    kernel,
    tiling: chooseTiling(g.o / g.groups, g.c / g.groups, g.kh * g.kw, registers),
    input,
    inputLayout: layOutWindow(input),
    vectors: Math.ceil(g.ow / vectorLanes),
    bandRows,
    bands,
    // Groups of images of like size.
    together: Math.ceil(imagesEach / Math.ceil(imagesEach / together)),
    imageParts,
    tileParts: threads / imageParts,
  };
}

/** Floats from one image to the next, as the tiles read them. */
function imageStrides({ kernel: { geometry: g }, input, inputLayout }: Plan): { input: number; gradient: number } {
  return {
    input: inputLayout.staged ? stagedBytes(input, inputLayout) / floatBytes : g.c * g.h * g.w,
    gradient: g.o * g.oh * g.ow,
  };
}

/**
 * The sums of one tile over a group of images: (x, g, sums, images, rows, accumulate). Addresses are those of the tile's first
 * column and first output channel. With `accumulate` the sums are added to what is there.
 */
function tileSums(context: GeneratorContext, plan: Plan, rows: number, offsets: readonly number[]): number {
  const { kernel: { geometry: g }, inputLayout, vectors } = plan;
  const strides = imageStrides(plan);
  const filterSize = (g.c / g.groups) * g.kh * g.kw;
  const columns = offsets.length;
  const params = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return context.module.func({ params }, (c) => {
    const [x, gradient, result, images, height, accumulate] = [0, 1, 2, 3, 4, 5];
    const sums = Array.from({ length: rows }, () => offsets.map(() => c.local("v128")));
    const held = c.locals("v128", Math.min(rows, columns));
    const passing = c.local("v128");
    const [xRow, gRow, row] = c.locals("i32", 3);
    const ragged = g.ow % vectorLanes;
    const mask = ragged === 0 ? -1 : c.local("v128");
    if (ragged > 0) c.i32x4(-1, ragged > 1 ? -1 : 0, ragged > 2 ? -1 : 0, 0).set(mask);
    const load = (to: number, row: number, offset: number, masked: boolean) => {
      c.get(row).mem("v128.load", offset * floatBytes);
      if (masked) c.get(mask).op("v128.and");
      c.set(to);
    };
    const multiplyAdd = (a: number, b: number, sum: number) => c.get(a).get(b).get(sum).op("f32x4.relaxed_madd").set(sum);
    const step = (at: number, masked: boolean) => {
      const loadGradient = (to: number, r: number) => load(to, gRow, r * g.oh * g.ow + at, masked);
      const loadInput = (to: number, column: number) => load(to, xRow, offsets[column] + at, masked);
      if (rows <= columns) {
        held.forEach((to, r) => loadGradient(to, r));
        offsets.forEach((_, column) => {
          loadInput(passing, column);
          held.forEach((from, r) => multiplyAdd(from, passing, sums[r][column]));
        });
      } else {
        held.forEach((to, column) => loadInput(to, column));
        sums.forEach((line, r) => {
          loadGradient(passing, r);
          held.forEach((from, column) => multiplyAdd(from, passing, line[column]));
        });
      }
    };
    const steps = (count: number, end: boolean) => {
      for (let v = 0; v < count; v++) step(v * vectorLanes, end && ragged > 0 && v === count - 1);
    };
    const oneRow = () => {
      if (vectors <= UNROLLED_VECTORS) return steps(vectors, true);
      const unroll = 4;
      // What follows the turns holds the end of the row.
      const turns = Math.floor((vectors - 1) / unroll);
      const turn = c.local("i32");
      const advance = (floats: number) => c.increment(xRow, floats * floatBytes).increment(gRow, floats * floatBytes);
      c.i32(turns).set(turn).loop(() => {
        steps(unroll, false);
        advance(unroll * vectorLanes);
        c.increment(turn, -1).get(turn).brIf(0);
      });
      steps(vectors - turns * unroll, true);
      advance(-turns * unroll * vectorLanes);
      c.release("i32", turn);
    };
    c.loop(() => {
      c.get(x).set(xRow).get(gradient).set(gRow).get(height).set(row);
      c.loop(() => {
        oneRow();
        c.increment(xRow, inputLayout.outRow * floatBytes).increment(gRow, g.ow * floatBytes);
        c.increment(row, -1).get(row).brIf(0);
      });
      c.increment(x, strides.input * floatBytes).increment(gradient, strides.gradient * floatBytes);
      c.increment(images, -1).get(images).brIf(0);
    });
    sums.forEach((line, r) => {
      for (let column = 0; column < columns; column += vectorLanes) {
        const offset = (r * filterSize + column) * floatBytes;
        pushLaneSums(c, line.slice(column, column + vectorLanes));
        c.set(passing).get(accumulate).if(() => c.get(passing).get(result).mem("v128.load", offset).op("f32x4.add").set(passing));
        storeLanes(c, result, passing, Math.min(vectorLanes, columns - column), offset);
      }
    });
  });
}

/** A tile's columns: the first one's place in the filters, and where it reads from the input; and the function for them. */
interface ColumnBlock {
  readonly first: number;
  readonly offset: number;
  /** By number of rows. */
  readonly funcs: ReadonlyMap<number, number>;
}

/** The blocks of columns of a group of channels. Blocks whose columns lie alike share their functions. */
function columnBlocks(context: GeneratorContext, plan: Plan): ColumnBlock[] {
  const { kernel: { geometry: g }, tiling, input, inputLayout } = plan;
  const taps = g.kh * g.kw;
  const offsets = Array.from({ length: tiling.channels * taps }, (_, column) => {
    const tap = column % taps;
    return Math.floor(column / taps) * inputLayout.plane + tapOffset(input, inputLayout, Math.floor(tap / g.kw), tap % g.kw);
  });
  const known = new Map<string, ReadonlyMap<number, number>>();
  const blocks: ColumnBlock[] = [];
  for (let block = 0, first = 0; block < tiling.columns.count; block++) {
    const size = tiling.columns.size + (block < tiling.columns.extra ? 1 : 0);
    const places = offsets.slice(first, first + size);
    // Column phases of a strided window may lie before the first column: addresses start at the smallest.
    const offset = Math.min(...places);
    const relative = places.map((place) => place - offset);
    const key = relative.join();
    const funcs = known.get(key) ??
      new Map(blockSizes(tiling.rows).map((rows) => [rows, tileSums(context, plan, rows, relative)]));
    known.set(key, funcs);
    blocks.push({ first, offset, funcs });
    first += size;
  }
  return blocks;
}

/**
 * All tiles of one block of output channels and one group of input channels: the parameters of a tile, with the addresses of the
 * block's first output channel and the group's first input channel.
 */
function tileGroup(context: GeneratorContext, columns: readonly ColumnBlock[], rows: number): number {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return context.module.func({ params }, (c) => {
    for (const { first, offset, funcs } of columns) {
      plus(c.get(0), offset * floatBytes).get(1);
      plus(c.get(2), first * floatBytes).get(3).get(4).get(5).call(funcs.get(rows)!);
    }
  });
}

/** The phase that sums the thread's images into its sums. */
function sumProducts(context: GeneratorContext, plan: Plan, sums: number): number {
  const { kernel, tiling, input, inputLayout, bandRows, bands, together, imageParts, tileParts } = plan;
  const { geometry: g } = kernel;
  const columns = columnBlocks(context, plan);
  const sizes = blockSizes(tiling.rows);
  const tiles = sizes.map((rows) => tileGroup(context, columns, rows));
  const strides = imageStrides(plan);
  const outChannels = g.o / g.groups;
  const inChannels = g.c / g.groups;
  const channelGroups = inChannels / tiling.channels;
  const taps = g.kh * g.kw;
  const stage = inputLayout.staged ? stageImage(context.module, input, inputLayout, bands > 1) : -1;
  const scratchBytes = inputLayout.staged ? strides.input * floatBytes * together : 0;
  if (scratchBytes > 0) context.privateScratch(scratchBytes);

  return context.module.func({ params: phaseParams }, (c) => {
    const { thread, scratch } = phaseLocals;
    const local = () => c.local("i32");
    const [unit, firstUnit, lastUnit, images, image, row0, rows] = c.locals("i32", 7);
    const [tile, tileEnd, block, channelGroup, group, outChannel, imagePart, tilePart] = c.locals("i32", 8);
    const [inputBase, gradientBase, counter, from, to] = c.locals("i32", 5);
    /** Sets the addresses of this unit's images, staging the inputs if need be. */
    const setBases = () => {
      operandAddress(c, kernel.operands[1]);
      plusScaled(c, image, strides.gradient * floatBytes);
      plusScaled(c, row0, g.ow * floatBytes).set(gradientBase);
      operandAddress(c, kernel.operands[0]);
      plusScaled(c, image, g.c * g.h * g.w * floatBytes);
      if (!inputLayout.staged) return void plusScaled(c, row0, inputLayout.outRow * floatBytes).set(inputBase);
      c.set(from).get(scratch).tee(inputBase).set(to);
      c.for(counter, 0, () => c.get(images), 1, () => {
        c.get(from).get(to).get(row0).i32(g.stride[0]).op("i32.mul").call(stage);
        c.increment(from, g.c * g.h * g.w * floatBytes).increment(to, strides.input * floatBytes);
      });
    };
    const oneTile = () => {
      c.get(tile).set(block);
      const split = (by: number, remainder: number) => {
        if (by === 1) return c.i32(0).set(remainder);
        return c.get(block).i32(by).op("i32.rem_u").set(remainder).get(block).i32(by).op("i32.div_u").set(block);
      };
      // Input channels outside, so that their planes stay close while the output channels pass by.
      const rowBlock = local();
      split(tiling.rows.count, rowBlock);
      split(channelGroups, channelGroup);
      c.get(block).set(group);
      blockStart(c, tiling.rows, rowBlock).set(outChannel);
      const push = (which: number) => {
        c.get(inputBase);
        plusScaled(c, group, inChannels * inputLayout.plane * floatBytes);
        plusScaled(c, channelGroup, tiling.channels * inputLayout.plane * floatBytes);
        c.get(gradientBase);
        plusScaled(c, group, outChannels * g.oh * g.ow * floatBytes);
        plusScaled(c, outChannel, g.oh * g.ow * floatBytes);
        slotAddress(c, sums);
        if (imageParts > 1) plusScaled(c, imagePart, g.o * inChannels * taps * floatBytes);
        plusScaled(c, group, outChannels * inChannels * taps * floatBytes);
        plusScaled(c, outChannel, inChannels * taps * floatBytes);
        plusScaled(c, channelGroup, tiling.channels * taps * floatBytes);
        c.get(images).get(rows).get(unit).get(firstUnit).op("i32.ne").call(tiles[which]);
      };
      if (sizes.length === 1) push(0);
      else c.get(rowBlock).i32(tiling.rows.extra).op("i32.lt_s").if(() => push(0), () => push(1));
      c.release("i32", rowBlock);
    };
    c.get(thread).i32(tileParts).op("i32.div_u").set(imagePart).get(thread).i32(tileParts).op("i32.rem_u").set(tilePart);
    setShare(c, imagePart, imageParts, g.n * bands, firstUnit, lastUnit);
    if (bands === 1) zeroBytes(c, scratch, scratchBytes);
    c.for(unit, () => c.get(firstUnit), () => c.get(lastUnit), together, () => {
      c.get(lastUnit).get(unit).op("i32.sub").set(images);
      setMin(c, images, images, () => c.i32(together));
      c.get(unit).i32(bands).op("i32.div_u").set(image);
      c.get(unit).i32(bands).op("i32.rem_u").i32(bandRows).op("i32.mul").set(row0);
      c.i32(g.oh).get(row0).op("i32.sub").set(rows);
      setMin(c, rows, rows, () => c.i32(bandRows));
      setBases();
      setShare(c, tilePart, tileParts, g.groups * channelGroups * tiling.rows.count, tile, tileEnd);
      c.for(tile, () => c.get(tile), () => c.get(tileEnd), 1, oneTile);
    });
  });
}

/** The phase that adds the threads' sums, if there are several, and calls the epilogue. */
function addSums(
  context: GeneratorContext,
  plan: Plan,
  sums: number,
  epilogue: { slot: number; func: number | undefined },
): number {
  const { kernel: { geometry: g }, imageParts, tileParts } = plan;
  const taps = g.kh * g.kw;
  const planes = (g.o * g.c) / g.groups;
  const size = planes * taps;
  return context.module.func({ params: phaseParams }, (c) => {
    const { table, thread } = phaseLocals;
    const [from, to, at, end, target] = c.locals("i32", 5);
    setShare(c, thread, imageParts * tileParts, planes, from, to);
    if (imageParts > 1) {
      const add = (load: "v128.load" | "f32.load", sum: "f32x4.add" | "f32.add", store: "v128.store" | "f32.store") => {
        c.get(target).get(at).mem(load);
        for (let part = 1; part < imageParts; part++) c.get(at).mem(load, part * size * floatBytes).op(sum);
        c.mem(store);
      };
      const address = (slot: number, index: number) => plusScaled(slotAddress(c, slot), index, taps * floatBytes);
      const whilst = (bytes: number, body: () => void) =>
        c.block(() => {
          const check = () => plus(c.get(at), bytes).get(end);
          check().op("i32.gt_u").brIf(0);
          c.loop(() => {
            body();
            c.increment(at, bytes).increment(target, bytes);
            check().op("i32.le_u").brIf(0);
          });
        });
      address(sums, from).set(at);
      address(sums, to).set(end);
      address(epilogue.slot, from).set(target);
      whilst(vectorLanes * floatBytes, () => add("v128.load", "f32x4.add", "v128.store"));
      whilst(floatBytes, () => add("f32.load", "f32.add", "f32.store"));
    }
    if (epilogue.func !== undefined) {
      const pushRow = (index: number) => c.get(index).i32(g.kh).op("i32.mul");
      c.get(table);
      slotAddress(c, epilogue.slot);
      pushRow(from);
      pushRow(to).i32(0).i32(g.kw).call(epilogue.func);
    }
  });
}
