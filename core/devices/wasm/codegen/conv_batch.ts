/**
 * Convolutions of many small images: eight images side by side in the lanes of two vectors.
 *
 * For small images the direct kernel wastes much: rows that are no multiple of four pixels, and, in the gradient with respect to the
 * input, the zeros around g, often more than g itself. With images in the lanes every output pixel stands alone, so that it takes
 * just the window elements that meet the image. Images are packed eight by eight, and outputs taken apart again.
 *
 * @module
 */
import type { ConvKernel } from "../../../ir/kernel.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import { type GeneratorContext, type KernelGenerator, phaseLocals, phaseParams } from "./context.ts";
import { type Convolution, convolutionOf, multiplyAdds } from "./conv_problem.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "./emit/addresses.ts";
import { blockSizes, blockStart, evenBlocks, roundUp } from "./emit/blocks.ts";
import { setShare } from "./emit/shares.ts";
import { floatBytes, vectorLanes } from "./emit/vectors.ts";
import { packPanel, unpackPanel } from "./pack.ts";
import { serialMultiplyAdds } from "./work.ts";

/** Images that are worked on together. */
const IMAGES = 8;
const VECTORS = IMAGES / vectorLanes;
/** Most output channels of a tile. */
const TILE_CHANNELS = 6;
/** Input channels of one turn of the innermost loop. */
const UNROLL = 4;
/** Bytes that eight images, and their outputs for a tile, may take: within the second-level cache. */
const PACKED_BYTES = 512 * 1024;

/** Cycles that a window element and an output pixel of a tile take beside the sums, and that packing or taking apart eight floats takes. */
const CYCLES = { element: 10, pixel: 30, moved: 3 };

/** For each output along an axis, how many window elements meet the image; summed up. */
function meetings({ window }: Convolution, axis: 0 | 1, outputs: number): number {
  const size = axis === 0 ? window.height : window.width;
  const start = axis === 0 ? window.top : window.left;
  let count = 0;
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < window.kernel[axis]; tap++) {
      const at = output * window.step[axis] + tap * window.dilation[axis] - start;
      if (at >= 0 && at < size) count++;
    }
  }
  return count;
}

function packedFloats({ inChannels, outHeight, outWidth, window }: Convolution): { input: number; output: number } {
  return {
    input: inChannels * window.height * window.width * IMAGES,
    output: TILE_CHANNELS * outHeight * outWidth * IMAGES,
  };
}

/** Whether images in lanes are possible and clearly less work than pixels in lanes. */
export function prefersBatch(kernel: ConvKernel): boolean {
  const conv = convolutionOf(kernel);
  const { images, inChannels, outChannels, outHeight, outWidth, window } = conv;
  const packed = packedFloats(conv);
  if (conv.groups > 1 || window.spread.some((s) => s > 1) || inChannels < UNROLL || images < IMAGES) return false;
  if ((packed.input + packed.output) * floatBytes > PACKED_BYTES) return false;
  const blocks = evenBlocks(outChannels, TILE_CHANNELS);
  const overBlocks = (cycles: (channels: number) => number) =>
    blocks.extra * cycles(blocks.size + 1) + (blocks.count - blocks.extra) * cycles(blocks.size);
  // Cycles of a step of all tiles. Tiles of few channels have the latency of a multiply-add to wait for, or, with more pixels, not.
  const step = overBlocks((channels) => Math.max(4, channels));
  const directStep = overBlocks((channels) => Math.max(1.5, channels));
  const direct = images * outHeight * (roundUp(outWidth, vectorLanes) / IMAGES) * window.kernel[0] * window.kernel[1] *
    inChannels *
    directStep;
  const met = meetings(conv, 0, outHeight) * meetings(conv, 1, outWidth);
  const moved = inChannels * window.height * window.width + outChannels * outHeight * outWidth;
  const overhead = (met * CYCLES.element + outHeight * outWidth * CYCLES.pixel) * blocks.count + moved * CYCLES.moved;
  return Math.ceil(images / IMAGES) * (met * inChannels * step + overhead) < direct;
}

/** conv2d and conv2dInputGrad for f32. */
export const convBatch: KernelGenerator<ConvKernel> = (context, kernel) => {
  const conv = convolutionOf(kernel);
  const serial = context.threads === 1 || multiplyAdds(conv) < serialMultiplyAdds;
  return [{ func: convolve(context, kernel, conv, serial ? 1 : context.threads), serial }];
};

/** Sets `from` and `to` to the window elements that meet the image for the output in local `output`. */
function setMeetings(c: FunctionWriter, { window }: Convolution, axis: 0 | 1, output: number, from: number, to: number): void {
  const size = axis === 0 ? window.height : window.width;
  const start = axis === 0 ? window.top : window.left;
  const dilation = window.dilation[axis];
  /** Sets `local` to the first window element at or after image row (or column) `at`, at least 0 and at most the window's size. */
  const firstAt = (local: number, at: number) => {
    c.i32(at + start + dilation - 1).get(output).i32(window.step[axis]).op("i32.mul").op("i32.sub").set(local);
    c.get(local).i32(0).get(local).i32(0).op("i32.gt_s").op("select").i32(dilation).op("i32.div_u").set(local);
    setMin(c, local, local, () => c.i32(window.kernel[axis]));
  };
  firstAt(from, 0);
  firstAt(to, size);
}

/** All output pixels of a block of output channels for eight images: (packed images, filters, packed outputs). */
function channelBlock(context: GeneratorContext, conv: Convolution, channels: number): number {
  const { window, inChannels, outHeight, outWidth } = conv;
  const [kh, kw] = window.kernel;
  const inPlane = window.height * window.width * IMAGES;
  const outPlane = outHeight * outWidth * IMAGES;
  return context.module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [input, filters, output] = [0, 1, 2];
    const [y, x, ky, kyEnd, kx, kxStart, kxEnd, turn, pixels, taps] = c.locals("i32", 10);
    const sums = Array.from({ length: channels }, () => c.locals("v128", VECTORS));
    const held = c.locals("v128", VECTORS);
    const filter = c.local("v128");
    const inputChannel = (channel: number) => {
      held.forEach((to, v) => c.get(pixels).mem("v128.load", (channel * inPlane + v * vectorLanes) * floatBytes).set(to));
      sums.forEach((line, row) => {
        c.get(taps).mem("v128.load32_splat", (row * conv.filterOut + channel * conv.filterIn) * floatBytes).set(filter);
        line.forEach((sum, v) => c.get(filter).get(held[v]).get(sum).op("f32x4.relaxed_madd").set(sum));
      });
    };
    const windowElement = () => {
      // The pixel under the window element, and the element in the filters.
      c.get(input);
      c.get(y).i32(window.step[0]).op("i32.mul");
      plus(plusScaled(c, ky, window.dilation[0]), -window.top).i32(window.width).op("i32.mul");
      plusScaled(c, x, window.step[1]);
      plus(plusScaled(c, kx, window.dilation[1]), -window.left);
      c.i32(IMAGES * floatBytes).op("i32.mul").op("i32.add").set(pixels);
      c.get(ky).i32(kw).op("i32.mul").get(kx).op("i32.add").set(taps);
      if (conv.flipped) c.i32(kh * kw - 1).get(taps).op("i32.sub").set(taps);
      c.get(filters).get(taps).i32(floatBytes).op("i32.mul").op("i32.add").set(taps);
      c.i32(Math.floor(inChannels / UNROLL)).set(turn).loop(() => {
        for (let channel = 0; channel < UNROLL; channel++) inputChannel(channel);
        c.increment(pixels, UNROLL * inPlane * floatBytes).increment(taps, UNROLL * conv.filterIn * floatBytes);
        c.increment(turn, -1).get(turn).brIf(0);
      });
      for (let channel = 0; channel < inChannels % UNROLL; channel++) inputChannel(channel);
    };
    c.for(y, 0, outHeight, 1, () => {
      c.for(x, 0, outWidth, 1, () => {
        for (const line of sums) for (const sum of line) c.f32x4(0).set(sum);
        setMeetings(c, conv, 0, y, ky, kyEnd);
        setMeetings(c, conv, 1, x, kxStart, kxEnd);
        c.for(ky, () => c.get(ky), () => c.get(kyEnd), 1, () => {
          c.for(kx, () => c.get(kxStart), () => c.get(kxEnd), 1, windowElement);
        });
        sums.forEach((line, row) =>
          line.forEach((sum, v) => c.get(output).get(sum).mem("v128.store", (row * outPlane + v * vectorLanes) * floatBytes))
        );
        c.increment(output, IMAGES * floatBytes);
      });
    });
  });
}

function convolve(context: GeneratorContext, kernel: ConvKernel, conv: Convolution, threads: number): number {
  const { images, inChannels, outChannels, outHeight, outWidth, window, domain } = conv;
  const imageSize = inChannels * window.height * window.width;
  const outPlane = outHeight * outWidth;
  const blocks = evenBlocks(outChannels, TILE_CHANNELS);
  const sizes = blockSizes(blocks);
  const packs = Math.ceil(images / IMAGES);
  const parts = packs % threads === 0 || packs >= 4 * threads ? 1 : Math.min(threads, blocks.count);
  const funcs = sizes.map((channels) => channelBlock(context, conv, channels));
  const variants = (images % IMAGES === 0 ? [IMAGES] : [IMAGES, images % IMAGES]).map((lanes) => ({
    lanes,
    pack: packPanel(context.module, { width: IMAGES, lanes, laneStride: imageSize, stepStride: 1 }),
    unpack: unpackPanel(context.module, { width: IMAGES, lanes, laneStride: outChannels * outPlane }),
  }));
  const packed = packedFloats(conv);
  const epilogue = context.epilogue(kernel);
  context.privateScratch((packed.input + packed.output) * floatBytes);

  return context.module.func({ params: phaseParams }, (c) => {
    const { table, thread, scratch } = phaseLocals;
    const [item, end, part, image, block, blockEnd, channel, outputs, row] = c.locals("i32", 9);
    plus(c.get(scratch), packed.input * floatBytes).set(outputs);
    /** Runs the body for eight images, or for the last ones that are fewer. */
    const forLanes = (body: (variant: typeof variants[number]) => void) => {
      if (variants.length === 1) return body(variants[0]);
      c.get(image).i32(images - IMAGES).op("i32.le_s").if(() => body(variants[0]), () => body(variants[1]));
    };
    const oneBlock = (which: number) => {
      c.get(scratch);
      operandAddress(c, conv.filters);
      plusScaled(c, channel, conv.filterOut * floatBytes).get(outputs).call(funcs[which]);
      forLanes(({ lanes, unpack }) => {
        c.get(outputs);
        slotAddress(c, epilogue.slot);
        plusScaled(c, image, outChannels * outPlane * floatBytes);
        plusScaled(c, channel, outPlane * floatBytes).i32(sizes[which] * outPlane).call(unpack);
        if (epilogue.func === undefined) return;
        c.get(image).i32(outChannels).op("i32.mul").get(channel).op("i32.add").i32(outHeight).op("i32.mul").set(row);
        for (let lane = 0; lane < lanes; lane++) {
          slotAddress(c.get(table), epilogue.slot).get(row);
          plus(c.get(row), sizes[which] * domain.height).i32(0).i32(domain.width).call(epilogue.func);
          c.increment(row, outChannels * domain.height);
        }
      });
    };
    setShare(c, thread, threads, packs * parts, item, end);
    c.for(item, () => c.get(item), () => c.get(end), 1, () => {
      c.get(item).i32(parts).op("i32.div_u").i32(IMAGES).op("i32.mul").set(image);
      c.get(item).i32(parts).op("i32.rem_u").set(part);
      forLanes(({ pack }) => {
        operandAddress(c, conv.source);
        plusScaled(c, image, imageSize * floatBytes).get(scratch).i32(imageSize).call(pack);
      });
      setShare(c, part, parts, blocks.count, block, blockEnd);
      c.for(block, () => c.get(block), () => c.get(blockEnd), 1, () => {
        blockStart(c, blocks, block).set(channel);
        if (sizes.length === 1) oneBlock(0);
        else c.get(block).i32(blocks.extra).op("i32.lt_s").if(() => oneBlock(0), () => oneBlock(1));
      });
    });
  });
}
