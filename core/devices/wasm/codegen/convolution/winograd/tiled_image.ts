/**
 * Images that are transformed tile by tile: staged by bands if they cannot be read in place.
 *
 * @module
 */
import type { Access } from "../../../../../ir/kernel.ts";
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { phaseLocals } from "../../context.ts";
import { operandAddress, plus, plusScaled } from "../../emit/addresses.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { stageImage } from "../staging.ts";
import { stagedBytes, type WindowLayout, type WindowSpec } from "../window.ts";
import type { LinearMap, WinogradForm } from "./linear_maps.ts";
import { imageTransform } from "./squares.ts";
import { type Band, eachTile, tiledWindow, tileSpacing, type Tiling } from "./tiling.ts";

/** An image as its transform reads it. */
export interface TiledImage {
  readonly form: WinogradForm;
  readonly access: Access;
  readonly spec: WindowSpec;
  readonly layout: WindowLayout;
  /** The functions that transform a square, and that stage a band. */
  readonly transform: number;
  readonly stage: number;
  /** Bytes of private memory for the staged image, and where they begin. */
  readonly stagedBytes: number;
  readonly stagedAt: number;
  /** Floats from the components of one tile to those of the next. */
  readonly tileStride: number;
}

/** Writes the functions for an image whose squares, of `size` pixels a side, are transformed by a map. */
export function tiledImage(
  module: WasmModule,
  access: Access,
  window: Omit<WindowSpec, "outRows" | "outColumns">,
  tiling: Tiling,
  [map, size]: readonly [LinearMap, number],
  stagedAt: number,
): TiledImage {
  const { spec, layout } = tiledWindow(window, tiling);
  const { form } = tiling;
  return {
    form,
    access,
    spec,
    layout,
    transform: imageTransform(module, form, map, size, spec.channels, layout),
    stage: layout.staged ? stageImage(module, spec, layout, tiling.bands > 1) : -1,
    stagedBytes: layout.staged ? stagedBytes(spec, layout) : 0,
    stagedAt,
    tileStride: form.components * spec.channels + tileSpacing,
  };
}

/** Sets the local `base` to the address of the band's first row of the image, after staging it if need be. */
export function setBand(c: FunctionWriter, image: TiledImage, band: Band, base: number): void {
  const { access, form, spec, layout, stage, stagedAt } = image;
  operandAddress(c, access);
  plusScaled(c, band.image, spec.channels * spec.height * spec.width * floatBytes);
  if (layout.staged) {
    plus(c.get(phaseLocals.scratch), stagedAt).tee(base).get(band.tileRow).i32(form.tile).op("i32.mul").call(stage);
  } else plusScaled(c, band.tileRow, form.tile * layout.pitch * floatBytes).set(base);
}

/** Transforms the squares of a group, from the band at local `base` to the address in local `target`, which moves on. */
export function transformGroup(
  c: FunctionWriter,
  image: TiledImage,
  tiling: Tiling,
  band: Band,
  base: number,
  target: number,
): void {
  eachTile(c, tiling, band, (row, column) => {
    c.get(base);
    plusScaled(c, row, image.form.tile * image.layout.pitch * floatBytes);
    plusScaled(c, column, image.form.tile * floatBytes);
    c.get(target).call(image.transform).increment(target, image.tileStride * floatBytes);
  });
}
