/**
 * The tiles of a gradient: what the gradients of a convolution with respect to its images and to its filters are made of, one of them or both.
 *
 * Both read the same tiles of 4 by 4, transformed the same way: together they copy and transform them once, while what they multiply them by
 * is in the second-level cache.
 *
 * @module
 */
import type { Access } from "../../../../../ir/kernel.ts";
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../../context.ts";
import { plus } from "../../emit/addresses.ts";
import { roundUp } from "../../emit/blocks.ts";
import { setShare } from "../../emit/shares.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { tilesOf4, tileToComponents } from "./linear_maps.ts";
import { copyBand, type TiledImage, tiledImage, transformGroup } from "./tiled_image.ts";
import { type Band, eachGroup, eachTile, filterSize, gradientTiling, type Tiling } from "./tiling.ts";
import { maxTileRows } from "../../matmul/tile.ts";

/** The gradient, and the memory of what is made of it. */
export interface GradientTiles {
  readonly tiling: Tiling;
  readonly gradient: TiledImage;
  readonly memory: PrivateMemory;
  readonly pieces: number;
}

/** Private memory that is dealt out. */
class PrivateMemory {
  /** Bytes that are taken. */
  bytes = 0;

  /** Takes some more; gives where they begin. */
  take(bytes: number): number {
    const at = this.bytes;
    this.bytes += roundUp(bytes, 64);
    return at;
  }
}

/** Locals of the phase. */
export interface GradientLocals {
  /** Addresses of the components of a group, and of those of the tile that is checked. */
  readonly components: number;
  readonly tile: number;
  /** Whether others have no use for the components of that tile; undefined if there are no others. */
  readonly unusable: number | undefined;
}

/** What one of the results does with the tiles. */
export interface GradientSteps {
  readonly begin?: () => void;
  readonly beginGroup?: () => void;
  readonly beginBand?: (band: Band) => void;
  /** The tiles of a group in the band at hand, together, and one by one, with their row and column. */
  readonly load?: (band: Band) => void;
  readonly check?: (row: number, column: number) => void;
  readonly multiply?: (tiles: number) => void;
  readonly store?: (band: Band) => void;
  readonly endBand?: (band: Band) => void;
  readonly end?: () => void;
}

/** A result: what writes its steps, and its phases before and after. */
export interface GradientUse {
  readonly before: readonly Phase[];
  readonly write: (c: FunctionWriter, locals: GradientLocals) => GradientSteps;
  readonly after: readonly Phase[];
}

/**
 * Writes the phases of some results: the first may find the components of tiles unusable, which the second then may overwrite. Magnitudes
 * are known of so many pixels around a tile.
 */
export function gradientPhases(
  context: GeneratorContext,
  g: ConvGeometry,
  access: Access,
  pieces: number,
  around: number,
  usesOf: (tiles: GradientTiles) => readonly GradientUse[],
): readonly Phase[] {
  const { module } = context;
  const tiling = gradientTiling(g, context.threads);
  const memory = new PrivateMemory();
  const source = { channels: g.o, height: g.oh, width: g.ow, top: 0, left: 0 };
  const tiles = context.tiles(g.n * g.oh * g.ow * filterSize ** 2 * g.c * g.o, g.c);
  const map = [tileToComponents, tilesOf4.tile] as const;
  const gradient = tiledImage(module, access, source, tiling, tiles, map, 0, around);
  memory.take(gradient.end);
  // Products may run over the last tile.
  const componentsAt = memory.take((tiling.together + maxTileRows) * gradient.tileStride * floatBytes);
  const uses = usesOf({ tiling, gradient, memory, pieces });
  context.privateScratch(memory.bytes);
  const func = module.func({ params: phaseParams }, (c) => {
    const [unit, end, components, tile, target] = c.locals("i32", 5);
    const unusable = uses.length > 1 ? c.local("i32") : undefined;
    const steps = uses.map((use) => use.write(c, { components, tile, unusable }));
    plus(c.get(phaseLocals.scratch), componentsAt).set(components);
    for (const { begin } of steps) begin?.();
    setShare(c, phaseLocals.piece, pieces, tiling.units, unit, end);
    eachGroup(c, tiling, [unit, end], {
      beginGroup: () => {
        c.get(components).tee(tile).set(target);
        for (const { beginGroup } of steps) beginGroup?.();
      },
      beginBand: (band) => {
        copyBand(c, gradient, band);
        for (const { beginBand } of steps) beginBand?.(band);
      },
      load: (band) => {
        transformGroup(c, gradient, tiling, band, target);
        for (const { load } of steps) load?.(band);
        eachTile(c, tiling, band, (row, column) => {
          for (const { check } of steps) check?.(row, column);
          c.increment(tile, gradient.tileStride * floatBytes);
        });
      },
      multiply: (count) => {
        for (const { multiply } of steps) multiply?.(count);
      },
      store: (band) => {
        for (const { store } of steps) store?.(band);
      },
      endBand: (band) => {
        for (const { endBand } of steps) endBand?.(band);
      },
    });
    for (const { end } of steps) end?.();
  });
  return [...uses.flatMap(({ before }) => before), { func, pieces }, ...uses.flatMap(({ after }) => after)];
}
