/**
 * Convolutions of many small images: eight images side by side in the lanes of two vectors.
 *
 * For small images the direct kernel wastes much: rows that are no multiple of four pixels, and, in the gradient with respect to
 * the input, the zeros around g, often more than g itself. With images in the lanes every output pixel is computed by itself,
 * from just the window elements that are inside the image. Images are packed eight by eight, and outputs unpacked again.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, slotAddress } from "../../emit/addresses.ts";
import { type Blocks, blockSizes, blockStart, byBlockSize, evenBlocks } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { packPanel, unpackPanel } from "../../matmul/packing.ts";
import { piecesFor } from "../../work.ts";
import { type Convolution, multiplyAdds } from "../problem.ts";
import { imageLanesBlock } from "./channel_block.ts";
import { imagesTogether, maxTileChannels, packedFloats } from "./choice.ts";

/** conv2d and conv2dInputGrad for f32. */
export function imageLanesConvolution(context: GeneratorContext, kernel: ConvKernel, conv: Convolution): readonly Phase[] {
  const pieces = piecesFor(context.threads, { multiplyAdds: multiplyAdds(conv) });
  const parts = plan(context, kernel, conv, pieces);
  const func = context.module.func({ params: phaseParams }, (c) => new ConvolutionWriter(c, parts).write());
  return [{ func, pieces }];
}

/** Functions that pack and unpack images of which `lanes` exist. */
interface Packing {
  readonly lanes: number;
  readonly pack: number;
  readonly unpack: number;
}

/** How the work is divided, and the functions it is made of. */
interface ConvolutionPlan {
  readonly conv: Convolution;
  readonly epilogue: Epilogue;
  readonly pieces: number;
  /** Blocks of output channels, and a function for each size of them. */
  readonly blocks: Blocks;
  readonly sizes: readonly number[];
  readonly blockFuncs: readonly number[];
  /** For eight images, and for the last ones if they are fewer. */
  readonly packings: readonly Packing[];
  /** Groups of eight images, and the parts into which their blocks are divided to give every thread something to do. */
  readonly groups: number;
  readonly parts: number;
  /** Bytes of packed images. */
  readonly inputBytes: number;
}

function plan(context: GeneratorContext, kernel: ConvKernel, conv: Convolution, pieces: number): ConvolutionPlan {
  const { module } = context;
  const threads = pieces === 1 ? 1 : context.threads;
  const { images, outChannels } = conv;
  const imageSize = conv.inChannels * conv.window.height * conv.window.width;
  const outSize = outChannels * conv.outHeight * conv.outWidth;
  const blocks = evenBlocks(outChannels, maxTileChannels);
  const sizes = blockSizes(blocks);
  const groups = Math.ceil(images / imagesTogether);
  const balanced = groups % threads === 0 || groups >= 4 * threads;
  const blockFuncs = sizes.map((channels) => imageLanesBlock(module, conv, channels));
  const rest = images % imagesTogether;
  const packings = (rest === 0 ? [imagesTogether] : [imagesTogether, rest]).map((lanes) => ({
    lanes,
    pack: packPanel(module, { width: imagesTogether, lanes, laneStride: imageSize, stepStride: 1 }),
    unpack: unpackPanel(module, { width: imagesTogether, lanes, laneStride: outSize }),
  }));
  const packed = packedFloats(conv);
  const epilogue = context.epilogue(kernel);
  context.privateScratch((packed.input + packed.output) * floatBytes);
  const parts = balanced ? 1 : Math.min(threads, blocks.count);
  const inputBytes = packed.input * floatBytes;
  return { conv, epilogue, pieces, blocks, sizes, blockFuncs, packings, groups, parts, inputBytes };
}

class ConvolutionWriter {
  readonly #c: FunctionWriter;
  readonly #plan: ConvolutionPlan;
  /** Locals: the piece's items, each a part of the blocks of a group of images. */
  readonly #item: number;
  readonly #end: number;
  readonly #part: number;
  readonly #image: number;
  /** Locals: the part's blocks of output channels, and the first channel of the one at hand. */
  readonly #block: number;
  readonly #blockEnd: number;
  readonly #channel: number;
  /** Locals: the address of the packed outputs, and a row of the domain. */
  readonly #outputs: number;
  readonly #row: number;

  constructor(c: FunctionWriter, plan: ConvolutionPlan) {
    this.#c = c;
    this.#plan = plan;
    [this.#item, this.#end, this.#part, this.#image] = c.locals("i32", 4);
    [this.#block, this.#blockEnd, this.#channel, this.#outputs, this.#row] = c.locals("i32", 5);
  }

  write(): void {
    const c = this.#c;
    const { conv, pieces, blocks, groups, parts, inputBytes } = this.#plan;
    const imageSize = conv.inChannels * conv.window.height * conv.window.width;
    plus(c.get(phaseLocals.scratch), inputBytes).set(this.#outputs);
    setShare(c, phaseLocals.piece, pieces, groups * parts, this.#item, this.#end);
    c.forRange(this.#item, this.#item, this.#end, () => {
      c.get(this.#item).i32(parts).op("i32.div_u").i32(imagesTogether).op("i32.mul").set(this.#image);
      c.get(this.#item).i32(parts).op("i32.rem_u").set(this.#part);
      this.#forPacking(({ pack }) => {
        operandAddress(c, conv.source);
        plusScaled(c, this.#image, imageSize * floatBytes).get(phaseLocals.scratch).i32(imageSize).call(pack);
      });
      setShare(c, this.#part, parts, blocks.count, this.#block, this.#blockEnd);
      c.forRange(this.#block, this.#block, this.#blockEnd, () => {
        blockStart(c, blocks, this.#block).set(this.#channel);
        byBlockSize(c, blocks, this.#block, (size) => this.#channelBlock(size));
      });
    });
  }

  /** Writes the body for eight images, and for the last ones if they are fewer. */
  #forPacking(body: (packing: Packing) => void): void {
    const { conv: { images }, packings: [eight, rest] } = this.#plan;
    if (rest === undefined) return body(eight);
    this.#c.get(this.#image).i32(images - imagesTogether).op("i32.le_s").if(() => body(eight), () => body(rest));
  }

  /** Computes and unpacks the outputs of a block of one size. */
  #channelBlock(size: 0 | 1): void {
    const c = this.#c;
    const { conv, sizes, blockFuncs, epilogue } = this.#plan;
    const outPlane = conv.outHeight * conv.outWidth;
    c.get(phaseLocals.scratch);
    operandAddress(c, conv.filters);
    plusScaled(c, this.#channel, conv.filterOut * floatBytes).get(this.#outputs).call(blockFuncs[size]);
    this.#forPacking(({ lanes, unpack }) => {
      c.get(this.#outputs);
      slotAddress(c, epilogue.slot);
      plusScaled(c, this.#image, conv.outChannels * outPlane * floatBytes);
      plusScaled(c, this.#channel, outPlane * floatBytes).i32(sizes[size] * outPlane).call(unpack);
      if (epilogue.func !== undefined) this.#finish(epilogue.func, sizes[size], lanes);
    });
  }

  /** Calls the epilogue for a block of channels of each image. */
  #finish(func: number, channels: number, lanes: number): void {
    const [c, row] = [this.#c, this.#row];
    const { conv: { outChannels, domain }, epilogue } = this.#plan;
    c.get(this.#image).i32(outChannels).op("i32.mul").get(this.#channel).op("i32.add").i32(domain.height).op("i32.mul").set(row);
    for (let lane = 0; lane < lanes; lane++) {
      slotAddress(c.get(phaseLocals.table), epilogue.slot).get(row);
      plus(c.get(row), channels * domain.height).i32(0).i32(domain.width).call(func);
      c.increment(row, outChannels * domain.height);
    }
  }
}
