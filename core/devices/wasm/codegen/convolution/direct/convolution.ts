/**
 * Direct convolution: outputs as sums over input channels and window elements, with nothing unrolled into a matrix.
 *
 * The micro-kernel is that of the matrix product, with up to 6 output channels by 8 (or 16) output pixels in registers. Since
 * every window element (ky, kx) reads pixels at a constant distance, one turn of the loop over input channels is straight code
 * whose addresses are all immediate: no index arithmetic, no packing, not even of the filters, whose strides are immediate as
 * well. So the gradient with respect to the input is the same kernel with other strides: filters transposed and flipped, the
 * gradient padded.
 *
 * Threads share the images, or bands of rows and blocks of output channels where images are few.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plusScaled, setMin, slotAddress, splitOff } from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, zeroBytes } from "../../emit/vectors.ts";
import { piecesFor } from "../../work.ts";
import { type Convolution, multiplyAdds } from "../problem.ts";
import { stageImage } from "../staging.ts";
import { stagedBytes } from "../window.ts";
import { directBlock } from "./channel_block.ts";
import { type DirectPlan, planDirect } from "./plan.ts";

/** conv2d and conv2dInputGrad for f32. */
export function directConvolution(context: GeneratorContext, kernel: ConvKernel, conv: Convolution): readonly Phase[] {
  const madds = multiplyAdds(conv);
  const pieces = piecesFor(context.threads, { multiplyAdds: madds });
  const plan = planDirect(conv, { threads: pieces === 1 ? 1 : context.threads, pieces }, context.tiles(madds, Infinity));
  return [{ func: convolve(context, kernel, plan), pieces }];
}

/** What the phase is made of: a function for each size of the blocks of channels, and one that stages a band if need be. */
interface Parts {
  readonly plan: DirectPlan;
  readonly epilogue: Epilogue;
  readonly sizes: readonly number[];
  readonly blockFuncs: readonly number[];
  readonly stage: number;
}

function convolve(context: GeneratorContext, kernel: ConvKernel, plan: DirectPlan): number {
  const { module } = context;
  const { spec, layout, bands, blocks } = plan;
  const epilogue = context.epilogue(kernel);
  const sizes = blockSizes(blocks);
  const blockFuncs = sizes.map((channels) => directBlock(module, plan, channels));
  const stage = layout.staged ? stageImage(module, spec, layout, bands > 1) : -1;
  if (layout.staged) context.privateScratch(stagedBytes(spec, layout));
  const parts = { plan, epilogue, sizes, blockFuncs, stage };
  return module.func({ params: phaseParams }, (c) => new ConvolutionWriter(c, parts).write());
}

class ConvolutionWriter {
  readonly #c: FunctionWriter;
  readonly #parts: Parts;
  /** Locals: the thread's items, and what the one at hand consists of. */
  readonly #item: number;
  readonly #end: number;
  readonly #part: number;
  readonly #band: number;
  readonly #group: number;
  readonly #image: number;
  /** Locals: the rows of a band, and the address of its input. */
  readonly #row: number;
  readonly #rows: number;
  readonly #input: number;
  /** Locals: the item's blocks of output channels, and the first channel of the one at hand. */
  readonly #block: number;
  readonly #blockEnd: number;
  readonly #channel: number;

  constructor(c: FunctionWriter, parts: Parts) {
    this.#c = c;
    this.#parts = parts;
    [this.#item, this.#end, this.#part, this.#band, this.#group, this.#image] = c.locals("i32", 6);
    [this.#row, this.#rows, this.#input, this.#block, this.#blockEnd, this.#channel] = c.locals("i32", 6);
  }

  write(): void {
    const [c, image] = [this.#c, this.#image];
    const { conv, spec, layout, bandRows, bands, blocks, parts, pieces } = this.#parts.plan;
    const { scratch, piece } = phaseLocals;
    if (layout.staged && bands === 1) zeroBytes(c, scratch, stagedBytes(spec, layout));
    setShare(c, piece, pieces, conv.images * conv.groups * bands * parts, this.#item, this.#end);
    c.forRange(this.#item, this.#item, this.#end, () => {
      c.get(this.#item).set(image);
      splitOff(c, image, parts, this.#part);
      splitOff(c, image, bands, this.#band);
      splitOff(c, image, conv.groups, this.#group);
      c.get(this.#band).i32(bandRows).op("i32.mul").set(this.#row);
      c.i32(conv.outHeight).get(this.#row).op("i32.sub").set(this.#rows);
      setMin(c, this.#rows, this.#rows, () => c.i32(bandRows));
      this.#setInput();
      setShare(c, this.#part, parts, blocks.count, this.#block, this.#blockEnd);
      c.forRange(this.#block, this.#block, this.#blockEnd, () => {
        blockStart(c, blocks, this.#block).set(this.#channel);
        byBlockSize(c, blocks, this.#block, (size) => this.#channelBlock(size));
      });
    });
  }

  /** Sets the address of the band's input, after staging it if need be. */
  #setInput(): void {
    const c = this.#c;
    const { plan: { conv, spec, layout }, stage } = this.#parts;
    const plane = spec.height * spec.width;
    operandAddress(c, conv.source);
    plusScaled(c, this.#image, conv.groups * conv.inChannels * plane * floatBytes);
    plusScaled(c, this.#group, conv.inChannels * plane * floatBytes);
    if (!layout.staged) return void plusScaled(c, this.#row, layout.outRow * floatBytes).set(this.#input);
    c.get(phaseLocals.scratch).get(this.#row).i32(spec.step[0]).op("i32.mul").call(stage);
    c.get(phaseLocals.scratch).set(this.#input);
  }

  /** Pushes the number of the band's first row of the current output channel among all rows, `height` of which make a plane. */
  #pushRow(height: number): void {
    const c = this.#c;
    const { groups, outChannels } = this.#parts.plan.conv;
    c.get(this.#image).i32(groups).op("i32.mul").get(this.#group).op("i32.add");
    c.i32(outChannels).op("i32.mul").get(this.#channel).op("i32.add");
    c.i32(height).op("i32.mul").get(this.#row).op("i32.add");
  }

  #channelBlock(size: 0 | 1): void {
    const c = this.#c;
    const { plan: { conv, spec: { kernel: [kh, kw] } }, epilogue, sizes, blockFuncs } = this.#parts;
    c.get(this.#input);
    operandAddress(c, conv.filters);
    plusScaled(c, this.#group, conv.inChannels * conv.outChannels * kh * kw * floatBytes);
    plusScaled(c, this.#channel, conv.filterOut * floatBytes);
    slotAddress(c, epilogue.slot);
    this.#pushRow(conv.outHeight);
    c.i32(conv.outWidth * floatBytes).op("i32.mul").op("i32.add");
    c.get(this.#rows).call(blockFuncs[size]);
    if (epilogue.func !== undefined) this.#finish(epilogue.func, sizes[size]);
  }

  /** Calls the epilogue for a block of channels: at once if the band is all of the image, else channel by channel. */
  #finish(func: number, channels: number): void {
    const c = this.#c;
    const { plan: { conv: { domain }, bands }, epilogue } = this.#parts;
    const finishRows = (pushRows: () => void) => {
      slotAddress(c.get(phaseLocals.table), epilogue.slot);
      this.#pushRow(domain.height);
      this.#pushRow(domain.height);
      pushRows();
      c.op("i32.add").i32(0).i32(domain.width).call(func);
    };
    if (bands === 1) return finishRows(() => c.i32(channels * domain.height));
    for (let i = 0; i < channels; i++) {
      finishRows(() => c.get(this.#rows));
      c.increment(this.#channel, 1);
    }
  }
}
