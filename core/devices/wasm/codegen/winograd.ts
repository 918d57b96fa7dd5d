/**
 * Convolutions with windows of 3 by 3 by way of Winograd's F(4x4, 3x3): a quarter of the multiplications of the direct sum.
 *
 * Outputs are cut into tiles of 4 by 4, inputs into overlapping patches of 6 by 6. With the matrices of Lavin and Gray ("Fast
 * algorithms for convolutional neural networks", 2016), patch d, filter w and tile y of one channel satisfy
 *
 *   y = A^T [ (G w G^T) * (B^T d B) ] A        and the transpose of that in w        dw = G^T [ (A dy A^T) * (B^T d B) ] G
 *
 * so that sums over channels, or over tiles, are 36 independent matrix products, one per place of the 6 by 6. Transforms work on four
 * channels at a time, one per lane, and keep [tile][place][channel]. Rounding errors are two to four times those of a direct sum;
 * an infinity or NaN reaches the whole tile.
 *
 * @module
 */
import type { Access, ConvKernel } from "../../../ir/kernel.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import type { WasmModule } from "./assembler/module.ts";
import { type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "./context.ts";
import { type Convolution, convolutionOf, multiplyAdds } from "./conv_problem.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "./emit/addresses.ts";
import { type Blocks, blockSizes, evenBlocks, roundUp } from "./emit/blocks.ts";
import { setShare } from "./emit/shares.ts";
import { floatBytes, storeLanes, transpose4, vectorLanes, zeroBytes } from "./emit/vectors.ts";
import { maxTileRows, microKernel, type TileColumns, tileColumnsFor } from "./microkernel.ts";
import { layOutWindow, stagedBytes, stageImage, type WindowLayout, type WindowSpec } from "./stage.ts";
import { serialMultiplyAdds } from "./work.ts";

/** Outputs of a tile, elements of a filter, and of a patch, along one axis. */
const TILE = 4;
const FILTER = 3;
const PATCH = 6;
const PLACES = PATCH * PATCH;
/** Bytes of transformed patches and tiles that are worked on at a time, for the second-level cache. */
const GROUP_BYTES = 512 * 1024;
/** Bytes of an image, or band of one, that are staged at a time. */
const BAND_BYTES = 400 * 1024;
/** Memory that the threads' sums of filter gradients may take. */
const SUMS_BYTES = 128 * 1024 * 1024;
/** Floats between one tile's transformed values and the next's that keep them out of the same cache sets. */
const SPACING = 16;

// --- the transforms ---------------------------------------------------------------------------------------------------------------

/** A linear map of a few vectors: calls `emit` for each of its outputs with what pushes it. */
type LinearMap = (c: FunctionWriter, x: readonly number[], emit: (index: number, push: () => void) => void) => void;

/** Writes one linear map with its shared parts: `term(a, x, y)` pushes a x + y, and `keep` holds a value. */
function linearMap(
  write: (
    tools: {
      readonly add: (x: number, y: number) => () => void;
      readonly subtract: (x: number, y: number) => () => void;
      readonly scale: (a: number, x: number) => () => void;
      readonly term: (a: number, x: number, y: number) => () => void;
      readonly copy: (x: number) => () => void;
      readonly keep: (push: () => void) => number;
    },
    x: readonly number[],
  ) => readonly (() => void)[],
): LinearMap {
  return (c, x, emit) => {
    const kept: number[] = [];
    const tools = {
      add: (a: number, b: number) => () => void c.get(a).get(b).op("f32x4.add"),
      subtract: (a: number, b: number) => () => void c.get(a).get(b).op("f32x4.sub"),
      scale: (a: number, b: number) => () => void c.f32x4(a).get(b).op("f32x4.mul"),
      term: (a: number, b: number, d: number) => () => void c.f32x4(a).get(b).get(d).op("f32x4.relaxed_madd"),
      copy: (a: number) => () => void c.get(a),
      keep: (push: () => void) => {
        const local = c.local("v128");
        push();
        c.set(local);
        kept.push(local);
        return local;
      },
    };
    write(tools, x).forEach((push, index) => emit(index, push));
    c.release("v128", ...kept);
  };
}

/**
 * The polynomials are evaluated at 0, P, -P, Q, -Q and infinity. With 3/4 and 3/2 rounding errors are two to four times smaller than
 * with the usual 1 and 2, and the squares are exact.
 */
const P = 3 / 4;
const Q = 3 / 2;
const P2 = P * P;
const Q2 = Q * Q;
/** One over the product of a point's distances from the other finite points: for 0, for P or -P, for Q or -Q. */
const AT_0 = 1 / (P2 * Q2);
const AT_P = 1 / (2 * P2 * (P2 - Q2));
const AT_Q = 1 / (2 * Q2 * (Q2 - P2));

/** B^T: 6 elements of a patch to 6 places. */
const patchToPlaces = linearMap(({ term, keep }, [d0, d1, d2, d3, d4, d5]) => {
  const evenP = keep(term(-Q2, d2, d4));
  const oddP = keep(term(-Q2, d1, d3));
  const evenQ = keep(term(-P2, d2, d4));
  const oddQ = keep(term(-P2, d1, d3));
  const first = keep(term(-(P2 + Q2), d2, d4));
  const last = keep(term(-(P2 + Q2), d3, d5));
  return [
    term(P2 * Q2, d0, first),
    term(P, oddP, evenP),
    term(-P, oddP, evenP),
    term(Q, oddQ, evenQ),
    term(-Q, oddQ, evenQ),
    term(P2 * Q2, d1, last),
  ];
});

/** A^T: 6 places to 4 outputs of a tile. */
const placesToTile = linearMap(({ add, subtract, scale, term, keep }, [m0, m1, m2, m3, m4, m5]) => {
  const sumP = keep(add(m1, m2));
  const differenceP = keep(subtract(m1, m2));
  const sumQ = keep(add(m3, m4));
  const differenceQ = keep(subtract(m3, m4));
  const first = keep(add(m0, sumP));
  const second = keep(scale(P, differenceP));
  const third = keep(scale(P2, sumP));
  const last = keep(term(P2 * P, differenceP, m5));
  return [add(first, sumQ), term(Q, differenceQ, second), term(Q2, sumQ, third), term(Q2 * Q, differenceQ, last)];
});

/** A: the transpose, 4 elements of a tile's gradient to 6 places. */
const tileToPlaces = linearMap(({ term, copy, keep }, [y0, y1, y2, y3]) => {
  const evenP = keep(term(P2, y2, y0));
  const oddP = keep(term(P2, y3, y1));
  const evenQ = keep(term(Q2, y2, y0));
  const oddQ = keep(term(Q2, y3, y1));
  return [copy(y0), term(P, oddP, evenP), term(-P, oddP, evenP), term(Q, oddQ, evenQ), term(-Q, oddQ, evenQ), copy(y3)];
});

/** G: 3 elements of a filter to 6 places. */
const filterToPlaces = linearMap(({ scale, term, copy, keep }, [w0, w1, w2]) => {
  const startP = keep(scale(AT_P, w0));
  const startQ = keep(scale(AT_Q, w0));
  const evenP = keep(term(AT_P * P2, w2, startP));
  const evenQ = keep(term(AT_Q * Q2, w2, startQ));
  return [
    scale(AT_0, w0),
    term(AT_P * P, w1, evenP),
    term(-AT_P * P, w1, evenP),
    term(AT_Q * Q, w1, evenQ),
    term(-AT_Q * Q, w1, evenQ),
    copy(w2),
  ];
});

/** G^T: the transpose, 6 places to 3 elements of a filter's gradient. */
const placesToFilter = linearMap(({ add, subtract, scale, term, keep }, [u0, u1, u2, u3, u4, u5]) => {
  const sumP = keep(add(u1, u2));
  const differenceP = keep(subtract(u1, u2));
  const sumQ = keep(add(u3, u4));
  const differenceQ = keep(subtract(u3, u4));
  const start = keep(scale(AT_0, u0));
  const first = keep(term(AT_P, sumP, start));
  const middle = keep(scale(AT_P * P, differenceP));
  const last = keep(term(AT_P * P2, sumP, u5));
  return [term(AT_Q, sumQ, first), term(AT_Q * Q, differenceQ, middle), term(AT_Q * Q2, sumQ, last)];
});

/** Applies a map to the rows and then to the columns of a square of `size` vectors a side. Rows are asked for one by one. */
function transformSquare(
  c: FunctionWriter,
  map: LinearMap,
  size: number,
  loadRow: (row: number) => readonly number[],
  emit: (row: number, column: number, push: () => void) => void,
): void {
  const half: number[][] = [];
  for (let row = 0; row < size; row++) {
    const loaded = loadRow(row);
    const line: number[] = [];
    map(c, loaded, (_, push) => {
      const local = c.local("v128");
      push();
      c.set(local);
      line.push(local);
    });
    c.release("v128", ...loaded);
    half.push(line);
  }
  half[0].forEach((_, column) => map(c, half.map((line) => line[column]), (row, push) => emit(row, column, push)));
  for (const line of half) c.release("v128", ...line);
}

/** Pushes nothing; gives locals with the first `count` (4 or 6) columns of four channels' rows at `at`, a channel per lane. */
function loadChannels(c: FunctionWriter, at: number, plane: number, offset: number, count: number): number[] {
  const channel = (lane: number) => (lane * plane + offset) * floatBytes;
  const columns = [0, 1, 2, 3].map((lane) => {
    const local = c.local("v128");
    c.get(at).mem("v128.load", channel(lane)).set(local);
    return local;
  });
  transpose4(c, columns);
  if (count === vectorLanes) return columns;
  const pairs = [0, 2].map((lane) => {
    const local = c.local("v128");
    for (const one of [lane, lane + 1]) c.get(at).mem("v128.load64_zero", channel(one) + vectorLanes * floatBytes);
    c.shuffle32([0, 4, 1, 5]).set(local);
    return local;
  });
  const [fifth, sixth] = c.locals("v128", 2);
  c.get(pairs[0]).get(pairs[1]).shuffle32([0, 1, 4, 5]).set(fifth);
  c.get(pairs[0]).get(pairs[1]).shuffle32([2, 3, 6, 7]).set(sixth);
  c.release("v128", ...pairs);
  return [...columns, fifth, sixth];
}

/** Repeats `body` for `count` / 4 groups of channels, moving pointers by so many bytes. */
function eachFourChannels(
  c: FunctionWriter,
  count: number,
  pointers: readonly (readonly [number, number])[],
  body: () => void,
): void {
  const left = c.local("i32");
  c.i32(count / vectorLanes).set(left).loop(() => {
    body();
    for (const [pointer, bytes] of pointers) c.increment(pointer, bytes);
    c.increment(left, -1).get(left).brIf(0);
  });
  c.release("i32", left);
}

/** Writes a function (square in the image, transformed) for all channels of one square: patches of 6, or gradient tiles of 4. */
function imageTransform(module: WasmModule, map: LinearMap, size: number, channels: number, layout: WindowLayout): number {
  return module.func({ params: ["i32", "i32"] }, (c) => {
    const [image, places] = [0, 1];
    eachFourChannels(c, channels, [[image, vectorLanes * layout.plane * floatBytes], [places, vectorLanes * floatBytes]], () => {
      transformSquare(
        c,
        map,
        size,
        (row) => loadChannels(c, image, layout.plane, row * layout.pitch, size),
        (row, column, push) => {
          c.get(places);
          push();
          c.mem("v128.store", (row * PATCH + column) * channels * floatBytes);
        },
      );
    });
  });
}

/** Locals with places (row, 0..5) of four channels. */
function loadPlaces(c: FunctionWriter, at: number, row: number, stride: number): number[] {
  return Array.from({ length: PATCH }, (_, column) => {
    const local = c.local("v128");
    c.get(at).mem("v128.load", (row * PATCH + column) * stride * floatBytes).set(local);
    return local;
  });
}

/** Writes a function (transformed, output, rows) that turns one tile back, and stores `rows` rows of `columns` pixels of it. */
function outputTransform(module: WasmModule, conv: Convolution, columns: number): number {
  const { outChannels, outHeight, outWidth } = conv;
  const plane = outHeight * outWidth;
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [places, output, rows] = [0, 1, 2];
    const tile = Array.from({ length: TILE }, () => c.locals("v128", TILE));
    eachFourChannels(c, outChannels, [[places, vectorLanes * floatBytes], [output, vectorLanes * plane * floatBytes]], () => {
      transformSquare(c, placesToTile, PATCH, (row) => loadPlaces(c, places, row, outChannels), (row, column, push) => {
        push();
        c.set(tile[row][column]);
      });
      tile.forEach((line, row) =>
        c.get(rows).i32(row).op("i32.gt_s").if(() => {
          transpose4(c, line);
          line.forEach((pixels, lane) => storeLanes(c, output, pixels, columns, (lane * plane + row * outWidth) * floatBytes));
        })
      );
    });
  });
}

// --- the plan ---------------------------------------------------------------------------------------------------------------------

/** How the images are cut into tiles, bands of tile rows, and groups of tiles. */
interface Tiles {
  readonly across: number;
  readonly down: number;
  /** Rows of tiles per band. */
  readonly bandTiles: number;
  readonly bands: number;
  /** Most tiles that are transformed and multiplied together. */
  readonly together: number;
}

function cutTiles(images: number, height: number, width: number, threads: number, bandBytes: number, tileBytes: number): Tiles {
  const across = Math.ceil(width / TILE);
  const down = Math.ceil(height / TILE);
  const wanted = Math.max(Math.ceil(bandBytes / BAND_BYTES), images % threads === 0 ? 1 : Math.ceil((4 * threads) / images));
  const bandTiles = Math.ceil(down / Math.min(down, wanted));
  const tiles = bandTiles * across;
  const most = Math.max(maxTileRows, Math.floor(GROUP_BYTES / tileBytes));
  return {
    across,
    down,
    bandTiles,
    bands: Math.ceil(down / bandTiles),
    together: Math.ceil(tiles / Math.ceil(tiles / most)),
  };
}

/** A window whose outputs are whole tiles, and where its image lies; read in place only if the image has room for the last tiles. */
function tiledWindow(
  window: Omit<WindowSpec, "outRows" | "outColumns">,
  tiles: Tiles,
): { spec: WindowSpec; layout: WindowLayout } {
  const spec = (rows: number): WindowSpec => ({ ...window, outRows: rows * TILE, outColumns: tiles.across * TILE });
  const whole = layOutWindow(spec(tiles.down));
  const band = spec(tiles.bandTiles);
  return { spec: band, layout: layOutWindow(band, whole.staged) };
}

/** Cycles of a transform per channel and tile, of a filter's, and of the multiply-adds, from measurements. */
const CYCLES = { image: 18, output: 14, filter: 14, multiplyAdd: 1 / 8 };

/** Whether Winograd's way is possible, and clearly less work than the direct sum. */
export function prefersWinograd({ threads }: GeneratorContext, kernel: ConvKernel): boolean {
  const { geometry: g } = kernel;
  if (PLACES * g.c * g.o * floatBytes * threads > SUMS_BYTES) return false;
  const fits = g.kh === FILTER && g.kw === FILTER && g.groups === 1 && g.c % vectorLanes === 0 && g.o % vectorLanes === 0 &&
    [...g.stride, ...g.dilation].every((value) => value === 1);
  if (!fits) return false;
  const [height, width] = kernel.kind === "conv2dInputGrad" ? [g.h, g.w] : [g.oh, g.ow];
  const tiles = g.n * Math.ceil(height / TILE) * Math.ceil(width / TILE);
  const products = g.c * g.o;
  const direct = g.n * height * width * FILTER * FILTER * products * CYCLES.multiplyAdd;
  const transformed = tiles * (PLACES * products * CYCLES.multiplyAdd * 1.1 + g.c * CYCLES.image + g.o * CYCLES.output) +
    products * CYCLES.filter;
  return direct > serialMultiplyAdds * CYCLES.multiplyAdd && transformed < 0.85 * direct;
}

// --- forward, and the gradient with respect to the input ----------------------------------------------------------------------------

/** Transformed filters: [place][panel of `width` output channels][input channel][width] at the address in a slot of the table. */
interface Panels {
  readonly slot: number;
  readonly width: TileColumns;
}

/** conv2d and conv2dInputGrad of 3 by 3 windows. */
export const convWinograd: KernelGenerator<ConvKernel> = (context, kernel) => {
  const conv = convolutionOf(kernel);
  const width = tileColumnsFor(context, conv.outChannels, multiplyAdds(conv));
  const panels = Math.ceil(conv.outChannels / width);
  const filters: Panels = { slot: context.sharedScratch(PLACES * panels * conv.inChannels * width * floatBytes), width };
  return [
    { func: transformFilters(context, conv, filters), serial: false },
    { func: convolveTiles(context, kernel, conv, filters), serial: false },
  ];
};

/** The phase that transforms the filters into panels. */
function transformFilters(context: GeneratorContext, conv: Convolution, { slot, width }: Panels): number {
  const { inChannels, outChannels } = conv;
  const placeStride = Math.ceil(outChannels / width) * inChannels * width;
  const groups = width / vectorLanes;
  const tapAt = (row: number, column: number) => {
    const tap = row * FILTER + column;
    return conv.flipped ? FILTER * FILTER - 1 - tap : tap;
  };
  const four = context.module.func({ params: ["i32", "i32"] }, (c) => {
    const [from, to] = [0, 1];
    const loadRow = (row: number) =>
      Array.from({ length: FILTER }, (_, column) => {
        const local = c.local("v128");
        const at = (lane: number) => (lane * conv.filterOut + tapAt(row, column)) * floatBytes;
        c.get(from).mem("v128.load32_zero", at(0)).set(local);
        for (let lane = 1; lane < vectorLanes; lane++) {
          c.get(from).get(local).memLane("v128.load32_lane", lane, at(lane)).set(local);
        }
        return local;
      });
    transformSquare(c, filterToPlaces, FILTER, loadRow, (row, column, push) => {
      c.get(to);
      push();
      c.mem("v128.store", (row * PATCH + column) * placeStride * floatBytes);
    });
  });
  return context.module.func({ params: phaseParams }, (c) => {
    const { thread } = phaseLocals;
    const [unit, end, channels, input] = c.locals("i32", 4);
    setShare(c, thread, context.threads, (outChannels / vectorLanes) * inChannels, unit, end);
    c.for(unit, () => c.get(unit), () => c.get(end), 1, () => {
      c.get(unit).i32(inChannels).op("i32.div_u").set(channels).get(unit).i32(inChannels).op("i32.rem_u").set(input);
      operandAddress(c, conv.filters);
      plusScaled(c, channels, vectorLanes * conv.filterOut * floatBytes);
      plusScaled(c, input, conv.filterIn * floatBytes);
      // A panel is made of groups of four output channels.
      c.get(channels).i32(groups).op("i32.div_u").i32(inChannels).op("i32.mul").get(input).op("i32.add");
      c.i32(groups).op("i32.mul");
      c.get(channels).i32(groups).op("i32.rem_u").op("i32.add").i32(vectorLanes * floatBytes).op("i32.mul");
      slotAddress(c, slot).op("i32.add").call(four);
    });
  });
}

/** Locals of the loop over bands. */
interface BandPlaces {
  readonly image: number;
  /** First row of tiles, and how many there are. */
  readonly tileRow: number;
  readonly tileRows: number;
  /** Tiles of the band so far, and up to which they are worked on now. */
  readonly tile: number;
  readonly tileEnd: number;
}

/** Loops over the bands from local `unit` to local `end`, and over groups of tiles in each. */
function eachGroup(
  c: FunctionWriter,
  tiles: Tiles,
  unit: number,
  end: number,
  { band, group, bandDone }: {
    band: (at: BandPlaces) => void;
    group: (at: BandPlaces) => void;
    bandDone: (at: BandPlaces) => void;
  },
): void {
  const local = () => c.local("i32");
  const at: BandPlaces = { image: local(), tileRow: local(), tileRows: local(), tile: local(), tileEnd: local() };
  const count = local();
  c.for(unit, () => c.get(unit), () => c.get(end), 1, () => {
    c.get(unit).i32(tiles.bands).op("i32.div_u").set(at.image);
    c.get(unit).i32(tiles.bands).op("i32.rem_u").i32(tiles.bandTiles).op("i32.mul").set(at.tileRow);
    c.i32(tiles.down).get(at.tileRow).op("i32.sub").set(at.tileRows);
    setMin(c, at.tileRows, at.tileRows, () => c.i32(tiles.bandTiles));
    band(at);
    c.get(at.tileRows).i32(tiles.across).op("i32.mul").set(count);
    c.for(at.tile, 0, () => c.get(count), tiles.together, () => {
      setMin(c, at.tileEnd, count, () => plus(c.get(at.tile), tiles.together));
      group(at);
    });
    bandDone(at);
  });
}

/** Runs `body` for each tile of a group, with its row and column in the band. */
function eachTile(c: FunctionWriter, tiles: Tiles, at: BandPlaces, body: (row: number, column: number) => void): void {
  const [tile, row, column] = c.locals("i32", 3);
  c.for(tile, () => c.get(at.tile), () => c.get(at.tileEnd), 1, () => {
    c.get(tile).i32(tiles.across).op("i32.div_u").set(row).get(tile).i32(tiles.across).op("i32.rem_u").set(column);
    body(row, column);
  });
  c.release("i32", tile, row, column);
}

/** An image as its transform reads it. */
interface TiledImage {
  readonly access: Access;
  readonly spec: WindowSpec;
  readonly layout: WindowLayout;
  readonly transform: number;
  readonly stage: number;
  /** Bytes of scratch memory for the staged image, and where they begin. */
  readonly scratch: number;
  readonly scratchAt: number;
  /** Floats of one tile's transformed values, with spacing. */
  readonly tileStride: number;
}

/** An image to be transformed tile by tile. */
function tiledImage(
  module: WasmModule,
  access: Access,
  window: Omit<WindowSpec, "outRows" | "outColumns">,
  tiles: Tiles,
  [map, size]: readonly [LinearMap, number],
  scratchAt: number,
): TiledImage {
  const { spec, layout } = tiledWindow(window, tiles);
  return {
    access,
    spec,
    layout,
    transform: imageTransform(module, map, size, spec.channels, layout),
    stage: layout.staged ? stageImage(module, spec, layout, tiles.bands > 1) : -1,
    scratch: layout.staged ? stagedBytes(spec, layout) : 0,
    scratchAt,
    tileStride: PLACES * spec.channels + SPACING,
  };
}

/** Sets `base` to where the band's first row of the image can be read, staging it if need be. */
function setBand(c: FunctionWriter, { access, spec, layout, stage, scratchAt }: TiledImage, at: BandPlaces, base: number): void {
  const { scratch } = phaseLocals;
  operandAddress(c, access);
  plusScaled(c, at.image, spec.channels * spec.height * spec.width * floatBytes);
  if (!layout.staged) return void plusScaled(c, at.tileRow, TILE * layout.pitch * floatBytes).set(base);
  plus(c.get(scratch), scratchAt).tee(base).get(at.tileRow).i32(TILE).op("i32.mul").call(stage);
}

/** Transforms a group's squares to the address in local `to`. */
function transformGroup(c: FunctionWriter, image: TiledImage, tiles: Tiles, at: BandPlaces, base: number, to: number): void {
  const target = c.local("i32");
  c.get(to).set(target);
  eachTile(c, tiles, at, (row, column) => {
    c.get(base);
    plusScaled(c, row, TILE * image.layout.pitch * floatBytes);
    plusScaled(c, column, TILE * floatBytes);
    c.get(target).call(image.transform).increment(target, image.tileStride * floatBytes);
  });
  c.release("i32", target);
}

/**
 * Writes a function (patches, filters, products, tiles): the matrix products of a group of tiles, place by place. Rows of tiles go in
 * blocks of six and five, which may run over the group's end into scratch of no meaning.
 */
function multiplyPlaces(
  context: GeneratorContext,
  conv: Convolution,
  width: TileColumns,
  patchStride: number,
  productStride: number,
): number {
  const { inChannels, outChannels } = conv;
  const panels = Math.ceil(outChannels / width);
  const panelFloats = inChannels * width;
  const kernel = (rows: number, columns: number) =>
    microKernel(context.module, {
      rows,
      columns,
      lhsRow: patchStride,
      lhsStep: 1,
      rhsStep: width,
      resultRow: productStride,
      wholeSteps: true,
      accumulates: false,
    });
  const restColumns = outChannels % width;
  const fullPanels = Math.floor(outChannels / width);
  const sweep = (columns: number) => {
    const [six, five] = [kernel(maxTileRows, columns), kernel(maxTileRows - 1, columns)];
    return context.module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
      const [patches, panel, products, sixes, fives] = [0, 1, 2, 3, 4];
      const blocks = (count: number, rows: number, func: number) =>
        c.get(count).if(() =>
          c.loop(() => {
            c.get(patches).get(panel).get(products).i32(inChannels).i32(0).call(func);
            c.increment(patches, rows * patchStride * floatBytes).increment(products, rows * productStride * floatBytes);
            c.increment(count, -1).get(count).brIf(0);
          })
        );
      blocks(sixes, maxTileRows, six);
      blocks(fives, maxTileRows - 1, five);
    });
  };
  const full = fullPanels > 0 ? sweep(width) : -1;
  const rest = restColumns > 0 ? sweep(restColumns) : -1;
  return context.module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [patches, filters, products, tiles] = [0, 1, 2, 3];
    const [place, panel, sixes, fives] = c.locals("i32", 4);
    // As many blocks as sixes would need, of which those that can be are fives.
    plus(c.get(tiles), maxTileRows - 1).i32(maxTileRows).op("i32.div_u").set(sixes);
    c.get(sixes).i32(maxTileRows).op("i32.mul").get(tiles).op("i32.sub").set(fives);
    setMin(c, fives, fives, () => c.get(sixes));
    c.get(sixes).get(fives).op("i32.sub").set(sixes);
    const sweepPanel = (func: number) => {
      c.get(patches).get(filters).get(products).get(sixes).get(fives).call(func);
      c.increment(filters, panelFloats * floatBytes).increment(products, width * floatBytes);
    };
    c.for(place, 0, PLACES, 1, () => {
      if (full >= 0) c.for(panel, 0, fullPanels, 1, () => sweepPanel(full));
      if (rest >= 0) sweepPanel(rest);
      c.increment(patches, inChannels * floatBytes).increment(products, (outChannels - panels * width) * floatBytes);
    });
  });
}

/** The phase that computes the outputs of the thread's images. */
function convolveTiles(context: GeneratorContext, kernel: ConvKernel, conv: Convolution, filters: Panels): number {
  const { images, inChannels, outChannels, outHeight, outWidth } = conv;
  const productStride = PLACES * outChannels + SPACING;
  const imageBytes = inChannels * outHeight * outWidth * floatBytes;
  const tileBytes = (PLACES * (inChannels + outChannels) + 2 * SPACING) * floatBytes;
  const tiles = cutTiles(images, outHeight, outWidth, context.threads, imageBytes, tileBytes);
  const image = tiledImage(context.module, conv.source, conv.window, tiles, [patchToPlaces, PATCH], 0);
  const multiply = multiplyPlaces(context, conv, filters.width, image.tileStride, productStride);
  const edgeColumns = outWidth % TILE;
  const whole = outputTransform(context.module, conv, TILE);
  const edge = edgeColumns === 0 ? whole : outputTransform(context.module, conv, edgeColumns);
  const epilogue = context.epilogue(kernel);
  const rows = roundUp(tiles.together, maxTileRows);
  const patchBytes = roundUp(rows * image.tileStride * floatBytes, 64);
  context.privateScratch(image.scratch + patchBytes + rows * productStride * floatBytes);

  return context.module.func({ params: phaseParams }, (c) => {
    const { table, thread, scratch } = phaseLocals;
    const [unit, end, base, patches, products, source, row0, rowsLeft, channel] = c.locals("i32", 9);
    plus(c.get(scratch), image.scratch).set(patches);
    plus(c.get(patches), patchBytes).set(products);
    if (image.layout.staged && tiles.bands === 1) zeroBytes(c, scratch, image.scratch);
    /** Pushes the row of the domain with row `row0` of output channel 0. */
    const pushDomainRow = (at: BandPlaces) => c.get(at.image).i32(outChannels * outHeight).op("i32.mul").get(row0).op("i32.add");
    const turnBack = (at: BandPlaces) => {
      c.get(products).set(source);
      eachTile(c, tiles, at, (row, column) => {
        c.get(row).get(at.tileRow).op("i32.add").i32(TILE).op("i32.mul").set(row0);
        c.i32(outHeight).get(row0).op("i32.sub").set(rowsLeft);
        c.get(source);
        slotAddress(c, epilogue.slot);
        pushDomainRow(at).i32(outWidth * floatBytes).op("i32.mul").op("i32.add");
        plusScaled(c, column, TILE * floatBytes);
        c.get(rowsLeft);
        if (edge === whole) c.call(whole);
        else {
          const operands = c.locals("i32", 2);
          c.set(rowsLeft).set(operands[1]).set(operands[0]);
          const push = () => c.get(operands[0]).get(operands[1]).get(rowsLeft);
          c.get(column).i32(tiles.across - 1).op("i32.lt_s").if(() => push().call(whole), () => push().call(edge));
          c.release("i32", ...operands);
        }
        c.increment(source, productStride * floatBytes);
      });
    };
    const finish = (at: BandPlaces) => {
      if (epilogue.func === undefined) return;
      const func = epilogue.func;
      c.get(at.tileRow).i32(TILE).op("i32.mul").set(row0);
      c.i32(outHeight).get(row0).op("i32.sub").set(rowsLeft);
      setMin(c, rowsLeft, rowsLeft, () => c.i32(tiles.bandTiles * TILE));
      const box = (pushRows: () => void) => {
        slotAddress(c.get(table), epilogue.slot);
        pushDomainRow(at);
        pushDomainRow(at);
        pushRows();
        c.op("i32.add").i32(0).i32(outWidth).call(func);
      };
      if (tiles.bands === 1) return box(() => c.i32(outChannels * outHeight));
      c.for(channel, 0, outChannels, 1, () => {
        box(() => c.get(rowsLeft));
        c.increment(row0, outHeight);
      });
    };
    setShare(c, thread, context.threads, images * tiles.bands, unit, end);
    eachGroup(c, tiles, unit, end, {
      band: (at) => setBand(c, image, at, base),
      group: (at) => {
        transformGroup(c, image, tiles, at, base, patches);
        c.get(patches);
        slotAddress(c, filters.slot).get(products).get(at.tileEnd).get(at.tile).op("i32.sub").call(multiply);
        turnBack(at);
      },
      bandDone: finish,
    });
  });
}

// --- the gradient with respect to the filters -----------------------------------------------------------------------------------------

/** conv2dFilterGrad of 3 by 3 windows. */
export const filterGradWinograd: KernelGenerator<ConvKernel> = (context, kernel) => {
  const { geometry: g } = kernel;
  const tileBytes = (PLACES * (g.c + g.o) + 2 * SPACING) * floatBytes;
  const imageBytes = (g.c + g.o) * g.oh * g.ow * floatBytes;
  const tiles = cutTiles(g.n, g.oh, g.ow, context.threads, imageBytes, tileBytes);
  const parts = Math.min(context.threads, g.n * tiles.bands);
  const sums = context.sharedScratch(parts * PLACES * g.c * g.o * floatBytes);
  const phases: Phase[] = [
    { func: sumPlaces(context, kernel, tiles, sums, parts), serial: false },
    { func: turnFiltersBack(context, kernel, sums, parts), serial: false },
  ];
  return phases;
};

/** The phase that sums products over the thread's images: [place][output channel][input channel]. */
function sumPlaces(context: GeneratorContext, kernel: ConvKernel, tiles: Tiles, sums: number, parts: number): number {
  const { geometry: g } = kernel;
  const common = { spread: [1, 1], step: [1, 1], dilation: [1, 1] } as const;
  const patches = tiledImage(
    context.module,
    kernel.operands[0],
    {
      ...common,
      channels: g.c,
      height: g.h,
      width: g.w,
      top: g.padding.top,
      left: g.padding.left,
      kernel: [FILTER, FILTER],
    },
    tiles,
    [patchToPlaces, PATCH],
    0,
  );
  const gradient = tiledImage(
    context.module,
    kernel.operands[1],
    { ...common, channels: g.o, height: g.oh, width: g.ow, top: 0, left: 0, kernel: [1, 1] },
    tiles,
    [tileToPlaces, TILE],
    patches.scratch,
  );
  const width = tileColumnsFor(context, g.c, g.n * g.oh * g.ow * FILTER * FILTER * g.c * g.o);
  const multiply = multiplyTiles(context, g.c, g.o, width, patches.tileStride, gradient.tileStride);
  const staged = patches.scratch + gradient.scratch;
  const patchBytes = roundUp(tiles.together * patches.tileStride * floatBytes, 64);
  context.privateScratch(staged + patchBytes + tiles.together * gradient.tileStride * floatBytes);

  return context.module.func({ params: phaseParams }, (c) => {
    const { thread, scratch } = phaseLocals;
    const [unit, end, patchBase, gradientBase, patchPlaces, gradientPlaces, begun] = c.locals("i32", 7);
    plus(c.get(scratch), staged).set(patchPlaces);
    plus(c.get(patchPlaces), patchBytes).set(gradientPlaces);
    if (tiles.bands === 1) zeroBytes(c, scratch, staged);
    c.block(() => {
      // More threads than bands: the last ones have nothing to do.
      c.get(thread).i32(parts).op("i32.ge_u").brIf(0);
      setShare(c, thread, parts, g.n * tiles.bands, unit, end);
      eachGroup(c, tiles, unit, end, {
        band: (at) => {
          setBand(c, patches, at, patchBase);
          setBand(c, gradient, at, gradientBase);
        },
        group: (at) => {
          transformGroup(c, patches, tiles, at, patchBase, patchPlaces);
          transformGroup(c, gradient, tiles, at, gradientBase, gradientPlaces);
          c.get(gradientPlaces).get(patchPlaces);
          plusScaled(slotAddress(c, sums), thread, PLACES * g.c * g.o * floatBytes);
          c.get(at.tileEnd).get(at.tile).op("i32.sub").get(begun).call(multiply);
          c.i32(1).set(begun);
        },
        bandDone: () => {},
      });
    });
  });
}

/** Writes a function (gradients, patches, sums, tiles, accumulate): the matrix products over a group of tiles, place by place. */
function multiplyTiles(
  context: GeneratorContext,
  inChannels: number,
  outChannels: number,
  width: TileColumns,
  patchStride: number,
  gradientStride: number,
): number {
  const rowBlocks: Blocks = evenBlocks(outChannels, maxTileRows);
  const columns = [
    ...(inChannels >= width ? [{ columns: width, count: Math.floor(inChannels / width) }] : []),
    ...(inChannels % width > 0 ? [{ columns: inChannels % width, count: 1 }] : []),
  ];
  const kernels = columns.map((panel) =>
    blockSizes(rowBlocks).map((rows) => ({
      rows,
      func: microKernel(context.module, {
        rows,
        columns: panel.columns,
        lhsRow: 1,
        lhsStep: gradientStride,
        rhsStep: patchStride,
        resultRow: inChannels,
        wholeSteps: false,
        accumulates: true,
      }),
    }))
  );
  const counts = [rowBlocks.extra, rowBlocks.count - rowBlocks.extra].filter((count) => count > 0);
  return context.module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [gradients, patches, sums, tiles, accumulate] = [0, 1, 2, 3, 4];
    const [place, panel, block, left, result] = c.locals("i32", 5);
    c.for(place, 0, PLACES, 1, () => {
      columns.forEach(({ columns, count }, which) =>
        c.for(panel, 0, count, 1, () => {
          c.get(gradients).set(left).get(sums).set(result);
          kernels[which].forEach(({ rows, func }, size) =>
            c.for(block, 0, counts[size], 1, () => {
              c.get(left).get(patches).get(result).get(tiles).get(accumulate).call(func);
              c.increment(left, rows * floatBytes).increment(result, rows * inChannels * floatBytes);
            })
          );
          c.increment(patches, columns * floatBytes).increment(sums, columns * floatBytes);
        })
      );
      c.increment(gradients, outChannels * floatBytes).increment(sums, (outChannels - 1) * inChannels * floatBytes);
    });
  });
}

/** The phase that adds the threads' sums and turns them back into filters. */
function turnFiltersBack(context: GeneratorContext, kernel: ConvKernel, sums: number, parts: number): number {
  const { geometry: g } = kernel;
  const products = g.c * g.o;
  const taps = FILTER * FILTER;
  const four = context.module.func({ params: ["i32", "i32"] }, (c) => {
    const [places, filters] = [0, 1];
    const filter = c.locals("v128", taps);
    const loadRow = (row: number) =>
      Array.from({ length: PATCH }, (_, column) => {
        const local = c.local("v128");
        const at = (part: number) => ((part * PLACES + row * PATCH + column) * products) * floatBytes;
        c.get(places).mem("v128.load", at(0));
        for (let part = 1; part < parts; part++) c.get(places).mem("v128.load", at(part)).op("f32x4.add");
        c.set(local);
        return local;
      });
    transformSquare(c, placesToFilter, PATCH, loadRow, (row, column, push) => {
      push();
      c.set(filter[row * FILTER + column]);
    });
    // From a channel per lane to the taps of each channel.
    for (let tap = 0; tap < taps; tap += vectorLanes) {
      const some = Array.from({ length: vectorLanes }, (_, i) => filter[Math.min(tap + i, taps - 1)]);
      if (taps - tap < vectorLanes) {
        for (let lane = 0; lane < vectorLanes; lane++) {
          c.get(filters).get(filter[tap]).memLane("v128.store32_lane", lane, (lane * taps + tap) * floatBytes);
        }
      } else {
        transpose4(c, some);
        some.forEach((line, lane) => c.get(filters).get(line).mem("v128.store", (lane * taps + tap) * floatBytes));
      }
    }
  });
  const epilogue = context.epilogue(kernel);
  return context.module.func({ params: phaseParams }, (c) => {
    const { table, thread } = phaseLocals;
    const [unit, from, end] = c.locals("i32", 3);
    setShare(c, thread, context.threads, products / vectorLanes, from, end);
    c.for(unit, () => c.get(from), () => c.get(end), 1, () => {
      plusScaled(slotAddress(c, sums), unit, vectorLanes * floatBytes);
      plusScaled(slotAddress(c, epilogue.slot), unit, vectorLanes * taps * floatBytes).call(four);
    });
    if (epilogue.func === undefined) return;
    slotAddress(c.get(table), epilogue.slot);
    const pushRow = (index: number) => c.get(index).i32(vectorLanes * FILTER).op("i32.mul");
    pushRow(from);
    pushRow(end).i32(0).i32(FILTER).call(epilogue.func);
  });
}
