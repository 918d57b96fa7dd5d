/**
 * The columns of an image that a tile of neighbouring outputs needs, loaded row by row: each once, as vectors where they are aligned.
 *
 * What depends on the tile only (clamped columns, whether they are inside) is computed once, before the loops over rows.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import { type Shader, u32 } from "./shader.ts";

/** Which columns a tile needs, relative to its base column. */
export interface ImageColumnsSpec {
  readonly image: Access;
  readonly width: number;
  /** The largest base column; the smallest is 0. */
  readonly maxBase: number;
  /** What every base column is a multiple of. */
  readonly baseStep: number;
  readonly deltas: readonly number[];
}

/** A loaded column: its value (0 outside the image), and the condition that it is inside, if it may not be. */
export interface ImageColumn {
  readonly value: string;
  readonly inside: string | undefined;
}

/** One load: of the four columns from `first` on, or of one. */
interface Load {
  readonly first: number;
  readonly isVector: boolean;
  readonly column: string;
  readonly inside: string | undefined;
}

/** Loads the columns of rows. */
export class ImageColumns {
  readonly #shader: Shader;
  readonly #spec: ImageColumnsSpec;
  readonly #deltas: readonly number[];
  readonly #loads: readonly Load[];

  /** Writes what is common to all rows. `base` names the tile's base column. */
  constructor(shader: Shader, spec: ImageColumnsSpec, base: string) {
    this.#shader = shader;
    this.#spec = spec;
    this.#deltas = [...new Set(spec.deltas)].sort((a, b) => a - b);
    // A vector pays where at least three of its four columns are wanted.
    const wanted = (block: number) => this.#deltas.filter((delta) => blockOf(delta) === block).length;
    const fillsVector = (delta: number) => wanted(blockOf(delta)) >= 3;
    const usesVectors = areAligned(spec) && this.#deltas.some(fillsVector) && shader.canViewAsVectors(spec.image.buffer);
    if (usesVectors) shader.viewAsVectors(spec.image.buffer);
    const loads = new Map(
      this.#deltas.map((delta) => usesVectors && fillsVector(delta) ? [blockOf(delta), true] : [delta, false]),
    );
    this.#loads = [...loads].map(([first, isVector]) => this.#plan(first, isVector, base));
  }

  /**
   * Loads the columns of a row, by delta.
   *
   * @param row Names the address of the row's column 0; it must be in the image.
   * @param rowInside The condition that it is the right row, if it may not be: else all its values are 0.
   */
  load(row: string, rowInside?: string): Map<number, ImageColumn> {
    const shader = this.#shader;
    const { buffer } = this.#spec.image;
    const columns = new Map<number, ImageColumn>();
    for (const { first, isVector, column, inside: columnInside } of this.#loads) {
      const conditions = [columnInside, rowInside].filter((condition) => condition !== undefined);
      const inside = conditions.length > 0 ? shader.define(conditions.join(" && ")) : undefined;
      const address = shader.define(`${row} + ${column}`, "a");
      const loaded = shader.define(isVector ? shader.loadVector(buffer, address) : shader.load(buffer, address));
      for (const delta of this.#deltas) {
        if (isVector ? blockOf(delta) !== first : delta !== first) continue;
        const value = isVector ? shader.component(buffer, loaded, delta - first) : loaded;
        columns.set(delta, { value: inside ? shader.define(`select(0.0, ${value}, ${inside})`) : value, inside });
      }
    }
    return columns;
  }

  #plan(first: number, isVector: boolean, base: string): Load {
    const shader = this.#shader;
    const { width, maxBase } = this.#spec;
    const last = first + (isVector ? 3 : 0);
    const column = first === 0 ? base : shader.define(`${base} + ${u32(first)}`, "x");
    // Columns left of the image wrap around to large numbers.
    if (first >= 0 && maxBase + last < width) return { first, isVector, column, inside: undefined };
    const inside = shader.define(`${column} < ${width}u`, "in");
    return { first, isVector, column: shader.define(`select(0u, ${column}, ${inside})`, "x"), inside };
  }
}

/** The first of the four columns of a vector. */
function blockOf(delta: number): number {
  return Math.floor(delta / 4) * 4;
}

/** Whether aligned groups of four columns can be loaded at once. */
function areAligned({ image, width, baseStep }: ImageColumnsSpec): boolean {
  return image.offset % 4 === 0 && width % 4 === 0 && baseStep % 4 === 0;
}
