/**
 * Rows of an image: the columns that a tile of neighbouring outputs needs, each loaded once, as vectors where they are aligned.
 *
 * What depends on the tile only (clamped columns, whether they are inside) is computed once, before the loops over rows.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import { type Shader, u32 } from "./shader.ts";

/** Which columns a tile needs, relative to its base column. */
export interface ColumnsSpec {
  readonly image: Access;
  readonly width: number;
  /** The largest base column; the smallest is 0. */
  readonly maxBase: number;
  /** What every base column is a multiple of. */
  readonly baseStep: number;
  readonly deltas: readonly number[];
}

/** A loaded column: its value (0 outside the image), and the condition that it is inside, if it may not be. */
export interface Column {
  readonly value: string;
  readonly inside: string | undefined;
}

/** One load: of four columns or one. */
interface Piece {
  readonly first: number;
  readonly vector: boolean;
  readonly at: string;
  readonly inside: string | undefined;
}

/** Whether aligned groups of four columns can be loaded at once. */
function areAligned({ image, width, baseStep }: ColumnsSpec): boolean {
  return image.offset % 4 === 0 && width % 4 === 0 && baseStep % 4 === 0;
}

/** Loads the columns of rows. */
export class Columns {
  private readonly pieces: readonly Piece[];
  private readonly deltas: readonly number[];

  /** Writes what is common to all rows. `base` names the tile's base column. */
  constructor(private readonly shader: Shader, private readonly spec: ColumnsSpec, base: string) {
    this.deltas = [...new Set(spec.deltas)].sort((a, b) => a - b);
    // A vector pays where at least three of its four columns are wanted.
    const blockOf = (delta: number) => Math.floor(delta / 4) * 4;
    const wanted = (block: number) => this.deltas.filter((delta) => blockOf(delta) === block).length;
    const vectors = areAligned(spec) && this.deltas.some((delta) => wanted(blockOf(delta)) >= 3) &&
      shader.canViewAsVectors(spec.image.buffer);
    if (vectors) shader.viewAsVectors(spec.image.buffer);
    const inVector = (delta: number) => vectors && wanted(blockOf(delta)) >= 3;
    const pieces = new Map(this.deltas.map((delta) => inVector(delta) ? [blockOf(delta), true] : [delta, false]));
    this.pieces = [...pieces].map(([first, vector]) => this.piece(first, vector, base));
  }

  /**
   * Loads the columns of a row.
   *
   * @param row Names the address of the row's column 0; it must be in the image.
   * @param rowInside The condition that it is the right row, if it may not be: else all its values are 0.
   */
  load(row: string, rowInside?: string): Map<number, Column> {
    const columns = new Map<number, Column>();
    for (const piece of this.pieces) {
      const { buffer } = this.spec.image;
      const conditions = [piece.inside, rowInside].filter((condition) => condition !== undefined);
      const inside = conditions.length > 0 ? this.shader.define(conditions.join(" && ")) : undefined;
      const at = this.shader.define(`${row} + ${piece.at}`, "a");
      const loaded = this.shader.define(piece.vector ? this.shader.loadVector(buffer, at) : this.shader.load(buffer, at));
      for (const delta of this.deltas) {
        if (piece.vector ? Math.floor(delta / 4) * 4 !== piece.first : delta !== piece.first) continue;
        const value = piece.vector ? this.shader.component(buffer, loaded, delta - piece.first) : loaded;
        columns.set(delta, { value: inside ? this.shader.define(`select(0.0, ${value}, ${inside})`) : value, inside });
      }
    }
    return columns;
  }

  private piece(first: number, vector: boolean, base: string): Piece {
    const { width, maxBase } = this.spec;
    const last = first + (vector ? 3 : 0);
    const column = first === 0 ? base : this.shader.define(`${base} + ${u32(first)}`, "x");
    // Columns left of the image wrap around to large numbers.
    if (first >= 0 && maxBase + last < width) return { first, vector, at: column, inside: undefined };
    const inside = this.shader.define(`${column} < ${width}u`, "in");
    return { first, vector, at: this.shader.define(`select(0u, ${column}, ${inside})`, "x"), inside };
  }
}
