/**
 * Convolutions of single pixels, and their gradients with respect to the input, as matrix products: filters by the pixels of an image.
 *
 * Filters are packed once for all images, so that tiles find the elements that they need together beside each other, whichever way round the
 * filters are read; of the image some pixels at a time. Threads share the images, or the output channels where images are few.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import { type DerivedScratch, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plusScaled, setMin, slotAddress, splitOff } from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { tileRow } from "../../matmul/micro_kernel.ts";
import { packPanel, packPanelsBeside } from "../../matmul/packing.ts";
import { piecesFor } from "../../work.ts";
import { multiplyAdds } from "../problem.ts";
import type { PixelConvolution } from "./plan.ts";

/** Panels that are packed together: four lines of the cache of each channel are read one after the other. */
const panelsBeside = 8;

/** conv2d and conv2dInputGrad of single pixels. */
export function pixelConvolution(context: GeneratorContext, kernel: ConvKernel, plan: PixelConvolution): readonly Phase[] {
  const pieces = piecesFor(context.threads, { multiplyAdds: multiplyAdds(plan.conv) });
  const { inChannels, outChannels, filters: { buffer } } = plan.conv;
  const filters = context.derivedScratch(inChannels * outChannels * floatBytes, buffer);
  return [
    { func: packFilters(context, plan, filters), pieces: context.threads },
    { func: multiply(context, kernel, plan, filters.slot, pieces), pieces },
  ];
}

/** Writes the phase that packs the filters: [block of output channels][input channel][output channel]. */
function packFilters(
  { module, threads }: GeneratorContext,
  { conv, blocks }: PixelConvolution,
  { slot, stale }: DerivedScratch,
): number {
  const packs = blockSizes(blocks).map((rows) =>
    packPanel(module, { width: rows, lanes: rows, laneStride: conv.filterOut, stepStride: conv.filterIn })
  );
  return module.func({ params: phaseParams }, (c) => {
    const [block, end, channel] = c.locals("i32", 3);
    setShare(c, phaseLocals.piece, threads, blocks.count, block, end);
    c.block(() => {
      if (stale !== undefined) slotAddress(c, stale).op("i32.eqz").brIf(0);
      c.forRange(block, block, end, () => {
        blockStart(c, blocks, block).set(channel);
        byBlockSize(c, blocks, block, (size) => {
          plusScaled(operandAddress(c, conv.filters), channel, conv.filterOut * floatBytes);
          plusScaled(slotAddress(c, slot), channel, conv.inChannels * floatBytes);
          c.i32(conv.inChannels).call(packs[size]);
        });
      });
    });
  });
}

/** What a panel of pixels takes: a function that packs it, and one for each size of the blocks of output channels that multiplies some. */
interface Panel {
  readonly pack: number;
  readonly products: readonly number[];
}

/** Writes the phase that multiplies; the packed filters are at the address in a slot. */
function multiply(
  context: GeneratorContext,
  kernel: ConvKernel,
  plan: PixelConvolution,
  filters: number,
  pieces: number,
): number {
  const { module } = context;
  const { conv, tiles, blocks, panels, together, parts } = plan;
  const { images, inChannels, outChannels, outWidth: pixels, domain } = conv;
  const width = tiles.columns;
  const panelFloats = inChannels * width;
  const epilogue = context.epilogue(kernel);
  context.privateScratch(together * panelFloats * floatBytes);
  const panelOf = (lanes: number): Panel => ({
    pack: packPanel(module, { width, lanes, laneStride: 1, stepStride: pixels }),
    products: blockSizes(blocks).map((rows) =>
      tileRow(tiles.writer, {
        ...{ rows, columns: lanes, lhsRow: 1, lhsStep: rows, rhsStep: width, resultRow: pixels },
        ...{ wholeSteps: inChannels % 4 === 0, accumulates: false },
      }, { rhs: panelFloats, result: width })
    ),
  });
  const wholes = Math.floor(pixels / width);
  const rest = pixels % width;
  const kinds = { whole: wholes > 0 ? panelOf(width) : undefined, last: rest > 0 ? panelOf(rest) : undefined };
  const beside = Math.min(panelsBeside, wholes, together);
  const packBeside = beside > 1 ? packPanelsBeside(module, { width, stepStride: pixels }, beside, panelFloats) : undefined;
  return module.func({ params: phaseParams }, (c) => {
    const { table, piece, scratch } = phaseLocals;
    const [item, end, part, image, firstBlock, endBlock, block, channel] = c.locals("i32", 8);
    const [first, whole, ends, panel, from, to, result, input, limit] = c.locals("i32", 9);
    /** Packs the panels from `first` on: `whole` of them, and the last if it `ends` with them. */
    const pack = () => {
      plusScaled(c.get(input), first, width * floatBytes).set(from);
      c.get(scratch).set(to);
      const some = (func: number, count: number) => {
        c.get(from).get(to).i32(inChannels).call(func);
        c.increment(from, count * width * floatBytes).increment(to, count * panelFloats * floatBytes);
      };
      const { whole: full, last } = kinds;
      c.i32(0).set(panel);
      if (packBeside !== undefined) {
        c.get(whole).i32(beside - 1).op("i32.sub").set(limit);
        c.for(panel, 0, () => c.get(limit), beside, () => some(packBeside, beside));
      }
      if (full) c.for(panel, () => c.get(panel), () => c.get(whole), 1, () => some(full.pack, 1));
      if (last) c.get(ends).if(() => some(last.pack, 1));
    };
    const multiplyBlock = (size: 0 | 1) => {
      const call = (func: number, count: () => void) => {
        plusScaled(slotAddress(c, filters), channel, inChannels * floatBytes).get(scratch);
        plusScaled(c, panel, panelFloats * floatBytes).get(result);
        plusScaled(c, channel, pixels * floatBytes);
        plusScaled(c, first, width * floatBytes);
        plusScaled(c, panel, width * floatBytes).i32(inChannels).i32(0);
        count();
        c.call(func);
      };
      const { whole: full, last } = kinds;
      c.i32(0).set(panel);
      if (full) call(full.products[size], () => c.get(whole));
      c.get(whole).set(panel);
      if (last) c.get(ends).if(() => call(last.products[size], () => c.i32(1)));
    };
    /** Calls the epilogue for output channels of the image. */
    const finish = (...range: readonly [from: () => void, to: () => void]) => {
      if (epilogue.func === undefined) return;
      slotAddress(c.get(table), epilogue.slot);
      for (const pushChannel of range) {
        pushChannel();
        plusScaled(c, image, outChannels).i32(domain.height).op("i32.mul");
      }
      c.i32(0).i32(domain.width).call(epilogue.func);
    };
    setShare(c, piece, pieces, images * parts, item, end);
    c.forRange(item, item, end, () => {
      c.get(item).set(image);
      splitOff(c, image, parts, part);
      setShare(c, part, parts, blocks.count, firstBlock, endBlock);
      plusScaled(operandAddress(c, conv.source), image, inChannels * pixels * floatBytes).set(input);
      plusScaled(slotAddress(c, epilogue.slot), image, outChannels * pixels * floatBytes).set(result);
      c.for(first, 0, panels, together, () => {
        c.i32(wholes).get(first).op("i32.sub").set(whole);
        setMin(c, whole, whole, () => c.i32(together));
        c.get(first).i32(panels - together).op("i32.ge_s").set(ends);
        pack();
        c.for(block, () => c.get(firstBlock), () => c.get(endBlock), 1, () => {
          blockStart(c, blocks, block).set(channel);
          byBlockSize(c, blocks, block, (size) => {
            multiplyBlock(size);
            const channels = blockSizes(blocks)[size];
            // What is complete is still in the first-level cache.
            if (together >= panels) finish(() => c.get(channel), () => c.get(channel).i32(channels).op("i32.add"));
          });
        });
      });
      if (together < panels) finish(() => blockStart(c, blocks, firstBlock), () => blockStart(c, blocks, endBlock));
    });
  });
}
