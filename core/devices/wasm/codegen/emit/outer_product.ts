/**
 * Outer products of vectors in registers: the step of every kernel that holds a tile of sums.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";

/** The locals of a tile. */
export interface SumTile {
  /** By row and column. */
  readonly sums: readonly (readonly number[])[];
  /** Whether the factors of the rows are held in registers, or those of the columns; the others are loaded one at a time. */
  readonly holdsRows: boolean;
  /** One for each factor that is held. */
  readonly held: readonly number[];
  readonly passing: number;
}

/** Adds to each sum the product of its row's factor and its column's; `loadRow` and `loadColumn` set a local to a factor. */
export function addOuterProduct(
  c: FunctionWriter,
  { sums, holdsRows, held, passing }: SumTile,
  loadRow: (to: number, row: number) => void,
  loadColumn: (to: number, column: number) => void,
): void {
  const multiplyAdd = (row: number, column: number, sum: number) =>
    c.get(row).get(column).get(sum).op("f32x4.relaxed_madd").set(sum);
  if (holdsRows) {
    held.forEach((to, row) => loadRow(to, row));
    sums[0].forEach((_, column) => {
      loadColumn(passing, column);
      held.forEach((from, row) => multiplyAdd(from, passing, sums[row][column]));
    });
  } else {
    held.forEach((to, column) => loadColumn(to, column));
    sums.forEach((line, row) => {
      loadRow(passing, row);
      held.forEach((from, column) => multiplyAdd(passing, from, line[column]));
    });
  }
}
