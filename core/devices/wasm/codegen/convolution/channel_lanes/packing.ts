/**
 * Images with the channels innermost and zeros around them, and filters in panels, as the products of channels in lanes read them.
 *
 * @module
 */
import type { WasmModule } from "../../assembler/module.ts";
import { type DerivedScratch, type GeneratorContext, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "../../emit/addresses.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { packPanel } from "../../matmul/packing.ts";
import { type ChannelLanesPlan, panelFloats } from "./plan.ts";

/** Writes a function (image, staged, first row of the padded plane): copies the pixels between the zeros that are there. */
export function stageChannels(module: WasmModule, { conv: { inChannels }, spec, layout, pixelFloats }: ChannelLanesPlan): number {
  const { height, width, top, left, spread } = spec;
  const [from, to] = [Math.max(0, Math.ceil(-left / spread[1])), Math.min(width, Math.ceil((layout.columns - left) / spread[1]))];
  const pack = packPanel(module, {
    width: inChannels,
    lanes: inChannels,
    laneStride: height * width,
    stepStride: 1,
    panelStride: spread[1] * pixelFloats,
  });
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [image, staged, first] = [0, 1, 2];
    const [row, end] = c.locals("i32", 2);
    /** Sets a local to the first row of the image that is at or below a row of those that are staged. */
    const setFirstRow = (local: number, below: number) => {
      plus(c.get(first), below - top + spread[0] - 1).set(local);
      c.get(local).i32(0).get(local).i32(0).op("i32.gt_s").op("select").i32(spread[0]).op("i32.div_u").set(local);
      setMin(c, local, local, () => c.i32(height));
    };
    if (to <= from) return;
    setFirstRow(row, 0);
    setFirstRow(end, layout.rows);
    c.forRange(row, row, end, () => {
      plus(plusScaled(c.get(image), row, width * floatBytes), from * floatBytes);
      c.get(staged);
      plus(c.get(row).i32(spread[0]).op("i32.mul").get(first).op("i32.sub"), top);
      plus(c.i32(layout.pitch).op("i32.mul"), left + from * spread[1]).i32(pixelFloats * floatBytes).op("i32.mul").op("i32.add");
      c.i32(to - from).call(pack);
    });
  });
}

/** Writes the phase that packs the filters; threads share the window elements of panels. Gives it and where they are. */
export function packFilterPanels(
  context: GeneratorContext,
  plan: ChannelLanesPlan,
): { readonly func: number; readonly to: DerivedScratch } {
  const { module, threads } = context;
  const { conv, width, panels } = plan;
  const { inChannels, outChannels, filterOut, filterIn, flipped, window } = conv;
  const taps = window.kernel[0] * window.kernel[1];
  const to = context.derivedScratch(panels * panelFloats(plan) * floatBytes, conv.filters.buffer);
  const packOf = (lanes: number) => packPanel(module, { width, lanes, laneStride: filterOut, stepStride: filterIn });
  const full = packOf(Math.min(width, outChannels));
  const rest = outChannels % width;
  const last = rest === 0 || panels === 1 ? full : packOf(rest);
  const func = module.func({ params: phaseParams }, (c) => {
    const [unit, end, panel, tap, from, target] = c.locals("i32", 6);
    setShare(c, phaseLocals.piece, threads, panels * taps, unit, end);
    c.block(() => {
      if (to.stale !== undefined) slotAddress(c, to.stale).op("i32.eqz").brIf(0);
      c.forRange(unit, unit, end, () => {
        c.get(unit).i32(taps).op("i32.div_u").set(panel);
        c.get(unit).i32(taps).op("i32.rem_u").set(tap);
        plusScaled(slotAddress(c, to.slot), unit, inChannels * width * floatBytes).set(target);
        if (flipped) c.i32(taps - 1).get(tap).op("i32.sub").set(tap);
        plusScaled(operandAddress(c, conv.filters), panel, width * filterOut * floatBytes);
        plusScaled(c, tap, floatBytes).set(from);
        const call = (pack: number) => c.get(from).get(target).i32(inChannels).call(pack);
        if (last === full) call(full);
        else c.get(panel).i32(panels - 1).op("i32.lt_u").if(() => call(full), () => call(last));
      });
    });
  });
  return { func, to };
}
