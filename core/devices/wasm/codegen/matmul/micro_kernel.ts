/**
 * The innermost loop of matrix products: a tile of the result held in registers over all steps of the inner product.
 *
 * Each step adds an outer product: `rows` broadcast elements of the left matrix times a few vectors of the right one. Of the two,
 * the fewer are held in registers and the others loaded one at a time. 6 rows by 8 columns, with 12 vectors of sums, is the
 * largest tile that fits the 15 registers there are, and the one with the best ratio of multiply-adds to loads. Where the engine
 * merges two neighbouring vectors into one register of twice the length (see `tile_loops.ts`), it is 6 by 16: the code is the
 * same, with more columns.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { addOuterProduct, type SumTile } from "../emit/outer_product.ts";
import { floatBytes, storeLanes, vectorLanes } from "../emit/vectors.ts";

/** Steps that are written out one after the other. */
const unrolledSteps = 4;

/** A tile and the layout of its operands; distances in floats. */
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
  /** If the steps come in runs: from one run to the next in either matrix. */
  readonly runs?: { readonly lhs: number; readonly rhs: number };
}

/**
 * Writes a function (lhs, rhs, result, steps, accumulate): result = lhs rhs, plus the result before if `accumulate` is not 0. Where the
 * steps come in runs the last parameter is their number instead, and `steps` those of each.
 */
export function microKernel(module: WasmModule, spec: TileSpec): number {
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => new MicroKernel(c, spec).write());
}

class MicroKernel {
  readonly #c: FunctionWriter;
  readonly #spec: TileSpec;
  /** Locals: sums by row and vector, and the operands of a step. */
  readonly #tile: SumTile;
  readonly #count: number;

  constructor(c: FunctionWriter, spec: TileSpec) {
    this.#c = c;
    this.#spec = spec;
    const { rows } = spec;
    const vectors = Math.ceil(spec.columns / vectorLanes);
    this.#tile = {
      sums: Array.from({ length: rows }, () => c.locals("v128", vectors)),
      holdsRows: rows < vectors,
      held: c.locals("v128", Math.min(rows, vectors)),
      passing: c.local("v128"),
    };
    this.#count = c.local("i32");
  }

  write(): void {
    const c = this.#c;
    const { accumulates, columns, runs } = this.#spec;
    const [result, accumulate] = [2, 4];
    if (accumulates) {
      // Columns that do not exist are read along, and never stored.
      c.get(accumulate).if(() => this.#eachSum((sum, _, offset) => c.get(result).mem("v128.load", offset).set(sum)));
    }
    if (runs) this.#eachRun(runs);
    else this.#run();
    this.#eachSum((sum, v, offset) => storeLanes(c, result, sum, columns - v * vectorLanes, offset));
  }

  /** Adds the products of all steps of a run. */
  #run(): void {
    const [c, steps] = [this.#c, 3];
    this.#loop(() => c.get(steps).i32(Math.log2(unrolledSteps)).op("i32.shr_u"), unrolledSteps);
    if (!this.#spec.wholeSteps) this.#loop(() => c.get(steps).i32(unrolledSteps - 1).op("i32.and"), 1);
  }

  #eachRun(distance: { readonly lhs: number; readonly rhs: number }): void {
    const [c, lhs, rhs, left] = [this.#c, 0, 1, 4];
    c.withLocals("i32", 2, (lhsRun, rhsRun) => {
      c.get(lhs).set(lhsRun).get(rhs).set(rhsRun);
      c.loop(() => {
        this.#run();
        c.increment(lhsRun, distance.lhs * floatBytes).increment(rhsRun, distance.rhs * floatBytes);
        c.get(lhsRun).set(lhs).get(rhsRun).set(rhs);
        c.increment(left, -1).get(left).brIf(0);
      });
    });
  }

  /** Calls `body` with each sum, the number of its vector, and the offset of its first element in the result. */
  #eachSum(body: (sum: number, vector: number, offset: number) => void): void {
    const { resultRow } = this.#spec;
    this.#tile.sums.forEach((line, row) =>
      line.forEach((sum, v) => body(sum, v, (row * resultRow + v * vectorLanes) * floatBytes))
    );
  }

  /** Repeats `unrolled` steps as often as the number says that `pushTurns` pushes. */
  #loop(pushTurns: () => void, unrolled: number): void {
    const [c, lhs, rhs] = [this.#c, 0, 1];
    const { lhsStep, rhsStep } = this.#spec;
    pushTurns();
    c.tee(this.#count).if(() => {
      c.loop(() => {
        for (let step = 0; step < unrolled; step++) this.#step(step);
        c.increment(lhs, lhsStep * unrolled * floatBytes).increment(rhs, rhsStep * unrolled * floatBytes);
        c.increment(this.#count, -1).get(this.#count).brIf(0);
      });
    });
  }

  /** Adds the outer product of step number `step` from the pointers on. */
  #step(step: number): void {
    const [c, lhs, rhs] = [this.#c, 0, 1];
    const { lhsRow, lhsStep, rhsStep } = this.#spec;
    addOuterProduct(
      c,
      this.#tile,
      (to, row) => c.get(lhs).mem("v128.load32_splat", (row * lhsRow + step * lhsStep) * floatBytes).set(to),
      (to, v) => c.get(rhs).mem("v128.load", (step * rhsStep + v * vectorLanes) * floatBytes).set(to),
    );
  }
}
