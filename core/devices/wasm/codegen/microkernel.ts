/**
 * The innermost loop of matrix products: a tile of the result held in registers while the inner product goes by.
 *
 * Each step adds an outer product: `rows` broadcast elements of the left matrix times a few vectors of the right one. Of the two,
 * the fewer wait in registers and the others pass by. 6 rows by 8 columns, with 12 vectors of sums, is the largest tile that fits
 * the 15 registers there are, and the one with the best ratio of multiply-adds to loads. Where the engine merges two neighbouring
 * vectors into one register of twice the length (see `wide_tile.ts`), it is 6 by 16: the code is the same, with more columns.
 *
 * @module
 */
import type { WasmModule } from "./assembler/module.ts";
import { floatBytes, storeLanes, vectorLanes } from "./emit/vectors.ts";

/** Rows of the best tile. */
export const maxTileRows = 6;
/** Columns of the best tile: for registers of one vector, and where the engine has some for two. */
export type TileColumns = 8 | 16;
export const narrowTile: TileColumns = 8;
export const wideTile: TileColumns = 16;

/** Columns of the tiles of a product that has `columns`. */
export function tileColumnsFor(
  context: { tileColumns(multiplyAdds: number): TileColumns },
  columns: number,
  multiplyAdds: number,
): TileColumns {
  return columns > narrowTile ? context.tileColumns(multiplyAdds) : narrowTile;
}

/** Steps that are written out one after the other. */
const UNROLL = 4;

/** A tile and how its operands lie; distances in floats. */
export interface TileSpec {
  readonly rows: number;
  readonly columns: number;
  /** In the left matrix: from row to row, and from step to step. */
  readonly lhsRow: number;
  readonly lhsStep: number;
  /** In the right matrix from step to step; its columns are contiguous. */
  readonly rhsStep: number;
  readonly resultRow: number;
  /** Whether the number of steps is always a multiple of four. */
  readonly wholeSteps: boolean;
  /** Whether the tile may be asked to add to the result. */
  readonly accumulates: boolean;
}

/** Writes a function (lhs, rhs, result, steps, accumulate): result = lhs rhs, plus the result before if `accumulate` is not 0. */
export function microKernel(module: WasmModule, spec: TileSpec): number {
  const { rows, columns, lhsRow, lhsStep, rhsStep } = spec;
  const vectors = Math.ceil(columns / vectorLanes);
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [lhs, rhs, result, steps, accumulate] = [0, 1, 2, 3, 4];
    const sums = Array.from({ length: rows }, () => c.locals("v128", vectors));
    const held = c.locals("v128", Math.min(rows, vectors));
    const passing = c.local("v128");
    const count = c.local("i32");
    const eachSum = (body: (sum: number, row: number, offset: number) => void) =>
      sums.forEach((line, row) => line.forEach((sum, v) => body(sum, v, (row * spec.resultRow + v * vectorLanes) * floatBytes)));
    const loadLeft = (to: number, row: number, at: number) =>
      c.get(lhs).mem("v128.load32_splat", (row * lhsRow + at * lhsStep) * floatBytes).set(to);
    const loadRight = (to: number, v: number, at: number) =>
      c.get(rhs).mem("v128.load", (at * rhsStep + v * vectorLanes) * floatBytes).set(to);
    const multiplyAdd = (left: number, right: number, sum: number) =>
      c.get(left).get(right).get(sum).op("f32x4.relaxed_madd").set(sum);
    const step = (at: number) => {
      if (rows < vectors) {
        held.forEach((left, row) => loadLeft(left, row, at));
        for (let v = 0; v < vectors; v++) {
          loadRight(passing, v, at);
          held.forEach((left, row) => multiplyAdd(left, passing, sums[row][v]));
        }
      } else {
        held.forEach((right, v) => loadRight(right, v, at));
        sums.forEach((line, row) => {
          loadLeft(passing, row, at);
          held.forEach((right, v) => multiplyAdd(passing, right, line[v]));
        });
      }
    };
    const stepping = (pushRounds: () => void, unroll: number) => {
      pushRounds();
      c.tee(count).if(() => {
        c.loop(() => {
          for (let at = 0; at < unroll; at++) step(at);
          c.increment(lhs, lhsStep * unroll * floatBytes).increment(rhs, rhsStep * unroll * floatBytes);
          c.increment(count, -1).get(count).brIf(0);
        });
      });
    };
    if (spec.accumulates) {
      // Columns that do not exist are read along, and never stored.
      c.get(accumulate).if(() => eachSum((sum, _, offset) => c.get(result).mem("v128.load", offset).set(sum)));
    }
    stepping(() => c.get(steps).i32(Math.log2(UNROLL)).op("i32.shr_u"), UNROLL);
    if (!spec.wholeSteps) stepping(() => c.get(steps).i32(UNROLL - 1).op("i32.and"), 1);
    eachSum((sum, v, offset) => storeLanes(c, result, sum, columns - v * vectorLanes, offset));
  });
}
