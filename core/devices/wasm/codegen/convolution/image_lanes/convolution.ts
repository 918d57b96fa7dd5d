/**
 * Convolutions of many small images: several images side by side in the lanes of some vectors.
 *
 * For small images the direct kernel wastes much: rows that are no multiple of a vector, and, in the gradient with respect to
 * the input, the zeros around g, often more than g itself. With images in the lanes every output pixel is computed by itself, from just
 * the window elements that are inside the image: as a matrix product of filters by images, whose steps are window elements and input
 * channels. Images are packed, and outputs unpacked again.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { tileRow } from "../../matmul/micro_kernel.ts";
import { unpackPanel } from "../../matmul/packing.ts";
import { piecesFor } from "../../work.ts";
import { multiplyAdds } from "../problem.ts";
import { packFilters, packImages } from "./packing.ts";
import { type ImageLanesPlan, type LaneAxis, packedFloats } from "./plan.ts";

/** conv2d and conv2dInputGrad for f32. */
export function imageLanesConvolution(context: GeneratorContext, kernel: ConvKernel, plan: ImageLanesPlan): readonly Phase[] {
  const pieces = piecesFor(context.threads, { multiplyAdds: multiplyAdds(plan.conv) });
  const filters = packFilters(context, plan);
  const parts = partsOf(context, kernel, plan, pieces, filters.to.slot);
  const func = context.module.func({ params: phaseParams }, (c) => new ConvolutionWriter(c, parts).write());
  return [{ func: filters.func, pieces: context.threads }, { func, pieces }];
}

/** Functions that pack and unpack images of which `lanes` exist. */
interface Packing {
  readonly lanes: number;
  readonly pack: number;
  readonly unpack: number;
}

/** How the work is divided, and the functions it is made of. */
interface Parts {
  readonly plan: ImageLanesPlan;
  readonly epilogue: Epilogue;
  readonly pieces: number;
  /** The slot of the packed filters. */
  readonly filters: number;
  /** By size of the blocks of output channels, a function for neighbouring outputs of a row. */
  readonly tiles: readonly number[];
  /** For all lanes, and for the last images if they are fewer. */
  readonly packings: readonly Packing[];
  /** Groups of images, and the parts into which their blocks are divided to give every thread something to do. */
  readonly groups: number;
  readonly parts: number;
  /** Bytes of packed images. */
  readonly inputBytes: number;
}

function partsOf(
  context: GeneratorContext,
  kernel: ConvKernel,
  plan: ImageLanesPlan,
  pieces: number,
  filters: number,
): Parts {
  const { module } = context;
  const threads = pieces === 1 ? 1 : context.threads;
  const { conv, tiles: { writer }, together, columns, blocks, bandRows } = plan;
  const { images, inChannels, outChannels, outHeight, outWidth } = conv;
  const outSize = outChannels * outHeight * outWidth;
  const pixel = inChannels * together;
  const tiles = blockSizes(blocks).map((channels) =>
    tileRow(writer, {
      rows: channels,
      columns: together,
      lhsRow: 1,
      lhsStep: channels,
      rhsStep: together,
      resultRow: bandRows * outWidth * together,
      wholeSteps: false,
      accumulates: false,
      runs: {
        lhs: columns.spread * columns.tapPhase * inChannels * channels,
        rhs: columns.dilation * columns.pixelPhase * pixel,
      },
    }, { rhs: columns.step * pixel, result: together })
  );
  const groups = Math.ceil(images / together);
  const balanced = groups % threads === 0 || groups >= 4 * threads;
  const rest = images % together;
  const lanesOf = rest === 0 ? [together] : groups === 1 ? [rest] : [together, rest];
  const packings = lanesOf.map((lanes) => ({
    lanes,
    pack: packImages(module, plan, lanes),
    unpack: unpackPanel(module, { width: together, lanes, laneStride: outSize }),
  }));
  const packed = packedFloats(plan);
  context.privateScratch((packed.input + packed.output) * floatBytes);
  return {
    ...{ plan, pieces, filters, tiles, packings, groups },
    epilogue: context.epilogue(kernel),
    parts: balanced ? 1 : Math.min(threads, blocks.count),
    inputBytes: packed.input * floatBytes,
  };
}

/** Locals of an output along an axis: the elements of its window that are inside the image, from the first on, and the pixel under that. */
interface Inside {
  readonly tap: number;
  readonly count: number;
  readonly pixel: number;
}

class ConvolutionWriter {
  readonly #c: FunctionWriter;
  readonly #parts: Parts;
  /** Locals: the piece's items, each a part of the blocks of a group of images. */
  readonly #item: number;
  readonly #end: number;
  readonly #part: number;
  readonly #image: number;
  /** Locals: the part's blocks of output channels, and the first channel of the one at hand. */
  readonly #block: number;
  readonly #blockEnd: number;
  readonly #channel: number;
  /** Locals: the output at hand, the band's first row and the one behind it, and what of the windows is inside. */
  readonly #y: number;
  readonly #x: number;
  readonly #band: number;
  readonly #bandEnd: number;
  readonly #rows: Inside;
  readonly #columns: Inside;
  /** Locals: addresses of the block's filters, of the packed outputs, and of the one at hand. */
  readonly #filters: number;
  readonly #outputs: number;
  readonly #output: number;
  readonly #row: number;

  constructor(c: FunctionWriter, parts: Parts) {
    this.#c = c;
    this.#parts = parts;
    [this.#item, this.#end, this.#part, this.#image] = c.locals("i32", 4);
    [this.#block, this.#blockEnd, this.#channel, this.#filters] = c.locals("i32", 4);
    [this.#y, this.#x, this.#band, this.#bandEnd] = c.locals("i32", 4);
    [this.#outputs, this.#output, this.#row] = c.locals("i32", 3);
    const inside = () => {
      const [tap, count, pixel] = c.locals("i32", 3);
      return { tap, count, pixel };
    };
    [this.#rows, this.#columns] = [inside(), inside()];
  }

  write(): void {
    const c = this.#c;
    const { plan: { conv, together, blocks }, pieces, groups, parts, inputBytes } = this.#parts;
    const imageSize = conv.inChannels * conv.window.height * conv.window.width;
    plus(c.get(phaseLocals.scratch), inputBytes).set(this.#outputs);
    setShare(c, phaseLocals.piece, pieces, groups * parts, this.#item, this.#end);
    c.forRange(this.#item, this.#item, this.#end, () => {
      c.get(this.#item).i32(parts).op("i32.div_u").i32(together).op("i32.mul").set(this.#image);
      c.get(this.#item).i32(parts).op("i32.rem_u").set(this.#part);
      this.#forPacking(({ pack }) => {
        operandAddress(c, conv.source);
        plusScaled(c, this.#image, imageSize * floatBytes).get(phaseLocals.scratch).call(pack);
      });
      setShare(c, this.#part, parts, blocks.count, this.#block, this.#blockEnd);
      c.forRange(this.#block, this.#block, this.#blockEnd, () => {
        blockStart(c, blocks, this.#block).set(this.#channel);
        byBlockSize(c, blocks, this.#block, (size) => this.#channelBlock(size));
      });
    });
  }

  /** Writes the body for images in all lanes, and for the last ones if they are fewer. */
  #forPacking(body: (packing: Packing) => void): void {
    const { plan: { conv: { images }, together }, packings: [all, rest] } = this.#parts;
    if (rest === undefined) return body(all);
    this.#c.get(this.#image).i32(images - together).op("i32.le_s").if(() => body(all), () => body(rest));
  }

  /** Computes and unpacks the outputs of a block of one size, band by band. */
  #channelBlock(size: 0 | 1): void {
    const c = this.#c;
    const { plan, filters, tiles, epilogue } = this.#parts;
    const { conv: { outHeight, outWidth }, together, bandRows } = plan;
    const channels = blockSizes(plan.blocks)[size];
    plusScaled(slotAddress(c, filters), this.#channel, packedFloats(plan).filters * floatBytes).set(this.#filters);
    c.for(this.#band, 0, outHeight, bandRows, () => {
      plus(c.get(this.#band), bandRows).set(this.#bandEnd);
      setMin(c, this.#bandEnd, this.#bandEnd, () => c.i32(outHeight));
      c.get(this.#outputs).set(this.#output);
      c.forRange(this.#y, this.#band, this.#bandEnd, () => {
        this.#setInside(plan.rows, this.#y, this.#rows);
        this.#outputRow(tiles[size], channels);
      });
      this.#forPacking(({ unpack }) => this.#unpack(unpack, channels, bandRows * outWidth * together));
    });
    if (epilogue.func === undefined) return;
    const { func } = epilogue;
    this.#forPacking(({ lanes }) => this.#finish(func, channels, lanes));
  }

  /** Computes a row of outputs: those whose windows are inside the image at once. */
  #outputRow(tile: number, channels: number): void {
    const [c, x] = [this.#c, this.#x];
    const { plan: { columns, together } } = this.#parts;
    const { whole: { from, to }, outputs } = columns;
    const one = () => {
      this.#setInside(columns, x, this.#columns);
      this.#outputsBeside(tile, channels, 1);
      c.increment(this.#output, together * floatBytes);
    };
    if (from > 0) c.for(x, 0, from, 1, one);
    if (to > from) {
      const { tap, count, pixel } = this.#columns;
      c.i32(0).set(tap).i32(columns.taps).set(count).i32(from * columns.step - columns.start).set(pixel);
      this.#outputsBeside(tile, channels, to - from);
      c.increment(this.#output, (to - from) * together * floatBytes);
    }
    if (outputs > to) c.for(x, to, outputs, 1, one);
  }

  /** Computes neighbouring outputs, given what is inside of the first one's window. */
  #outputsBeside(tile: number, channels: number, count: number): void {
    const c = this.#c;
    const { plan: { conv: { inChannels }, together, rows, columns } } = this.#parts;
    const place = (inside: number, phases: number, size: number) => {
      if (phases === 1) return c.get(inside);
      c.get(inside).i32(phases).op("i32.rem_u").i32(size).op("i32.mul");
      return c.get(inside).i32(phases).op("i32.div_u").op("i32.add");
    };
    const address = (
      base: number,
      of: "tap" | "pixel",
      phases: "spread" | "dilation",
      size: "tapPhase" | "pixelPhase",
      unit: number,
    ) => {
      c.get(base);
      place(this.#rows[of], rows[phases], rows[size]).i32(columns[phases] * columns[size]).op("i32.mul");
      place(this.#columns[of], columns[phases], columns[size]).op("i32.add");
      c.i32(unit * inChannels * floatBytes).op("i32.mul").op("i32.add");
    };
    address(this.#filters, "tap", "spread", "tapPhase", channels);
    address(phaseLocals.scratch, "pixel", "dilation", "pixelPhase", together);
    c.get(this.#output).get(this.#columns.count).i32(inChannels).op("i32.mul").get(this.#rows.count).i32(count).call(tile);
  }

  /** Sets which elements of the window of the output in a local are inside the image, and the pixel under the first one. */
  #setInside({ size, taps, start, step, spread, dilation }: LaneAxis, output: number, { tap, count, pixel }: Inside): void {
    const c = this.#c;
    const positive = (local: number) => c.get(local).i32(0).get(local).i32(0).op("i32.gt_s").op("select").set(local);
    // The first pixel of the window is this one of the padded image, and maybe one of the zeros before.
    const pushFirst = () => plus(c.get(output).i32(step).op("i32.mul"), -start);
    if (dilation === 1) {
      pushFirst().set(pixel);
      positive(pixel);
      plus(c.get(pixel), spread - 1).i32(spread).op("i32.div_u").set(pixel);
      c.get(pixel).i32(spread).op("i32.mul");
      pushFirst().op("i32.sub").set(tap);
      c.i32(taps + spread - 1).get(tap).op("i32.sub").set(count);
      positive(count);
      c.get(count).i32(spread).op("i32.div_u").set(count);
      setMin(c, count, count, () => c.i32(size).get(pixel).op("i32.sub"));
      return void positive(count);
    }
    /** Sets a local to the first element at or after a pixel, from 0 to the window's size. */
    const setFirst = (local: number, at: number) => {
      c.i32(at + dilation - 1);
      pushFirst().op("i32.sub").set(local);
      positive(local);
      c.get(local).i32(dilation).op("i32.div_u").set(local);
      setMin(c, local, local, () => c.i32(taps));
    };
    setFirst(tap, 0);
    setFirst(count, size);
    c.get(count).get(tap).op("i32.sub").set(count);
    pushFirst();
    plusScaled(c, tap, dilation).set(pixel);
  }

  /** Unpacks the outputs of a band, whose channels are `distance` floats apart. */
  #unpack(unpack: number, channels: number, distance: number): void {
    const c = this.#c;
    const { plan: { conv: { outChannels, outHeight, outWidth }, bandRows }, epilogue } = this.#parts;
    const plane = outHeight * outWidth;
    const pushTarget = () => {
      slotAddress(c, epilogue.slot);
      plusScaled(c, this.#image, outChannels * plane * floatBytes);
      plusScaled(c, this.#channel, plane * floatBytes);
      return plusScaled(c, this.#band, outWidth * floatBytes);
    };
    if (bandRows === outHeight) {
      c.get(this.#outputs);
      return void pushTarget().i32(channels * plane).call(unpack);
    }
    for (let channel = 0; channel < channels; channel++) {
      plus(c.get(this.#outputs), channel * distance * floatBytes);
      plus(pushTarget(), channel * plane * floatBytes);
      c.get(this.#bandEnd).get(this.#band).op("i32.sub").i32(outWidth).op("i32.mul").call(unpack);
    }
  }

  /** Calls the epilogue for a block of channels of each image. */
  #finish(func: number, channels: number, lanes: number): void {
    const [c, row] = [this.#c, this.#row];
    const { plan: { conv: { outChannels, domain } }, epilogue } = this.#parts;
    c.get(this.#image).i32(outChannels).op("i32.mul").get(this.#channel).op("i32.add").i32(domain.height).op("i32.mul").set(row);
    for (let lane = 0; lane < lanes; lane++) {
      slotAddress(c.get(phaseLocals.table), epilogue.slot).get(row);
      plus(c.get(row), channels * domain.height).i32(0).i32(domain.width).call(func);
      c.increment(row, outChannels * domain.height);
    }
  }
}
