/**
 * What a matrix product of packed panels is made of: a panel against a range of row blocks, and the packing of such a range, and of a range
 * of panels.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { GeneratorContext } from "../context.ts";
import { plusScaled, setMin } from "../emit/addresses.ts";
import { blockSizes, roundUp } from "../emit/blocks.ts";
import { floatBytes } from "../emit/vectors.ts";
import { tileColumn, type TileSpec } from "./micro_kernel.ts";
import { fullPanels, type PackedPlan, panelBytes } from "./packed_plan.ts";
import { packNeighbours, packPanel, stepsTogether } from "./packing.ts";
import { isNear } from "./product.ts";

/** Writes what multiplies blocks of `rows` rows by a panel of `columns`. */
function blockColumn(plan: PackedPlan, rows: number, columns: number, resultRow: number): number {
  const { product, tiles, packLhs, packRhs, innerBlocks } = plan;
  const spec: TileSpec = {
    rows,
    columns,
    lhsRow: packLhs ? 1 : product.lhs.row,
    lhsStep: packLhs ? rows : product.lhs.column,
    rhsStep: packRhs ? roundUp(columns, tiles.registerFloats) : product.rhs.row,
    resultRow,
    wholeSteps: product.k % 4 === 0,
    accumulates: innerBlocks > 1,
  };
  return tileColumn(tiles.writer, spec, packLhs ? "behind" : "below");
}

/** Runs `body` for each size of the row blocks from local `block` to local `end`: their number, if it is not 0, is in local `count`. */
function eachRowBlock(
  c: FunctionWriter,
  { rowBlocks }: PackedPlan,
  [block, end, count]: readonly [number, number, number],
  body: (rows: number, size: number) => void,
): void {
  const sizes = blockSizes(rowBlocks);
  sizes.forEach((rows, size) => {
    // Larger blocks come first.
    if (size === sizes.length - 1) c.get(end).set(count);
    else setMin(c, count, end, () => c.i32(rowBlocks.extra));
    c.get(count).get(block).op("i32.sub").tee(count).i32(0).op("i32.gt_s").if(() => {
      c.get(block).get(count).op("i32.add").set(block);
      body(rows, size);
    });
  });
}

/**
 * Writes a function (lhs of the first block, panel, result of the first block, first block, end block, steps, accumulate): one
 * panel of `columns` columns against a range of row blocks.
 */
export function panelSweep({ module }: GeneratorContext, plan: PackedPlan, columns: number, resultRow: number): number {
  const { rowBlocks, product, packLhs } = plan;
  const multiply = blockSizes(rowBlocks).map((rows) => blockColumn(plan, rows, columns, resultRow));
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [lhs, panel, result, block, end, steps, accumulate] = [0, 1, 2, 3, 4, 5, 6];
    const [count] = c.locals("i32", 1);
    eachRowBlock(c, plan, [block, end, count], (rows, size) => {
      c.get(lhs).get(panel).get(result).get(steps).get(accumulate).get(count).call(multiply[size]);
      if (size === multiply.length - 1) return;
      c.get(lhs);
      if (packLhs) c.get(steps).i32(rows * floatBytes).op("i32.mul");
      else c.i32(rows * product.lhs.row * floatBytes);
      c.get(count).op("i32.mul").op("i32.add").set(lhs);
      plusScaled(c.get(result), count, rows * resultRow * floatBytes).set(result);
    });
  });
}

/** Writes a function (lhs of the first block, packed, first block, end block, steps) that packs a range of row blocks. */
export function packRows({ module }: GeneratorContext, plan: PackedPlan): number {
  const { rowBlocks, tiles, product: { lhs: { row, column } } } = plan;
  const contiguous = row === 1 && isNear(column, stepsTogether);
  const packs = blockSizes(rowBlocks).map((rows) =>
    contiguous
      ? packNeighbours(tiles.writer, { width: rows, stepStride: column })
      : packPanel(module, { width: rows, lanes: rows, laneStride: row, stepStride: column })
  );
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [lhs, packed, block, end, steps] = [0, 1, 2, 3, 4];
    const [count] = c.locals("i32", 1);
    eachRowBlock(c, plan, [block, end, count], (rows, size) => {
      const advance = (blocks: () => FunctionWriter) => {
        c.get(lhs);
        blocks().i32(rows * row * floatBytes).op("i32.mul").op("i32.add").set(lhs);
        c.get(packed);
        blocks().get(steps).op("i32.mul").i32(rows * floatBytes).op("i32.mul").op("i32.add").set(packed);
      };
      if (contiguous) {
        c.get(lhs).get(packed).get(steps).get(count).call(packs[size]);
        return size === packs.length - 1 ? undefined : advance(() => c.get(count));
      }
      c.loop(() => {
        c.get(lhs).get(packed).get(steps).call(packs[size]);
        advance(() => c.i32(1));
        c.increment(count, -1).get(count).brIf(0);
      });
    });
  });
}

/** Writes a function (rhs of the first panel, packed, first panel, end panel, steps) that packs a range of panels. */
export function packPanels({ module }: GeneratorContext, plan: PackedPlan): number {
  const { tiles, panelColumns, rest, product: { rhs } } = plan;
  const [full, bytes] = [fullPanels(plan), panelBytes(plan)];
  const one = (columns: number) =>
    packPanel(module, {
      width: roundUp(columns, tiles.registerFloats),
      lanes: columns,
      laneStride: rhs.column,
      stepStride: rhs.row,
    });
  const contiguous = rhs.column === 1 && isNear(rhs.row, stepsTogether);
  const neighbours = full > 0 && contiguous
    ? packNeighbours(tiles.writer, { width: panelColumns, stepStride: rhs.row, panelStride: bytes / floatBytes })
    : undefined;
  const single = full > 0 && !contiguous ? one(panelColumns) : undefined;
  const last = rest > 0 ? one(rest) : undefined;
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [source, packed, panel, end, steps] = [0, 1, 2, 3, 4];
    const count = c.local("i32");
    setMin(c, count, end, () => c.i32(full));
    c.get(count).get(panel).op("i32.sub").tee(count).i32(0).op("i32.gt_s").if(() => {
      const advance = (panels: () => FunctionWriter) => {
        c.get(source);
        panels().i32(panelColumns * rhs.column * floatBytes).op("i32.mul").op("i32.add").set(source);
        c.get(packed);
        panels().i32(bytes).op("i32.mul").op("i32.add").set(packed);
      };
      if (neighbours !== undefined) {
        c.get(source).get(packed).get(steps).get(count).call(neighbours);
        if (last !== undefined) advance(() => c.get(count));
      } else if (single !== undefined) {
        c.loop(() => {
          c.get(source).get(packed).get(steps).call(single);
          advance(() => c.i32(1));
          c.increment(count, -1).get(count).brIf(0);
        });
      }
    });
    if (last !== undefined) {
      c.get(end).i32(full).op("i32.gt_s").if(() => c.get(source).get(packed).get(steps).call(last));
    }
  });
}
