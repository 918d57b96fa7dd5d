/**
 * The transform of the filters of Winograd's convolution, into the panels that the matrix products read.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type DerivedScratch, type GeneratorContext, phaseLocals, phaseParams } from "../../context.ts";
import { operandAddress, plus, plusScaled, setQuotientAndRemainder, slotAddress } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { Distances, moveBy, toldFunction } from "../../emit/distances.ts";
import { setShare } from "../../emit/shares.ts";
import { WasmVectorCode } from "../../emit/vector_code.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import type { Tiles } from "../../matmul/tile.ts";
import type { Convolution } from "../problem.ts";
import { filterMagnitudeFloats, filterMagnitudes } from "./evenness.ts";
import type { WinogradForm } from "./linear_maps.ts";
import { transformSquare } from "./squares.ts";
import { componentSpacing, filterSize } from "./tiling.ts";

/**
 * Transformed filters: [part][component][panel of as many output channels as tiles have columns][input channel][output channel], in shared
 * memory.
 */
export interface FilterPanels extends DerivedScratch {
  readonly form: WinogradForm;
  readonly tiles: Tiles;
  /** Equal parts of the output channels, each with panels of its own. */
  readonly parts: number;
  /** Floats from one component to the next, and from one part to the next. */
  readonly componentStride: number;
  readonly partStride: number;
  /** Behind the panels: floats until the magnitudes of the taps, of each thread's share of the filters. */
  readonly magnitudes: number;
}

/** Asks for the memory of the transformed filters. */
export function filterPanels(
  context: GeneratorContext,
  form: WinogradForm,
  conv: Convolution,
  tiles: Tiles,
  parts: number,
): FilterPanels {
  const componentStride = roundUp(conv.outChannels / parts, tiles.columns) * conv.inChannels + componentSpacing;
  const partStride = form.components * componentStride;
  const magnitudes = parts * partStride;
  const bytes = (magnitudes + context.threads * filterMagnitudeFloats) * floatBytes;
  return { ...context.derivedScratch(bytes, conv.filters.buffer), form, tiles, parts, componentStride, partStride, magnitudes };
}

/** Writes the phase that transforms the filters: threads share groups of four output channels by input channels. */
export function transformFilters(context: GeneratorContext, conv: Convolution, panels: FilterPanels): number {
  const { inChannels, outChannels } = conv;
  const transform = fourFilters(context, conv, panels);
  const findMagnitudes = filterMagnitudes(context.module);
  return context.module.func({ params: phaseParams }, (c) => {
    const [unit, end, channels, input] = c.locals("i32", 4);
    const part = c.local("i32");
    setShare(c, phaseLocals.piece, context.threads, (outChannels / vectorLanes) * inChannels, unit, end);
    c.block(() => {
      if (panels.stale !== undefined) slotAddress(c, panels.stale).op("i32.eqz").brIf(0);
      c.forRange(unit, unit, end, () => {
        setQuotientAndRemainder(c, unit, inChannels, channels, input);
        operandAddress(c, conv.filters);
        plusScaled(c, channels, vectorLanes * conv.filterOut * floatBytes);
        plusScaled(c, input, conv.filterIn * floatBytes);
        setQuotientAndRemainder(c, channels, outChannels / panels.parts / vectorLanes, part, channels);
        pushPanelOffset(c, inChannels, panels.tiles.columns, channels, input);
        plusScaled(c, part, panels.partStride * floatBytes);
        slotAddress(c, panels.slot).op("i32.add").call(transform);
      });
      // They lie one after the other, whichever way they are read.
      setShare(c, phaseLocals.piece, context.threads, (outChannels / vectorLanes) * inChannels, unit, end);
      plusScaled(operandAddress(c, conv.filters), unit, vectorLanes * filterSize * filterSize * floatBytes);
      c.get(end).get(unit).op("i32.sub");
      plus(slotAddress(c, panels.slot), panels.magnitudes * floatBytes);
      if (context.threads > 1) plusScaled(c, phaseLocals.piece, filterMagnitudeFloats * floatBytes);
      c.call(findMagnitudes);
    });
  });
}

/** Pushes the offset of four output channels (their number is in local `channels`) and one input channel within the panels of a part. */
function pushPanelOffset(c: FunctionWriter, inChannels: number, width: number, channels: number, input: number): void {
  const groups = width / vectorLanes;
  c.get(channels).i32(groups).op("i32.div_u").i32(inChannels).op("i32.mul").get(input).op("i32.add");
  c.i32(groups).op("i32.mul");
  c.get(channels).i32(groups).op("i32.rem_u").op("i32.add").i32(vectorLanes * floatBytes).op("i32.mul");
}

/** Writes a function (filters, panel) that transforms the filters of four output channels and one input channel. */
function fourFilters({ module }: GeneratorContext, conv: Convolution, { form, componentStride }: FilterPanels): number {
  const tapAt = (row: number, column: number) => {
    const tap = row * filterSize + column;
    return conv.flipped ? filterSize * filterSize - 1 - tap : tap;
  };
  const spec = { name: `filters ${[form.tile, conv.flipped]}`, params: ["i32", "i32"] } as const;
  const bytes = { filter: conv.filterOut * floatBytes, component: componentStride * floatBytes };
  return toldFunction(module, spec, new Distances(bytes, () => false), (c, distances) => {
    const [first, panel] = [0, 1];
    const filters = [first, ...c.locals("i32", vectorLanes - 1)];
    filters.slice(1).forEach((each, i) => {
      c.get(filters[i]).set(each);
      moveBy(c, each, distances.filter);
    });
    const load = (to: number, row: number, column: number) => {
      const offset = tapAt(row, column) * floatBytes;
      c.get(first).mem("v128.load32_zero", offset).set(to);
      for (let lane = 1; lane < vectorLanes; lane++) {
        c.get(filters[lane]).get(to).memLane("v128.load32_lane", lane, offset).set(to);
      }
    };
    let stored = 0;
    transformSquare(new WasmVectorCode(c), form.filterToComponents, filterSize, load, (_row, _column, vector) => {
      // Components come in order.
      if (stored++ > 0) moveBy(c, panel, distances.component);
      c.get(panel).get(vector).mem("v128.store");
    });
  });
}
