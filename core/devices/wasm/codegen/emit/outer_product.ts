/**
 * Outer products of vectors in registers: the step of every kernel that holds a tile of sums.
 *
 * @module
 */
import type { VectorCode } from "./vector_code.ts";

/** The vectors of a tile. */
export interface SumTile {
  /** By row and column. */
  readonly sums: readonly (readonly number[])[];
  /** Whether the factors of the rows are held in registers, or those of the columns; the others are loaded one at a time. */
  readonly holdsRows: boolean;
  /** One for each factor that is held. */
  readonly held: readonly number[];
  readonly passing: number;
}

/** Takes the vectors of a tile. */
export function sumTile(code: VectorCode, rows: number, columns: number, holdsRows: boolean): SumTile {
  const sums = Array.from({ length: rows }, () => code.vectors(columns));
  const held = code.vectors(holdsRows ? rows : columns);
  const [passing] = code.vectors(1);
  return { sums, holdsRows, held, passing };
}

/** Lets others take them. */
export function releaseSumTile(code: VectorCode, { sums, held, passing }: SumTile): void {
  code.releaseVectors(...sums.flat(), ...held, passing);
}

/** Adds to each sum the product of its row's factor and its column's; `loadRow` and `loadColumn` set a vector to a factor. */
export function addOuterProduct(
  code: VectorCode,
  { sums, holdsRows, held, passing }: SumTile,
  loadRow: (to: number, row: number) => void,
  loadColumn: (to: number, column: number) => void,
): void {
  if (holdsRows) {
    held.forEach((to, row) => loadRow(to, row));
    sums[0].forEach((_, column) => {
      loadColumn(passing, column);
      held.forEach((from, row) => code.multiplyAdd(from, passing, sums[row][column]));
    });
  } else {
    held.forEach((to, column) => loadColumn(to, column));
    sums.forEach((line, row) => {
      loadRow(passing, row);
      held.forEach((from, column) => code.multiplyAdd(passing, from, line[column]));
    });
  }
}
