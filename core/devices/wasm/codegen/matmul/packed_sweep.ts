/**
 * What a matrix product of packed panels is made of: a panel against a range of row blocks, and the packing of such a range.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import type { GeneratorContext } from "../context.ts";
import { plusScaled, setMin } from "../emit/addresses.ts";
import { blockSizes, roundUp } from "../emit/blocks.ts";
import { floatBytes, vectorLanes } from "../emit/vectors.ts";
import { microKernel } from "./micro_kernel.ts";
import type { PackedPlan } from "./packed_plan.ts";
import { packPanel } from "./packing.ts";

/** Writes a micro-kernel for `rows` by `columns`. */
function tileKernel(module: WasmModule, plan: PackedPlan, rows: number, columns: number, resultRow: number): number {
  const { product, packLhs, packRhs, innerBlocks } = plan;
  return microKernel(module, {
    rows,
    columns,
    lhsRow: packLhs ? 1 : product.lhs.row,
    lhsStep: packLhs ? rows : product.lhs.column,
    rhsStep: packRhs ? roundUp(columns, vectorLanes) : product.rhs.row,
    resultRow,
    wholeSteps: product.k % 4 === 0,
    accumulates: innerBlocks > 1,
  });
}

/** Loops over row blocks from local `block` to local `end`, which both move; `body` is written for each size of them. */
function eachRowBlock(
  c: FunctionWriter,
  { rowBlocks }: PackedPlan,
  [block, end]: readonly [number, number],
  body: (rows: number, size: number) => void,
): void {
  const sizes = blockSizes(rowBlocks);
  sizes.forEach((rows, size) => {
    // Larger blocks come first.
    const last = c.local("i32");
    if (size === sizes.length - 1) c.get(end).set(last);
    else setMin(c, last, end, () => c.i32(rowBlocks.extra));
    c.block(() => {
      c.get(block).get(last).op("i32.ge_s").brIf(0);
      c.loop(() => {
        body(rows, size);
        c.increment(block, 1).get(block).get(last).op("i32.lt_s").brIf(0);
      });
    });
  });
}

/**
 * Writes a function (lhs of the first block, panel, result of the first block, first block, end block, steps, accumulate): one
 * panel of `columns` columns against a range of row blocks.
 */
export function panelSweep({ module }: GeneratorContext, plan: PackedPlan, columns: number, resultRow: number): number {
  const { rowBlocks, product, packLhs } = plan;
  const kernels = blockSizes(rowBlocks).map((rows) => tileKernel(module, plan, rows, columns, resultRow));
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [lhs, panel, result, block, end, steps, accumulate] = [0, 1, 2, 3, 4, 5, 6];
    eachRowBlock(c, plan, [block, end], (rows, size) => {
      c.get(lhs).get(panel).get(result).get(steps).get(accumulate).call(kernels[size]);
      if (packLhs) plusScaled(c.get(lhs), steps, rows * floatBytes).set(lhs);
      else c.increment(lhs, rows * product.lhs.row * floatBytes);
      c.increment(result, rows * resultRow * floatBytes);
    });
  });
}

/** Writes a function (lhs of the first block, packed, first block, end block, steps) that packs a range of row blocks. */
export function packRows({ module }: GeneratorContext, plan: PackedPlan): number {
  const { rowBlocks, product: { lhs: { row, column } } } = plan;
  const packs = blockSizes(rowBlocks).map((rows) =>
    packPanel(module, { width: rows, lanes: rows, laneStride: row, stepStride: column })
  );
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [lhs, packed, block, end, steps] = [0, 1, 2, 3, 4];
    eachRowBlock(c, plan, [block, end], (rows, size) => {
      c.get(lhs).get(packed).get(steps).call(packs[size]);
      c.increment(lhs, rows * row * floatBytes);
      plusScaled(c.get(packed), steps, rows * floatBytes).set(packed);
    });
  });
}
