/**
 * Images and filters of a convolution with an image in each lane, as its tiles read them: what is under one row of a window is one after the
 * other in both.
 *
 * @module
 */
import type { WasmModule } from "../../assembler/module.ts";
import { type DerivedScratch, type GeneratorContext, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, slotAddress } from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { packPanel } from "../../matmul/packing.ts";
import { type ImageLanesPlan, type LaneAxis, packedFloats } from "./plan.ts";

/** Writes a function (images, packed): [row][column][channel][image] of which the first `lanes` images exist. */
export function packImages(module: WasmModule, plan: ImageLanesPlan, lanes: number): number {
  const { conv: { inChannels }, together, rows, columns } = plan;
  const plane = rows.size * columns.size;
  const pixel = inChannels * together;
  const pack = packPanel(module, {
    width: together,
    lanes,
    laneStride: inChannels * plane,
    stepStride: columns.dilation,
    panelStride: pixel,
  });
  return module.func({ params: ["i32", "i32"] }, (c) => {
    const [images, packed] = [0, 1];
    c.repeat(inChannels, () => {
      if (rows.dilation === 1 && columns.dilation === 1) c.get(images).get(packed).i32(plane).call(pack);
      else {eachPhase(rows, columns, (row, column, to, count) => {
          plus(c.get(images), (row * columns.size + column) * floatBytes);
          plus(c.get(packed), to * pixel * floatBytes).i32(count).call(pack);
        });}
      c.increment(images, plane * floatBytes).increment(packed, together * floatBytes);
    });
  });
}

/** Calls `body` for each row and phase of its columns: with the first pixel, its place, and how many there are. */
function eachPhase(
  rows: LaneAxis,
  columns: LaneAxis,
  body: (row: number, column: number, to: number, count: number) => void,
): void {
  for (let row = 0; row < rows.size; row++) {
    const line = (row % rows.dilation * rows.pixelPhase + Math.floor(row / rows.dilation)) * columns.dilation;
    for (let phase = 0; phase < Math.min(columns.dilation, columns.size); phase++) {
      const count = Math.ceil((columns.size - phase) / columns.dilation);
      body(row, phase, (line + phase) * columns.pixelPhase, count);
    }
  }
}

/** Writes the phase that packs the filters; threads share the blocks of output channels. Gives it and where they are. */
export function packFilters(
  context: GeneratorContext,
  plan: ImageLanesPlan,
): { readonly func: number; readonly to: DerivedScratch } {
  const { module } = context;
  const { conv, blocks } = plan;
  const { filters } = packedFloats(plan);
  const to = context.derivedScratch(conv.outChannels * filters * floatBytes, conv.filters.buffer);
  const packs = blockSizes(blocks).map((channels) => packBlock(module, plan, channels));
  const func = module.func({ params: phaseParams }, (c) => {
    const [block, end, channel] = c.locals("i32", 3);
    setShare(c, phaseLocals.piece, context.threads, blocks.count, block, end);
    c.block(() => {
      if (to.stale !== undefined) slotAddress(c, to.stale).op("i32.eqz").brIf(0);
      c.forRange(block, block, end, () => {
        blockStart(c, blocks, block).set(channel);
        const push = () => {
          operandAddress(c, conv.filters);
          plusScaled(c, channel, conv.filterOut * floatBytes);
          return plusScaled(slotAddress(c, to.slot), channel, filters * floatBytes);
        };
        byBlockSize(c, blocks, block, (size) => push().call(packs[size]));
      });
    });
  });
  return { func, to };
}

/** Writes a function (filters, packed) for a block of output channels. */
function packBlock(module: WasmModule, { conv, rows, columns }: ImageLanesPlan, channels: number): number {
  const { inChannels, filterOut, filterIn, flipped } = conv;
  const pack = packPanel(module, { width: channels, lanes: channels, laneStride: filterOut, stepStride: filterIn });
  const place = (tap: number, { spread, tapPhase }: LaneAxis) => tap % spread * tapPhase + Math.floor(tap / spread);
  return module.func({ params: ["i32", "i32"] }, (c) => {
    const [filters, packed] = [0, 1];
    for (let ky = 0; ky < rows.taps; ky++) {
      for (let kx = 0; kx < columns.taps; kx++) {
        const tap = ky * columns.taps + kx;
        const from = flipped ? rows.taps * columns.taps - 1 - tap : tap;
        const to = place(ky, rows) * columns.spread * columns.tapPhase + place(kx, columns);
        plus(c.get(filters), from * floatBytes);
        plus(c.get(packed), to * inChannels * channels * floatBytes).i32(inChannels).call(pack);
      }
    }
  });
}
