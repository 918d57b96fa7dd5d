/**
 * The phase that sums products over the thread's images, tile by tile.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { type GeneratorContext, phaseLocals, phaseParams } from "../../context.ts";
import {
  operandAddress,
  plus,
  plusScaled,
  setMin,
  setQuotientAndRemainder,
  slotAddress,
  splitOff,
} from "../../emit/addresses.ts";
import { blockSizes, blockStart, byBlockSize } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes, zeroBytes } from "../../emit/vectors.ts";
import { stageImage } from "../staging.ts";
import { tapOffset } from "../window.ts";
import { type FilterGradientPlan, imageStrides } from "./plan.ts";
import { sumParamsOf, sumVectorBytes, tileSums } from "./tile_sums.ts";

/** The columns of a tile: the index of the first in a filter, where it reads the input, and the functions for them. */
interface ColumnBlock {
  readonly first: number;
  readonly offset: number;
  /** By number of rows. */
  readonly funcs: ReadonlyMap<number, number>;
}

/** The blocks of columns of a group of channels. Blocks whose columns are equally far apart share their functions. */
function columnBlocks(module: WasmModule, plan: FilterGradientPlan): ColumnBlock[] {
  const { kernel: { geometry: g }, tiling, input, inputLayout } = plan;
  const taps = g.kh * g.kw;
  const offsets = Array.from({ length: tiling.channels * taps }, (_, column) => {
    const tap = column % taps;
    return Math.floor(column / taps) * inputLayout.plane + tapOffset(input, inputLayout, Math.floor(tap / g.kw), tap % g.kw);
  });
  const known = new Map<string, ReadonlyMap<number, number>>();
  const blocks: ColumnBlock[] = [];
  for (let block = 0, first = 0; block < tiling.columns.count; block++) {
    const size = tiling.columns.size + (block < tiling.columns.extra ? 1 : 0);
    const own = offsets.slice(first, first + size);
    // Column phases of a strided window may be before the first column: addresses start at the smallest.
    const offset = Math.min(...own);
    const relative = own.map((each) => each - offset);
    const key = relative.join();
    const funcs = known.get(key) ??
      new Map(blockSizes(tiling.rows).map((rows) => [rows, tileSums(module, plan, rows, relative)]));
    known.set(key, funcs);
    blocks.push({ first, offset, funcs });
    first += size;
  }
  return blocks;
}

/**
 * Writes a function of `sumParamsOf` for all tiles of one block of output channels and one group of input channels, at the
 * addresses of the first channels.
 */
function tileGroup(module: WasmModule, plan: FilterGradientPlan, columns: readonly ColumnBlock[], rows: number): number {
  const params = sumParamsOf(plan);
  return module.func({ params }, (c) => {
    for (const { first, offset, funcs } of columns) {
      plus(c.get(0), offset * floatBytes).get(1);
      plus(c.get(2), first * floatBytes);
      for (let i = 3; i < params.length; i++) c.get(i);
      c.call(funcs.get(rows)!);
    }
  });
}

/** What the phase is made of. */
interface Parts {
  readonly plan: FilterGradientPlan;
  /** The slot of the sums. */
  readonly sums: number;
  /** Functions: of `tileGroup` for each size of the blocks of output channels, and one that stages an image if need be. */
  readonly tiles: readonly number[];
  readonly stage: number;
  /** Bytes of staged images. */
  readonly stagedBytes: number;
}

/** Writes the phase; the sums are at the address in a slot, those of one part of the images after the other. */
export function sumProducts(context: GeneratorContext, plan: FilterGradientPlan, sums: number): number {
  const { module } = context;
  const { tiling, input, inputLayout, bands, together } = plan;
  const columns = columnBlocks(module, plan);
  const tiles = blockSizes(tiling.rows).map((rows) => tileGroup(module, plan, columns, rows));
  const stage = inputLayout.staged ? stageImage(module, input, inputLayout, bands > 1) : -1;
  const stagedBytes = inputLayout.staged ? imageStrides(plan).input * floatBytes * together : 0;
  const vectorBytes = sumVectorBytes(plan);
  if (stagedBytes + vectorBytes > 0) context.privateScratch(stagedBytes + vectorBytes);
  const parts = { plan, sums, tiles, stage, stagedBytes };
  return module.func({ params: phaseParams }, (c) => new SumWriter(c, parts).write());
}

class SumWriter {
  readonly #c: FunctionWriter;
  readonly #parts: Parts;
  /** Locals: the thread's units, each an image or a band of one. */
  readonly #unit: number;
  readonly #firstUnit: number;
  readonly #lastUnit: number;
  /** Locals: the images worked on together, or the rows of a band. */
  readonly #images: number;
  readonly #image: number;
  readonly #row: number;
  readonly #rows: number;
  /** Locals: the thread's tiles, and what the one at hand consists of. */
  readonly #tile: number;
  readonly #tileEnd: number;
  readonly #block: number;
  readonly #channelGroup: number;
  readonly #group: number;
  readonly #outChannel: number;
  /** Locals: the thread's part of the images, and of the tiles. */
  readonly #imagePart: number;
  readonly #tilePart: number;
  /** Locals: addresses of the images, and what staging takes. */
  readonly #input: number;
  readonly #gradient: number;
  readonly #counter: number;
  readonly #from: number;
  readonly #to: number;

  constructor(c: FunctionWriter, parts: Parts) {
    this.#c = c;
    this.#parts = parts;
    [this.#unit, this.#firstUnit, this.#lastUnit, this.#images, this.#image, this.#row, this.#rows] = c.locals("i32", 7);
    [this.#tile, this.#tileEnd, this.#block, this.#channelGroup, this.#group, this.#outChannel] = c.locals("i32", 6);
    [this.#imagePart, this.#tilePart] = c.locals("i32", 2);
    [this.#input, this.#gradient, this.#counter, this.#from, this.#to] = c.locals("i32", 5);
  }

  write(): void {
    const c = this.#c;
    const { plan, stagedBytes } = this.#parts;
    const { kernel: { geometry: g }, tiling, bandRows, bands, together, imageParts, tileParts } = plan;
    const channelGroups = g.c / g.groups / tiling.channels;
    setQuotientAndRemainder(c, phaseLocals.piece, tileParts, this.#imagePart, this.#tilePart);
    setShare(c, this.#imagePart, imageParts, g.n * bands, this.#firstUnit, this.#lastUnit);
    if (bands === 1) zeroBytes(c, phaseLocals.scratch, stagedBytes);
    c.for(this.#unit, () => c.get(this.#firstUnit), () => c.get(this.#lastUnit), together, () => {
      c.get(this.#lastUnit).get(this.#unit).op("i32.sub").set(this.#images);
      setMin(c, this.#images, this.#images, () => c.i32(together));
      c.get(this.#unit).i32(bands).op("i32.div_u").set(this.#image);
      c.get(this.#unit).i32(bands).op("i32.rem_u").i32(bandRows).op("i32.mul").set(this.#row);
      c.i32(g.oh).get(this.#row).op("i32.sub").set(this.#rows);
      setMin(c, this.#rows, this.#rows, () => c.i32(bandRows));
      this.#setAddresses();
      setShare(c, this.#tilePart, tileParts, g.groups * channelGroups * tiling.rows.count, this.#tile, this.#tileEnd);
      c.forRange(this.#tile, this.#tile, this.#tileEnd, () => this.#oneTile(channelGroups));
    });
  }

  /** Sets the addresses of the unit's images, after staging the inputs if need be. */
  #setAddresses(): void {
    const c = this.#c;
    const { plan, stage } = this.#parts;
    const { kernel: { geometry: g, operands }, inputLayout } = plan;
    const strides = imageStrides(plan);
    operandAddress(c, operands[1]);
    plusScaled(c, this.#image, strides.gradient * floatBytes);
    plusScaled(c, this.#row, g.ow * floatBytes).set(this.#gradient);
    operandAddress(c, operands[0]);
    plusScaled(c, this.#image, g.c * g.h * g.w * floatBytes);
    if (!inputLayout.staged) return void plusScaled(c, this.#row, inputLayout.outRow * floatBytes).set(this.#input);
    c.set(this.#from).get(phaseLocals.scratch).tee(this.#input).set(this.#to);
    c.for(this.#counter, 0, () => c.get(this.#images), 1, () => {
      c.get(this.#from).get(this.#to).get(this.#row).i32(g.stride[0]).op("i32.mul").call(stage);
      c.increment(this.#from, g.c * g.h * g.w * floatBytes).increment(this.#to, strides.input * floatBytes);
    });
  }

  /** One block of output channels and one group of input channels, which go outside so that their planes stay in the cache. */
  #oneTile(channelGroups: number): void {
    const c = this.#c;
    const { rows } = this.#parts.plan.tiling;
    c.get(this.#tile).set(this.#block);
    c.withLocals("i32", 1, (rowBlock) => {
      splitOff(c, this.#block, rows.count, rowBlock);
      splitOff(c, this.#block, channelGroups, this.#channelGroup);
      c.get(this.#block).set(this.#group);
      blockStart(c, rows, rowBlock).set(this.#outChannel);
      byBlockSize(c, rows, rowBlock, (size) => this.#callTiles(size));
    });
  }

  #callTiles(size: 0 | 1): void {
    const c = this.#c;
    const { plan, sums, tiles, stagedBytes } = this.#parts;
    const { kernel: { geometry: g }, tiling, machine, inputLayout, imageParts } = plan;
    const [outChannels, inChannels, taps] = [g.o / g.groups, g.c / g.groups, g.kh * g.kw];
    c.get(this.#input);
    plusScaled(c, this.#group, inChannels * inputLayout.plane * floatBytes);
    plusScaled(c, this.#channelGroup, tiling.channels * inputLayout.plane * floatBytes);
    c.get(this.#gradient);
    plusScaled(c, this.#group, outChannels * g.oh * g.ow * floatBytes);
    plusScaled(c, this.#outChannel, g.oh * g.ow * floatBytes);
    slotAddress(c, sums);
    if (imageParts > 1) plusScaled(c, this.#imagePart, g.o * inChannels * taps * floatBytes);
    plusScaled(c, this.#group, outChannels * inChannels * taps * floatBytes);
    plusScaled(c, this.#outChannel, inChannels * taps * floatBytes);
    plusScaled(c, this.#channelGroup, tiling.channels * taps * floatBytes);
    c.get(this.#images).get(this.#rows).get(this.#unit).get(this.#firstUnit).op("i32.ne");
    if (machine) plus(c.get(phaseLocals.scratch), stagedBytes);
    c.call(tiles[size]);
  }
}
