/**
 * The gradient of a convolution with respect to its filters, as a matrix product for each tap: output channels by input channels, summed
 * over the places and images whose pixel under the tap is inside the image.
 *
 * For small images this is the least work: sums along rows of pixels, as in `filter_gradient`, waste most of their lanes, and where most taps
 * are outside (a window of 3 by 3 over a single pixel) most of their products are zeros. A first phase packs both images with the channels
 * innermost (`packing.ts`). Of a tile of output by input channels all taps are computed, one after the other from the same panels, and
 * then stored as filters.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { type Epilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { plusScaled, slotAddress } from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { Distances, moveBy, toldFunction } from "../../emit/distances.ts";
import { floatBytes, storeLanes, transpose4, vectorLanes, zeroBytes } from "../../emit/vectors.ts";
import { chooseGrid, type Part, setPart } from "../../matmul/grid.ts";
import { microKernel } from "../../matmul/micro_kernel.ts";
import { piecesFor } from "../../work.ts";
import { type PackedSlots, packImages } from "./packing.ts";
import { packedSizes, type TapPlan } from "./plan.ts";

/** conv2dFilterGrad by products for each tap. */
export function tapFilterGradient(context: GeneratorContext, kernel: ConvKernel, plan: TapPlan): readonly Phase[] {
  const { geometry: g, panels } = plan;
  const { panel, channel } = packedSizes(plan);
  const slots: PackedSlots = {
    input: context.sharedScratch(g.groups * panels * panel * floatBytes),
    gradient: context.sharedScratch(g.o * channel * floatBytes),
  };
  const pieces = piecesFor(context.threads, { multiplyAdds: g.n * g.o * g.oh * g.ow * (g.c / g.groups) * g.kh * g.kw });
  return [
    { func: packImages(context, plan, kernel.operands, slots), pieces: context.threads },
    { func: multiplyTaps(context, kernel, plan, slots, pieces), pieces },
  ];
}

/** Floats from the sums of one tap to those of the next. */
function tapSums({ rowBlocks, width }: TapPlan): number {
  return blockSizes(rowBlocks)[0] * width;
}

/** Writes the phase that multiplies; its pieces are blocks of output channels and panels of input channels. */
function multiplyTaps(
  context: GeneratorContext,
  kernel: ConvKernel,
  plan: TapPlan,
  slots: PackedSlots,
  pieces: number,
): number {
  const { module } = context;
  const { geometry: g, rowBlocks, panels, width, taps } = plan;
  const rest = g.c / g.groups % width;
  const sumBytes = taps.length * tapSums(plan) * floatBytes;
  context.privateScratch(sumBytes);
  const full = storeFilters(module, plan, Math.min(width, g.c / g.groups));
  const last = rest === 0 || panels === 1 ? full : storeFilters(module, plan, rest);
  const tiles = blockSizes(rowBlocks).map((rows) => {
    const multiply = tileTaps(module, plan, rows);
    return { rows, multiply, full, last };
  });
  const grid = chooseGrid(pieces, g.groups, rowBlocks.count, panels);
  const epilogue = context.epilogue(kernel);
  return module.func({ params: phaseParams }, (c) => {
    zeroBytes(c, phaseLocals.scratch, sumBytes);
    const part = setPart(c, grid, g.groups, rowBlocks.count, panels);
    new TapWriter(c, { plan, slots, epilogue, tiles, wholeRows: grid.columns === 1 }, part).write();
  });
}

/** What the phase is made of. */
interface TapProducts {
  readonly plan: TapPlan;
  readonly slots: PackedSlots;
  readonly epilogue: Epilogue;
  /** By size of the blocks of output channels: how many there are, and functions that multiply and that store the sums of a panel. */
  readonly tiles: readonly Readonly<Record<"rows" | "multiply" | "full" | "last", number>>[];
  /** Whether a piece has all input channels of its blocks. */
  readonly wholeRows: boolean;
}

class TapWriter {
  readonly #c: FunctionWriter;
  readonly #parts: TapProducts;
  readonly #part: Part;
  /** Locals: the group, block and panel, and the block's first output channel among all. */
  readonly #group: number;
  readonly #block: number;
  readonly #panel: number;
  readonly #outChannel: number;
  /** Locals: addresses. */
  readonly #gradient: number;
  readonly #input: number;
  readonly #filters: number;

  constructor(c: FunctionWriter, parts: TapProducts, part: Part) {
    this.#c = c;
    this.#parts = parts;
    this.#part = part;
    [this.#group, this.#block, this.#panel, this.#outChannel] = c.locals("i32", 4);
    [this.#gradient, this.#input, this.#filters] = c.locals("i32", 3);
  }

  write(): void {
    const c = this.#c;
    const { plan } = this.#parts;
    const { geometry: g, rowBlocks } = plan;
    c.forRange(this.#group, ...this.#part.batch, () => {
      c.forRange(this.#block, ...this.#part.rows, () => {
        blockStart(c, rowBlocks, this.#block);
        plusScaled(c, this.#group, g.o / g.groups).set(this.#outChannel);
        byBlockSize(c, rowBlocks, this.#block, (size) => this.#rows(size));
      });
    });
  }

  /** All panels of the piece for one block of output channels. */
  #rows(size: 0 | 1): void {
    const c = this.#c;
    const { plan, slots, epilogue, tiles } = this.#parts;
    const { geometry: g, panels, width, taps } = plan;
    const { panel: panelSize, channel: channelSize } = packedSizes(plan);
    const filterBytes = taps.length * floatBytes;
    const { rows, multiply, full, last } = tiles[size];
    slotAddress(c, slots.gradient);
    plusScaled(c, this.#outChannel, channelSize * floatBytes).set(this.#gradient);
    c.forRange(this.#panel, ...this.#part.columns, () => {
      slotAddress(c, slots.input);
      plusScaled(c, this.#group, panels * panelSize * floatBytes);
      plusScaled(c, this.#panel, panelSize * floatBytes).set(this.#input);
      slotAddress(c, epilogue.slot);
      plusScaled(c, this.#outChannel, g.c / g.groups * filterBytes);
      plusScaled(c, this.#panel, width * filterBytes).set(this.#filters);
      c.get(this.#gradient).get(this.#input).get(phaseLocals.scratch).call(multiply);
      const store = (func: number) => c.get(phaseLocals.scratch).get(this.#filters).i32(rows).call(func);
      if (full === last) store(full);
      else c.get(this.#panel).i32(panels - 1).op("i32.lt_s").if(() => store(full), () => store(last));
    });
    if (epilogue.func !== undefined) this.#finish(epilogue.func, blockSizes(plan.rowBlocks)[size]);
  }

  /** Calls the epilogue for the thread's part of a block of output channels. */
  #finish(func: number, rows: number): void {
    const c = this.#c;
    const { plan: { geometry: g, width }, epilogue, wholeRows } = this.#parts;
    const channels = g.c / g.groups;
    const finish = (pushFrom: () => void, pushTo: () => void) => {
      slotAddress(c.get(phaseLocals.table), epilogue.slot);
      pushFrom();
      c.i32(g.kh).op("i32.mul");
      pushTo();
      c.i32(g.kh).op("i32.mul").i32(0).i32(g.kw).call(func);
    };
    if (wholeRows) {
      const push = (more: number) => () => void c.get(this.#outChannel).i32(more).op("i32.add").i32(channels).op("i32.mul");
      return finish(push(0), push(rows));
    }
    const [first, end] = this.#part.columns;
    const pushChannel = (panel: number, row: number) => () => {
      c.withLocals("i32", 1, (channel) => {
        c.get(panel).i32(width).op("i32.mul").set(channel);
        c.get(channel).i32(channels).get(channel).i32(channels).op("i32.lt_s").op("select");
      });
      c.get(this.#outChannel).i32(row).op("i32.add").i32(channels).op("i32.mul").op("i32.add");
    };
    c.get(first).get(end).op("i32.lt_s").if(() => {
      for (let row = 0; row < rows; row++) finish(pushChannel(first, row), pushChannel(end, row));
    });
  }
}

/** Writes a function (block of the gradient, panel of the input, sums): all taps of a tile, [tap][output channel][input channel]. */
function tileTaps(module: WasmModule, plan: TapPlan, rows: number): number {
  const { geometry: { n }, taps, width, tiles, placeRun, pixelRun } = plan;
  // Without distances between runs, the code for images of other extents is the same.
  const inRuns = taps.some(({ runs }) => runs > 1);
  const product = microKernel(tiles.writer, {
    rows,
    columns: width,
    lhsRow: 1,
    lhsStep: rows,
    rhsStep: width,
    resultRow: width,
    wholeSteps: taps.every(({ steps }) => steps % 4 === 0),
    accumulates: false,
    runs: inRuns ? { lhs: placeRun * n * rows, rhs: pixelRun * n * width } : undefined,
  });
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [gradient, input, sums] = [0, 1, 2];
    taps.forEach(({ runs, steps, place, pixel }, tap) => {
      if (runs === 0) return;
      c.get(gradient).i32(place * n * rows * floatBytes).op("i32.add");
      c.get(input).i32(pixel * n * width * floatBytes).op("i32.add");
      c.get(sums).i32(tap * tapSums(plan) * floatBytes).op("i32.add").i32(steps).i32(inRuns ? runs : 0).call(product);
    });
  });
}

/** Writes a function (sums, filters, rows) that stores a tile's sums of `columns` input channels as filters. */
function storeFilters(module: WasmModule, plan: TapPlan, columns: number): number {
  const { geometry: g, taps: { length: count }, width } = plan;
  const spec = { name: `stored filters ${[count, columns, width]}`, params: ["i32", "i32", "i32"] } as const;
  const bytes = { tap: tapSums(plan) * floatBytes, row: g.c / g.groups * count * floatBytes };
  return toldFunction(module, spec, new Distances(bytes, () => false), (c, distances) => {
    const [sums, filters, rows] = [0, 1, 2];
    const four = c.locals("v128", vectorLanes);
    const [from] = c.locals("i32", 1);
    c.loop(() => {
      for (let column = 0; column < columns; column += vectorLanes) {
        const lanes = Math.min(vectorLanes, columns - column);
        c.get(sums).set(from);
        /** Taps come in order. */
        const load = (tap: number, to: number) => {
          if (tap > 0) moveBy(c, from, distances.tap);
          c.get(from).mem("v128.load", column * floatBytes).set(to);
        };
        if (count === 1) {
          load(0, four[0]);
          storeLanes(c, filters, four[0], lanes, column * floatBytes);
          continue;
        }
        let tap = 0;
        for (; tap + vectorLanes <= count; tap += vectorLanes) {
          four.forEach((to, i) => load(tap + i, to));
          transpose4(c, four);
          four.slice(0, lanes).forEach((line, lane) =>
            c.get(filters).get(line).mem("v128.store", ((column + lane) * count + tap) * floatBytes)
          );
        }
        for (; tap < count; tap++) {
          load(tap, four[0]);
          for (let lane = 0; lane < lanes; lane++) {
            c.get(filters).get(four[0]).memLane("v128.store32_lane", lane, ((column + lane) * count + tap) * floatBytes);
          }
        }
      }
      c.increment(sums, width * floatBytes);
      moveBy(c, filters, distances.row);
      c.increment(rows, -1).get(rows).brIf(0);
    });
  });
}
