/**
 * The images of a convolution with the channels innermost, in panels and blocks of some channels, and the images next: what a tap multiplies
 * is then one after the other.
 *
 * @module
 */
import type { Access } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { type GeneratorContext, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, setQuotientAndRemainder, slotAddress } from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { packPanel } from "../../matmul/packing.ts";
import { packedSizes, type TapPlan } from "./plan.ts";

/** The slots of the packed images. */
export interface PackedSlots {
  readonly input: number;
  readonly gradient: number;
}

/** An image of which some channels are packed. */
interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly phases: TapPlan["phases"];
}

/** Writes the phase that packs both images; threads share the panels and the blocks. */
export function packImages(
  context: GeneratorContext,
  plan: TapPlan,
  operands: readonly [Access, Access],
  slots: PackedSlots,
): number {
  const { module, threads } = context;
  const { geometry: g, panels, width, rowBlocks } = plan;
  const { panel: panelSize, channel: channelSize } = packedSizes(plan);
  const [inChannels, outChannels] = [g.c / g.groups, g.o / g.groups];
  const input: Planes = { channels: g.c, height: g.h, width: g.w, phases: plan.phases };
  const gradient: Planes = { channels: g.o, height: g.oh, width: g.ow, phases: [{ begin: 0, count: g.ow }] };
  const rest = inChannels % width;
  const full = packChannels(module, g.n, input, width, Math.min(width, inChannels));
  const last = rest === 0 || panels === 1 ? full : packChannels(module, g.n, input, width, rest);
  const blocks = blockSizes(rowBlocks).map((rows) => packChannels(module, g.n, gradient, rows, rows));
  return module.func({ params: phaseParams }, (c) => {
    const [unit, from, to, group, part, source, target] = c.locals("i32", 7);
    setShare(c, phaseLocals.piece, threads, g.groups * panels, from, to);
    c.forRange(unit, from, to, () => {
      setQuotientAndRemainder(c, unit, panels, group, part);
      operandAddress(c, operands[0]);
      plusScaled(c, group, inChannels * g.h * g.w * floatBytes);
      plusScaled(c, part, width * g.h * g.w * floatBytes).set(source);
      slotAddress(c, slots.input);
      plusScaled(c, unit, panelSize * floatBytes).set(target);
      const call = (func: number) => c.get(source).get(target).call(func);
      if (last === full) call(full);
      else c.get(part).i32(panels - 1).op("i32.lt_u").if(() => call(full), () => call(last));
    });
    setShare(c, phaseLocals.piece, threads, g.groups * rowBlocks.count, from, to);
    c.forRange(unit, from, to, () => {
      setQuotientAndRemainder(c, unit, rowBlocks.count, group, part);
      operandAddress(c, operands[1]);
      plusScaled(c, group, outChannels * g.oh * g.ow * floatBytes);
      blockStart(c, rowBlocks, part).i32(g.oh * g.ow * floatBytes).op("i32.mul").op("i32.add").set(source);
      slotAddress(c, slots.gradient);
      plusScaled(c, group, outChannels * channelSize * floatBytes);
      blockStart(c, rowBlocks, part).i32(channelSize * floatBytes).op("i32.mul").op("i32.add").set(target);
      byBlockSize(c, rowBlocks, part, (size) => c.get(source).get(target).call(blocks[size]));
    });
  });
}

/**
 * Writes a function (source, target) that packs `lanes` channels of all images, `width` apart: [pixel][image][channel], and the pixels of a
 * row dealt into phases.
 */
function packChannels(
  module: WasmModule,
  images: number,
  { channels, height, width: columns, phases }: Planes,
  width: number,
  lanes: number,
): number {
  const pixels = height * columns;
  if (pixels === 1) {
    const pack = packPanel(module, { width, lanes, laneStride: 1, stepStride: channels });
    return module.func({ params: ["i32", "i32"] }, (c) => void c.get(0).get(1).i32(images).call(pack));
  }
  const step = phases.length;
  const pack = packPanel(module, { width, lanes, laneStride: pixels, stepStride: step, panelStride: images * width });
  return module.func({ params: ["i32", "i32"] }, (c) => {
    const [source, target] = [0, 1];
    const [image] = c.locals("i32", 1);
    c.for(image, 0, images, 1, () => {
      if (step === 1) c.get(source).get(target).i32(pixels).call(pack);
      else eachPhase(c, { source, target, height, columns, phases }, images * width, pack);
      c.increment(source, channels * pixels * floatBytes).increment(target, width * floatBytes);
    });
  });
}

/** Packs row by row, and each row phase by phase; `distance` floats are from one pixel to the next in the target. */
function eachPhase(
  c: FunctionWriter,
  { source, target, height, columns, phases }: Omit<Planes, "channels" | "width"> & {
    readonly source: number;
    readonly target: number;
    readonly columns: number;
  },
  distance: number,
  pack: number,
): void {
  c.withLocals("i32", 2, (row, first) => {
    c.for(row, 0, height, 1, () => {
      c.get(row).i32(columns).op("i32.mul").set(first);
      phases.forEach(({ begin, count }, phase) => {
        plus(plusScaled(c.get(source), first, floatBytes), phase * floatBytes);
        plus(plusScaled(c.get(target), first, distance * floatBytes), begin * distance * floatBytes);
        c.i32(count).call(pack);
      });
    });
  });
}
