/**
 * Direct convolution: outputs as sums over input channels and window elements, with nothing unrolled into a matrix.
 *
 * The micro-kernel is that of the matrix product, with up to 6 output channels by 8 (or 16) output pixels in registers. Since every window
 * element (ky, kx) reads pixels at a constant distance, one turn of the loop over input channels is straight code whose addresses are
 * all immediate: no index arithmetic, no packing, not even of the filters, whose strides are immediate as well. So the gradient
 * with respect to the input is the same kernel with other strides: filters transposed and flipped, the gradient padded.
 *
 * Threads share the images, or bands of rows and blocks of output channels where images are few.
 *
 * @module
 */
import type { ConvKernel } from "../../../ir/kernel.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "./context.ts";
import { type Convolution, convolutionOf, multiplyAdds } from "./conv_problem.ts";
import { operandAddress, plusScaled, setMin, slotAddress } from "./emit/addresses.ts";
import { type Blocks, blockSizes, blockStart, evenBlocks } from "./emit/blocks.ts";
import { setShare } from "./emit/shares.ts";
import { floatBytes, storeLanes, vectorLanes, zeroBytes } from "./emit/vectors.ts";
import { wideTile } from "./microkernel.ts";
import { layOutWindow, stagedBytes, stageImage, tapOffset, type WindowLayout, type WindowSpec } from "./stage.ts";
import { serialMultiplyAdds } from "./work.ts";

/** Most output channels of a tile. */
const TILE_CHANNELS = 6;
/** Input bytes that are worked on at a time: a good part of the second-level cache. */
const BAND_BYTES = 400 * 1024;
/** Windows with more elements are not unrolled whole, to keep the code small. */
const UNROLLED_TAPS = 64;
/** Window elements that one turn of the loop over channels should hold at least. */
const TAPS_PER_TURN = 6;

/** conv2d and conv2dInputGrad for f32. */
export const convDirect: KernelGenerator<ConvKernel> = (context, kernel) => {
  const conv = convolutionOf(kernel);
  const madds = multiplyAdds(conv);
  const serial = context.threads === 1 || madds < serialMultiplyAdds;
  // Vectors of a row are merged in pairs if all of them have a partner.
  const pairs = conv.outWidth % (2 * vectorLanes) === 0 && context.tileColumns(madds) === wideTile;
  return [{ func: convolve(context, kernel, plan(conv, serial ? 1 : context.threads, pairs ? 2 : 1)), serial }];
};

/** The bands of output rows, the layout of their input, and the pieces of work. */
interface Plan {
  readonly conv: Convolution;
  readonly spec: WindowSpec;
  readonly layout: WindowLayout;
  readonly bandRows: number;
  readonly bands: number;
  readonly blocks: Blocks;
  /** Into how many parts the blocks of output channels are divided to give every thread something to do. */
  readonly parts: number;
  readonly threads: number;
  /** Vectors that the engine holds in one register. */
  readonly perRegister: 1 | 2;
}

function plan(conv: Convolution, threads: number, perRegister: 1 | 2): Plan {
  const whole: WindowSpec = { ...conv.window, outRows: conv.outHeight };
  const bytesPerRow = stagedBytes(whole, layOutWindow(whole)) / conv.outHeight;
  const bands = Math.min(Math.ceil(conv.outHeight / 4), Math.ceil((bytesPerRow * conv.outHeight) / BAND_BYTES));
  const bandRows = Math.ceil(conv.outHeight / bands);
  const spec = { ...whole, outRows: bandRows };
  const blocks = evenBlocks(conv.outChannels, TILE_CHANNELS);
  const items = conv.images * conv.groups * bands;
  const balanced = items % threads === 0 || items >= 8 * threads;
  return {
    conv,
    spec,
    layout: layOutWindow(spec),
    bandRows,
    bands: Math.ceil(conv.outHeight / bandRows),
    blocks,
    parts: balanced ? 1 : Math.min(blocks.count, threads),
    threads,
    perRegister,
  };
}

/** Vectors of a tile: where their first pixels lie from the tile's first, in rows and columns. */
interface TileShape {
  readonly vectors: readonly { readonly row: number; readonly column: number }[];
  /** Output rows that the tile spans. */
  readonly rows: number;
  /** First column, and how many such tiles follow each other along the row. */
  readonly column: number;
  readonly repeats: number;
}

/** Registers for the vectors of a tile with so many channels, by the 15 that are there. */
function registersFor(channels: number): number {
  return [0, 6, 4, 3, 2, 2, 2][channels];
}

/**
 * Covers rows of `width` pixels with tiles of `most` vectors. The last vector of a row overlaps the one before rather than hang
 * over; vectors left over at the end of a row are combined over several rows.
 */
function coverRow(width: number, most: number): TileShape[] {
  const columns = Array.from(
    { length: Math.ceil(width / vectorLanes) },
    (_, i) => Math.max(0, Math.min(i * vectorLanes, width - vectorLanes)),
  );
  const shapes: TileShape[] = [];
  const whole = Math.floor(columns.length / most);
  const regular = width % vectorLanes !== 0 && columns.length % most === 0 ? whole - 1 : whole;
  const across = (from: number, count: number) =>
    columns.slice(from, from + count).map((column) => ({ row: 0, column: column - columns[from] }));
  if (regular > 0) shapes.push({ vectors: across(0, most), rows: 1, column: 0, repeats: regular });
  if (whole > regular) {
    shapes.push({ vectors: across(regular * most, most), rows: 1, column: columns[regular * most], repeats: 1 });
  }
  const rest = columns.length % most;
  if (rest > 0) {
    const rows = Math.floor(most / rest);
    const line = across(whole * most, rest);
    const vectors = Array.from({ length: rows }, (_, row) => line.map(({ column }) => ({ row, column }))).flat();
    shapes.push({ vectors, rows, column: columns[whole * most], repeats: 1 });
  }
  return shapes;
}

/** Tiles of one shape down the rows of a band: (input, filters, output, rows); gives the rows that were too few for the shape. */
function tileRows(context: GeneratorContext, plan: Plan, channels: number, shape: TileShape): number {
  const { conv, layout } = plan;
  const outPlane = conv.outHeight * conv.outWidth;
  const lanes = Math.min(vectorLanes, conv.outWidth);
  const tileBytes = shape.vectors.length * vectorLanes * floatBytes;
  return context.module.func({ params: ["i32", "i32", "i32", "i32"], results: ["i32"] }, (c) => {
    const [input, filters, output, rows] = [0, 1, 2, 3];
    const sums = Array.from({ length: channels }, () => shape.vectors.map(() => c.local("v128")));
    const [from, to, repeat] = c.locals("i32", 3);
    const oneTile = () => {
      for (const line of sums) for (const sum of line) c.f32x4(0).set(sum);
      accumulate(c, plan, shape, sums, from, filters);
      sums.forEach((line, channel) =>
        line.forEach((sum, v) => {
          const { row, column } = shape.vectors[v];
          storeLanes(c, to, sum, lanes, (channel * outPlane + row * conv.outWidth + column) * floatBytes);
        })
      );
    };
    c.block(() => {
      c.get(rows).i32(shape.rows).op("i32.lt_s").brIf(0);
      c.loop(() => {
        c.get(input).set(from).get(output).set(to);
        if (shape.repeats === 1) oneTile();
        else {
          c.for(repeat, 0, shape.repeats, 1, () => {
            oneTile();
            c.increment(from, tileBytes).increment(to, tileBytes);
          });
        }
        c.increment(input, shape.rows * layout.outRow * floatBytes).increment(output, shape.rows * conv.outWidth * floatBytes);
        c.increment(rows, -shape.rows).get(rows).i32(shape.rows).op("i32.ge_s").brIf(0);
      });
    });
    c.get(rows);
  });
}

/** The loop over input channels and window elements of one tile; the pointers in `input` and `filters` are kept. */
function accumulate(
  c: FunctionWriter,
  { conv, spec, layout, perRegister }: Plan,
  shape: TileShape,
  sums: readonly (readonly number[])[],
  input: number,
  filters: number,
): void {
  const [kh, kw] = spec.kernel;
  const holdFilters = sums.length <= shape.vectors.length / perRegister;
  const held = holdFilters ? sums.map(() => c.local("v128")) : shape.vectors.map(() => c.local("v128"));
  const passing = c.local("v128");
  const [x, w, turn] = c.locals("i32", 3);
  const loadFilter = (to: number, channel: number, offset: number) =>
    c.get(w).mem("v128.load32_splat", (channel * conv.filterOut + offset) * floatBytes).set(to);
  const loadPixels = (to: number, v: number, offset: number) => {
    const { row, column } = shape.vectors[v];
    c.get(x).mem("v128.load", (row * layout.outRow + column + offset) * floatBytes).set(to);
  };
  const multiplyAdd = (filter: number, pixels: number, sum: number) =>
    c.get(filter).get(pixels).get(sum).op("f32x4.relaxed_madd").set(sum);
  /** One window element: the fewer of filters and pixels wait in registers, the others pass by. */
  const tap = (pixelOffset: number, filterOffset: number) => {
    if (holdFilters) {
      sums.forEach((_, channel) => loadFilter(held[channel], channel, filterOffset));
      shape.vectors.forEach((_, v) => {
        loadPixels(passing, v, pixelOffset);
        sums.forEach((line, channel) => multiplyAdd(held[channel], passing, line[v]));
      });
    } else {
      shape.vectors.forEach((_, v) => loadPixels(held[v], v, pixelOffset));
      sums.forEach((line, channel) => {
        loadFilter(passing, channel, filterOffset);
        line.forEach((sum, v) => multiplyAdd(passing, held[v], sum));
      });
    }
  };
  const filterAt = (ky: number, kx: number) => conv.flipped ? kh * kw - 1 - (ky * kw + kx) : ky * kw + kx;
  const wholeWindow = (channel: number) => {
    for (let ky = 0; ky < kh; ky++) {
      for (let kx = 0; kx < kw; kx++) {
        tap(channel * layout.plane + tapOffset(spec, layout, ky, kx), channel * conv.filterIn + filterAt(ky, kx));
      }
    }
  };
  const windowByRows = () => {
    const ky = c.local("i32");
    const rowStep = tapOffset(spec, layout, 1, 0) * floatBytes;
    const filterStep = (conv.flipped ? -kw : kw) * floatBytes;
    const firstRow = conv.flipped ? (kh - 1) * kw : 0;
    c.increment(w, firstRow * floatBytes);
    c.for(ky, 0, kh, 1, () => {
      for (let kx = 0; kx < kw; kx++) tap(tapOffset(spec, layout, 0, kx), conv.flipped ? kw - 1 - kx : kx);
      c.increment(x, rowStep).increment(w, filterStep);
    });
    c.increment(x, -kh * rowStep).increment(w, -kh * filterStep - firstRow * floatBytes).release("i32", ky);
  };
  const unroll = kh * kw > UNROLLED_TAPS ? 1 : Math.min(conv.inChannels, Math.ceil(TAPS_PER_TURN / (kh * kw)));
  const channels = (count: number) => {
    if (kh * kw > UNROLLED_TAPS) windowByRows();
    else for (let channel = 0; channel < count; channel++) wholeWindow(channel);
  };
  const turns = Math.floor(conv.inChannels / unroll);
  c.get(input).set(x).get(filters).set(w);
  if (turns === 1 && unroll === conv.inChannels) channels(unroll);
  else {
    c.i32(turns).set(turn).loop(() => {
      channels(unroll);
      c.increment(x, unroll * layout.plane * floatBytes).increment(w, unroll * conv.filterIn * floatBytes);
      c.increment(turn, -1).get(turn).brIf(0);
    });
    if (conv.inChannels % unroll > 0) channels(conv.inChannels % unroll);
  }
  c.release("v128", ...held, passing);
  c.release("i32", x, w, turn);
}

/** A band of one block of output channels: (input, filters, output, rows). */
function channelBlock(context: GeneratorContext, plan: Plan, channels: number): number {
  const shapes = coverRow(plan.conv.outWidth, registersFor(channels) * plan.perRegister).map((shape) => ({
    shape,
    tiles: tileRows(context, plan, channels, shape),
    // What is left of the rows goes one by one.
    single: shape.rows === 1 ? -1 : tileRows(context, plan, channels, {
      ...shape,
      rows: 1,
      vectors: shape.vectors.filter(({ row }) => row === 0),
    }),
  }));
  return context.module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [input, filters, output, rows] = [0, 1, 2, 3];
    const left = c.local("i32");
    for (const { shape, tiles, single } of shapes) {
      const pushPlaces = (skipRows: boolean) => {
        const places = [
          { base: input, row: plan.layout.outRow },
          { base: output, row: plan.conv.outWidth },
        ];
        const push = ({ base, row }: { base: number; row: number }) => {
          c.get(base).i32(shape.column * floatBytes).op("i32.add");
          if (skipRows) c.get(rows).get(left).op("i32.sub").i32(row * floatBytes).op("i32.mul").op("i32.add");
        };
        push(places[0]);
        c.get(filters);
        push(places[1]);
      };
      pushPlaces(false);
      c.get(rows).call(tiles).set(left);
      if (single >= 0) {
        pushPlaces(true);
        c.get(left).call(single).op("drop");
      }
    }
  });
}

function convolve(context: GeneratorContext, kernel: ConvKernel, planned: Plan): number {
  const { conv, spec, layout, bandRows, bands, blocks, parts, threads } = planned;
  const { images, groups, inChannels, outChannels, outHeight, outWidth, domain } = conv;
  const sourcePlane = spec.height * spec.width;
  const epilogue = context.epilogue(kernel);
  const sizes = blockSizes(blocks);
  const blockFuncs = sizes.map((channels) => channelBlock(context, planned, channels));
  const stage = layout.staged ? stageImage(context.module, spec, layout, bands > 1) : -1;
  if (layout.staged) context.privateScratch(stagedBytes(spec, layout));

  return context.module.func({ params: phaseParams }, (c) => {
    const { table, thread, scratch } = phaseLocals;
    const [item, end, part, band, group, image, row0, rows] = c.locals("i32", 8);
    const [input, block, blockEnd, channel] = c.locals("i32", 4);
    const split = (from: number, by: number, remainder: number) => {
      if (by === 1) return c.i32(0).set(remainder);
      return c.get(from).i32(by).op("i32.rem_u").set(remainder).get(from).i32(by).op("i32.div_u").set(from);
    };
    const setInput = () => {
      operandAddress(c, conv.source);
      plusScaled(c, image, groups * inChannels * sourcePlane * floatBytes);
      plusScaled(c, group, inChannels * sourcePlane * floatBytes);
      if (layout.staged) {
        c.get(scratch).get(row0).i32(spec.step[0]).op("i32.mul").call(stage);
        c.get(scratch).set(input);
      } else plusScaled(c, row0, layout.outRow * floatBytes).set(input);
    };
    /** Pushes the number of row `row0` of output channel `channel` among all rows, `height` of which make a plane. */
    const pushRow = (height: number) => {
      c.get(image).i32(groups).op("i32.mul").get(group).op("i32.add").i32(outChannels).op("i32.mul").get(channel).op("i32.add");
      c.i32(height).op("i32.mul").get(row0).op("i32.add");
    };
    const oneBlock = (which: number) => {
      c.get(input);
      operandAddress(c, conv.filters);
      plusScaled(c, group, inChannels * outChannels * spec.kernel[0] * spec.kernel[1] * floatBytes);
      plusScaled(c, channel, conv.filterOut * floatBytes);
      slotAddress(c, epilogue.slot);
      pushRow(outHeight);
      c.i32(outWidth * floatBytes).op("i32.mul").op("i32.add");
      c.get(rows).call(blockFuncs[which]);
      if (epilogue.func !== undefined) finishBlock(sizes[which], epilogue.func);
    };
    const finishBlock = (channels: number, func: number) => {
      const box = (rowsOfBox: () => void) => {
        c.get(table);
        slotAddress(c, epilogue.slot);
        pushRow(domain.height);
        pushRow(domain.height);
        rowsOfBox();
        c.op("i32.add").i32(0).i32(domain.width).call(func);
      };
      if (bands === 1) return box(() => c.i32(channels * domain.height));
      for (let i = 0; i < channels; i++) {
        box(() => c.get(rows));
        c.increment(channel, 1);
      }
    };
    if (layout.staged && bands === 1) zeroBytes(c, scratch, stagedBytes(spec, layout));
    setShare(c, thread, threads, images * groups * bands * parts, item, end);
    c.for(item, () => c.get(item), () => c.get(end), 1, () => {
      c.get(item).set(image);
      split(image, parts, part);
      split(image, bands, band);
      split(image, groups, group);
      c.get(band).i32(bandRows).op("i32.mul").set(row0);
      c.i32(outHeight).get(row0).op("i32.sub").set(rows);
      setMin(c, rows, rows, () => c.i32(bandRows));
      setInput();
      setShare(c, part, parts, blocks.count, block, blockEnd);
      c.for(block, () => c.get(block), () => c.get(blockEnd), 1, () => {
        blockStart(c, blocks, block).set(channel);
        if (sizes.length === 1) oneBlock(0);
        else c.get(block).i32(blocks.extra).op("i32.lt_s").if(() => oneBlock(0), () => oneBlock(1));
      });
    });
  });
}
