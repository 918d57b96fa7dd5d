/**
 * Convolutions with an output channel in each lane: a matrix product of the pixels under the windows by the filters, whose left side is
 * never written out.
 *
 * With the channels of an image innermost, what is under a row of a window is one after the other, and so is what is under that of the next
 * output, `step` pixels further on. Rows of any length and step fill tiles alike, where pixels in lanes leave lanes empty. All outputs of a
 * panel of channels are multiplied by a chunk of its filters that stays in the cache, and then by the next: filters, which are the larger
 * part where images are small, are read once. Outputs are [pixel][channel] until all are added, and then transposed.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress, splitOff } from "../../emit/addresses.ts";
import { blockSizes } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, zeroBytes } from "../../emit/vectors.ts";
import { bytesAhead, linesAheadOf, tileLines } from "../../matmul/micro_kernel.ts";
import { unpackPanel } from "../../matmul/packing.ts";
import { piecesFor } from "../../work.ts";
import { multiplyAdds } from "../problem.ts";
import { packFilterPanels, stageChannels } from "./packing.ts";
import { type ChannelLanesPlan, panelFloats, unitFloats } from "./plan.ts";

/** conv2d and conv2dInputGrad for f32. */
export function channelLanesConvolution(context: GeneratorContext, kernel: ConvKernel, plan: ChannelLanesPlan): readonly Phase[] {
  const most = plan.units * plan.parts;
  const pieces = Math.min(most, piecesFor(context.threads, { multiplyAdds: multiplyAdds(plan.conv) }));
  const filters = packFilterPanels(context, plan);
  const parts = partsOf(context, kernel, plan, pieces, filters.to.slot);
  const func = context.module.func({ params: phaseParams }, (c) => new ConvolutionWriter(c, parts).write());
  return [{ func: filters.func, pieces: context.threads }, { func, pieces }];
}

/** The functions that the phase is made of. */
interface Parts {
  readonly plan: ChannelLanesPlan;
  readonly epilogue: Epilogue;
  readonly pieces: number;
  /** The slot of the packed filters. */
  readonly filters: number;
  readonly stage: number;
  /** The function that multiplies rows of pixels. */
  readonly multiply: number;
  /** Lines that each asks for: see `TileSpec`. */
  readonly linesAhead: number;
  /** Of a whole panel, and of the last. */
  readonly unpack: readonly [whole: number, last: number];
}

function partsOf(
  context: GeneratorContext,
  kernel: ConvKernel,
  plan: ChannelLanesPlan,
  pieces: number,
  filters: number,
): Parts {
  const { module } = context;
  const { conv, tiles: { writer }, width, panels, pixels, chunks, together } = plan;
  const { outChannels, outHeight, outWidth, window } = conv;
  const linesAhead = linesAheadOf(plan.tiles, width, together * plan.bandRows * pixels.count);
  const counts = pixels.extra === 0
    ? [pixels.count]
    : [pixels.extra, ...(pixels.extra < pixels.count ? [pixels.count - pixels.extra] : [])];
  const tiles = blockSizes(pixels).map((rows, i) => ({
    count: counts[i],
    spec: {
      rows,
      columns: width,
      lhsRow: window.step[1] * plan.pixelFloats,
      lhsStep: 1,
      rhsStep: width,
      resultRow: width,
      wholeSteps: chunks.every(({ steps }) => steps % 4 === 0),
      accumulates: true,
      linesAhead,
    },
  }));
  const multiply = tileLines(writer, tiles, {
    lhs: window.step[0] * plan.layout.pitch * plan.pixelFloats,
    result: outWidth * width,
  });
  const unpackOf = (lanes: number) => unpackPanel(module, { width, lanes, laneStride: outHeight * outWidth });
  const whole = unpackOf(Math.min(width, outChannels));
  const rest = outChannels % width;
  const { image, outputs } = unitFloats(plan);
  context.privateScratch((together * image + outputs) * floatBytes);
  return {
    ...{ plan, pieces, filters, multiply, linesAhead },
    epilogue: context.epilogue(kernel),
    stage: stageChannels(module, plan),
    unpack: [whole, rest === 0 || panels === 1 ? whole : unpackOf(rest)],
  };
}

class ConvolutionWriter {
  readonly #c: FunctionWriter;
  readonly #parts: Parts;
  /** Locals: the piece's items, and the part of the panels, the band and the first image of the one at hand. */
  readonly #item: number;
  readonly #end: number;
  readonly #part: number;
  readonly #band: number;
  readonly #image: number;
  /** Locals: the first row of outputs of the band, how many there are, and how many images. */
  readonly #row: number;
  readonly #rows: number;
  readonly #images: number;
  /** Locals: the part's panels. */
  readonly #panel: number;
  readonly #panelEnd: number;
  /** Locals: addresses of filters, of pixels and of outputs, and counters. */
  readonly #filters: number;
  readonly #pixels: number;
  readonly #outputs: number;
  readonly #counter: number;
  readonly #line: number;
  readonly #address: number;
  /** Local: the address of the lines that the next tiles ask for. */
  readonly #ahead: number;

  constructor(c: FunctionWriter, parts: Parts) {
    this.#c = c;
    this.#parts = parts;
    [this.#item, this.#end, this.#part, this.#band, this.#image] = c.locals("i32", 5);
    [this.#row, this.#rows, this.#images, this.#panel, this.#panelEnd] = c.locals("i32", 5);
    [this.#filters, this.#pixels, this.#outputs, this.#counter, this.#line, this.#address] = c.locals("i32", 6);
    this.#ahead = c.local("i32");
  }

  write(): void {
    const c = this.#c;
    const { plan, pieces } = this.#parts;
    const { conv, bands, bandRows, together, units, parts, panels } = plan;
    const stagedBytes = together * unitFloats(plan).image * floatBytes;
    if (bands === 1) zeroBytes(c, phaseLocals.scratch, stagedBytes);
    setShare(c, phaseLocals.piece, pieces, units * parts, this.#item, this.#end);
    c.forRange(this.#item, this.#item, this.#end, () => {
      c.get(this.#item).set(this.#image);
      splitOff(c, this.#image, parts, this.#part);
      splitOff(c, this.#image, bands, this.#band);
      c.get(this.#image).i32(together).op("i32.mul").set(this.#image);
      c.i32(conv.images).get(this.#image).op("i32.sub").set(this.#images);
      setMin(c, this.#images, this.#images, () => c.i32(together));
      c.get(this.#band).i32(bandRows).op("i32.mul").set(this.#row);
      c.i32(conv.outHeight).get(this.#row).op("i32.sub").set(this.#rows);
      setMin(c, this.#rows, this.#rows, () => c.i32(bandRows));
      if (bands > 1) zeroBytes(c, phaseLocals.scratch, stagedBytes);
      this.#stage();
      setShare(c, this.#part, parts, panels, this.#panel, this.#panelEnd);
      c.forRange(this.#panel, this.#panel, this.#panelEnd, () => this.#onePanel());
    });
  }

  /** Stages the images of the unit. */
  #stage(): void {
    const c = this.#c;
    const { plan, stage } = this.#parts;
    const { conv: { source, inChannels }, spec } = plan;
    const imageBytes = inChannels * spec.height * spec.width * floatBytes;
    plusScaled(operandAddress(c, source), this.#image, imageBytes).set(this.#address);
    c.get(phaseLocals.scratch).set(this.#pixels);
    c.for(this.#counter, 0, () => c.get(this.#images), 1, () => {
      c.get(this.#address).get(this.#pixels).get(this.#row).i32(spec.step[0]).op("i32.mul").call(stage);
      c.increment(this.#address, imageBytes).increment(this.#pixels, unitFloats(plan).image * floatBytes);
    });
  }

  /** Computes the outputs of a panel of channels. */
  #onePanel(): void {
    const c = this.#c;
    const { plan, filters } = this.#parts;
    const { width, chunks } = plan;
    plusScaled(slotAddress(c, filters), this.#panel, panelFloats(plan) * floatBytes).set(this.#filters);
    chunks.forEach(({ pixel, steps }, i) => {
      this.#multiply(pixel, steps, i > 0);
      c.increment(this.#filters, steps * width * floatBytes);
    });
    this.#unpack();
  }

  #pushOutputs(): FunctionWriter {
    const { plan } = this.#parts;
    return plus(this.#c.get(phaseLocals.scratch), plan.together * unitFloats(plan).image * floatBytes);
  }

  /** Multiplies all pixels of the unit by a chunk of filters. */
  #multiply(pixel: number, steps: number, accumulate: boolean): void {
    const c = this.#c;
    const { plan, multiply, linesAhead } = this.#parts;
    const { conv: { outWidth }, pixels, width, bandRows } = plan;
    plus(c.get(phaseLocals.scratch), pixel * floatBytes).set(this.#pixels);
    this.#pushOutputs().set(this.#outputs);
    plus(c.get(this.#filters), steps * width * floatBytes).set(this.#ahead);
    c.for(this.#counter, 0, () => c.get(this.#images), 1, () => {
      c.get(this.#pixels).get(this.#filters).get(this.#outputs).i32(steps).i32(accumulate ? 1 : 0).get(this.#rows);
      if (linesAhead > 0) c.get(this.#ahead);
      c.call(multiply);
      c.increment(this.#ahead, bytesAhead(linesAhead, steps, bandRows * pixels.count));
      c.increment(this.#pixels, unitFloats(plan).image * floatBytes);
      c.increment(this.#outputs, bandRows * outWidth * width * floatBytes);
    });
  }

  /** Transposes the outputs of a panel, and calls the epilogue. */
  #unpack(): void {
    const c = this.#c;
    const { plan: { conv, width, panels, bandRows }, unpack: [whole, last], epilogue } = this.#parts;
    const { outChannels, outHeight, outWidth } = conv;
    const plane = outHeight * outWidth;
    this.#pushOutputs().set(this.#outputs);
    plusScaled(slotAddress(c, epilogue.slot), this.#image, outChannels * plane * floatBytes);
    plusScaled(c, this.#panel, width * plane * floatBytes);
    plusScaled(c, this.#row, outWidth * floatBytes).set(this.#address);
    const byPanel = (body: (channels: number, unpack: number) => void) => {
      const rest = outChannels - (panels - 1) * width;
      const whole0 = () => body(Math.min(width, outChannels), whole);
      if (whole === last) return whole0();
      c.get(this.#panel).i32(panels - 1).op("i32.lt_u").if(whole0, () => body(rest, last));
    };
    c.for(this.#counter, 0, () => c.get(this.#images), 1, () => {
      byPanel((_, unpack) => {
        c.get(this.#outputs).get(this.#address).get(this.#rows).i32(outWidth).op("i32.mul").call(unpack);
      });
      c.increment(this.#outputs, bandRows * outWidth * width * floatBytes).increment(
        this.#address,
        outChannels * plane * floatBytes,
      );
    });
    const { func } = epilogue;
    if (func !== undefined) byPanel((channels) => this.#finish(func, channels));
  }

  /** Calls the epilogue for the channels of a panel: at once if a unit is whole images, else channel by channel. */
  #finish(func: number, channels: number): void {
    const c = this.#c;
    const { plan: { conv: { outChannels, domain }, width, bands }, epilogue } = this.#parts;
    const line = this.#line;
    c.for(this.#counter, 0, () => c.get(this.#images), 1, () => {
      c.get(this.#image).get(this.#counter).op("i32.add").i32(outChannels).op("i32.mul");
      plusScaled(c, this.#panel, width).i32(domain.height).op("i32.mul").get(this.#row).op("i32.add").set(line);
      const finish = (pushRows: () => void) => {
        slotAddress(c.get(phaseLocals.table), epilogue.slot).get(line).get(line);
        pushRows();
        c.op("i32.add").i32(0).i32(domain.width).call(func);
      };
      if (bands === 1) return finish(() => c.i32(channels * domain.height));
      c.withLocals("i32", 1, (channel) =>
        c.for(channel, 0, channels, 1, () => {
          finish(() => c.get(this.#rows));
          c.increment(line, domain.height);
        }));
    });
  }
}
