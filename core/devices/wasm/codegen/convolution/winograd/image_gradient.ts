/**
 * The gradient of 3 by 3 convolutions with respect to their images as the transpose of Winograd's F(4x4, 3x3): tiles of 4 by 4 of the gradient are
 * spread over patches of 6 by 6 of the images, where they overlap.
 *
 *   dd = B [ (G w G^T) * (A dy A^T) ] B^T
 *
 * As a convolution of the padded gradient (`convolution.ts`) it has outputs for each pixel of the images; so it has fewer tiles where images
 * are larger than their gradient, which is what a convolution without padding makes of them. Its tiles are also those that the gradient with
 * respect to the filters is made of.
 *
 * @module
 */
import type { ConvKernel } from "../../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type Epilogue, type GeneratorContext, phaseLocals } from "../../context.ts";
import { operandAddress, plus, plusScaled, slotAddress } from "../../emit/addresses.ts";
import { floatBytes, zeroBytes } from "../../emit/vectors.ts";
import { inputGradientConvolution, multiplyAdds } from "../problem.ts";
import { directTile } from "./direct_tile.ts";
import { filterScale, unevenSpread } from "./evenness.ts";
import { type FilterPanels, filterPanels, transformFilters } from "./filters.ts";
import type { GradientLocals, GradientSteps, GradientTiles, GradientUse } from "./gradient_tiles.ts";
import { componentsToPatch, tilesOf4 } from "./linear_maps.ts";
import { imagePlanes, layOutPixels, pixelBytes, type PixelLayout, spreadPlanes, squarePlanes } from "./pixels.ts";
import { multiplyComponents, tilesInBlocks } from "./products.ts";
import { spreadTransform } from "./squares.ts";
import { copyBand, pushTileMagnitudes, pushTilePixels } from "./tiled_image.ts";
import { eachTile, gradientTiling, tileSpacing, writerFor } from "./tiling.ts";

const { tile: tileSize, patch: patchSize } = tilesOf4;
/** Pixels that the patches of neighbouring tiles have in common, along one axis. */
export const overlap = patchSize - tileSize;

/** Bytes of a word that says whether a tile is uneven. */
const wordBytes = 4;

/** The planes of a tile with zeros around, as far as its windows reach, and of what it is spread over. */
const frame = { pitch: tileSize + 2 * overlap, plane: (tileSize + 2 * overlap) ** 2 };
const spreadLayout = { pitch: 8, plane: 8 * patchSize };

/** Whether images are whole pieces of the work, and are covered by what their gradient is spread over. */
export function mayBeSpread(g: ConvGeometry, threads: number): boolean {
  return gradientTiling(g, threads).bands === 1 && g.padding.top >= 0 && g.padding.left >= 0 &&
    g.h + g.padding.top <= g.oh + overlap &&
    g.w + g.padding.left <= g.ow + overlap;
}

/** What the steps are made of. */
interface ImageGradient {
  readonly geometry: ConvGeometry;
  readonly filters: ConvKernel["operands"][number];
  readonly tiles: GradientTiles;
  readonly panels: FilterPanels;
  readonly epilogue: Epilogue;
  /** The area of pixels that tiles are spread over. */
  readonly layout: PixelLayout;
  readonly productStride: number;
  /** Functions. */
  readonly multiply: number;
  readonly spread: number;
  readonly toPlanes: number;
  readonly scale: number;
  readonly uneven: number;
  readonly toFrame: number;
  readonly direct: number;
  readonly spreadDirect: number;
  /** Where in private memory products, the area of pixels, words of uneven tiles, their frames and what these are spread over begin. */
  readonly productsAt: number;
  readonly pixelsAt: number;
  readonly wordsAt: number;
  readonly frameAt: number;
  readonly spreadAt: number;
}

/** The gradient with respect to the images: what is done with the tiles of the gradient. */
export function imageGradientUse(context: GeneratorContext, kernel: ConvKernel, shared: GradientTiles): GradientUse {
  const { module } = context;
  const { geometry: g, operands } = kernel;
  const { tiling, gradient, memory } = shared;
  const conv = { ...inputGradientConvolution(kernel), flipped: false };
  const tiles = context.tiles(multiplyAdds(conv), g.c);
  const panels = filterPanels(context, tilesOf4, conv, tiles, 1);
  const productStride = tilesOf4.components * g.c + tileSpacing;
  const sizes = {
    components: tilesOf4.components,
    inChannels: g.o,
    outChannels: g.c,
    tiles,
    patchStride: gradient.tileStride,
    productStride,
    together: tiling.together,
  };
  const layout = layOutPixels(tiling.down * tileSize + overlap, tiling.across * tileSize + overlap, g.c);
  const { top, left } = g.padding;
  const spreadSizes = { ...conv, flipped: true, outHeight: patchSize, outWidth: spreadLayout.pitch };
  const parts: ImageGradient = {
    geometry: g,
    filters: operands[1],
    tiles: shared,
    panels,
    epilogue: context.epilogue(kernel),
    layout,
    productStride,
    multiply: multiplyComponents(module, sizes),
    spread: spreadTransform(writerFor(module, tiles, g.c), tilesOf4, componentsToPatch, layout),
    toPlanes: imagePlanes(module, { channels: g.c, height: g.h, width: g.w, top, left }, layout),
    scale: filterScale(module, context.threads),
    uneven: unevenSpread(module, gradient.layout, g.h, g.w),
    toFrame: squarePlanes(module, tileSize, gradient.layout, frame),
    direct: directTile(module, tilesOf4, spreadSizes, frame, tileSize),
    spreadDirect: spreadPlanes(module, patchSize, overlap, layout, spreadLayout),
    productsAt: memory.take(tilesInBlocks(sizes) * productStride * floatBytes),
    pixelsAt: memory.take(pixelBytes(layout).pixels),
    wordsAt: memory.take(tiling.together * wordBytes),
    frameAt: memory.take(g.o * frame.plane * floatBytes),
    spreadAt: memory.take(g.c * spreadLayout.plane * floatBytes),
  };
  return {
    before: [{ func: transformFilters(context, conv, panels), pieces: context.threads }],
    write: (c, locals) => imageGradientSteps(c, parts, locals),
    after: [],
  };
}

function imageGradientSteps(c: FunctionWriter, parts: ImageGradient, { components, unusable }: GradientLocals): GradientSteps {
  const { geometry: g, tiles: { tiling, gradient }, panels, epilogue, layout, productStride } = parts;
  const [pixels, tileProducts, loadWord, storeWord, place] = c.locals("i32", 5);
  const scale = c.local("f32");
  const pushOwn = (at: number) => plus(c.get(phaseLocals.scratch), at);
  const clear = () => clearOverlap(c, layout, pixels, place);
  const begin = () => {
    pushOwn(parts.pixelsAt).set(pixels);
    clear();
    pushOwn(parts.frameAt).set(place);
    zeroBytes(c, place, g.o * frame.plane * floatBytes);
    plus(slotAddress(c, panels.slot), panels.magnitudes * floatBytes).call(parts.scale).set(scale);
  };
  return {
    begin,
    beginGroup: () => {
      pushOwn(parts.productsAt).set(tileProducts);
      pushOwn(parts.wordsAt).tee(loadWord).set(storeWord);
    },
    check: (row, column) => {
      c.get(loadWord);
      pushTileMagnitudes(c, gradient, row, column, overlap);
      plus(c.get(row).i32(tileSize).op("i32.mul"), -g.padding.top);
      plus(c.get(column).i32(tileSize).op("i32.mul"), -g.padding.left);
      c.get(scale).call(parts.uneven);
      if (unusable !== undefined) c.tee(unusable);
      c.mem("i32.store").increment(loadWord, wordBytes);
    },
    multiply: (tiles) => {
      slotAddress(c.get(components), panels.slot);
      pushOwn(parts.productsAt).get(tiles).call(parts.multiply);
    },
    store: (band) => {
      eachTile(c, tiling, band, (row, column) => {
        plusScaled(c.get(pixels), row, tileSize * layout.pitch * floatBytes);
        plusScaled(c, column, tileSize * layout.channels * floatBytes).set(place);
        c.get(storeWord).mem("i32.load").if(() => {
          // Other images of the group have been copied since.
          if (tiling.imagesTogether > 1) copyBand(c, gradient, band);
          spreadDirectly(c, parts, row, column, place);
        }, () => c.get(tileProducts).get(place).call(parts.spread));
        c.increment(tileProducts, productStride * floatBytes).increment(storeWord, wordBytes);
      });
    },
    endBand: ({ image }) => {
      c.get(pixels);
      plusScaled(slotAddress(c, epilogue.slot), image, g.c * g.h * g.w * floatBytes).call(parts.toPlanes);
      clear();
      if (epilogue.func === undefined) return;
      const pushRow = (after: number) => plus(c.get(image), after).i32(g.c * g.h).op("i32.mul");
      slotAddress(c.get(phaseLocals.table), epilogue.slot);
      pushRow(0);
      pushRow(1).i32(0).i32(g.w).call(epilogue.func);
    },
  };
}

/** Zeroes the first rows and columns of the area, which nothing is stored to before it is added to. */
function clearOverlap(c: FunctionWriter, { pitch, rows, columns, channels }: PixelLayout, pixels: number, place: number): void {
  for (let row = 0; row < overlap; row++) {
    plus(c.get(pixels), row * pitch * floatBytes).set(place);
    zeroBytes(c, place, columns * channels * floatBytes);
  }
  plus(c.get(pixels), overlap * pitch * floatBytes).set(place);
  c.repeat(rows - overlap, () => {
    zeroBytes(c, place, overlap * channels * floatBytes);
    c.increment(place, pitch * floatBytes);
  });
}

/** Computes directly what an uneven tile is spread to, in squares of 4 by 4 that cover the patch. */
function spreadDirectly(c: FunctionWriter, parts: ImageGradient, row: number, column: number, place: number): void {
  const pushOwn = (at: number) => plus(c.get(phaseLocals.scratch), at);
  pushTilePixels(c, parts.tiles.gradient, row, column);
  pushOwn(parts.frameAt + (overlap * frame.pitch + overlap) * floatBytes).call(parts.toFrame);
  for (const y of [0, overlap]) {
    for (const x of [0, overlap]) {
      pushOwn(parts.frameAt + (y * frame.pitch + x) * floatBytes);
      operandAddress(c, parts.filters);
      pushOwn(parts.spreadAt + (y * spreadLayout.pitch + x) * floatBytes).i32(tileSize).call(parts.direct);
    }
  }
  pushOwn(parts.spreadAt).get(place).call(parts.spreadDirect);
}
