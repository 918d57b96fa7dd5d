/**
 * A band of output rows of one block of output channels, tile by tile.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { floatBytes, storeLanes, vectorLanes } from "../../emit/vectors.ts";
import { type DirectPlan, type TileShape, tileShapes } from "./plan.ts";
import { accumulateTile } from "./tile_sums.ts";

/** Writes a function (input, filters, output, rows) for `channels` output channels. */
export function directBlock(module: WasmModule, plan: DirectPlan, channels: number): number {
  const shapes = tileShapes(plan, channels).map((shape) => ({
    shape,
    tiles: tileRows(module, plan, channels, shape),
    // What is left of the rows goes one by one.
    single: shape.rows === 1 ? -1 : tileRows(module, plan, channels, {
      ...shape,
      rows: 1,
      vectors: shape.vectors.filter(({ row }) => row === 0),
    }),
  }));
  return module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [input, filters, output, rows] = [0, 1, 2, 3];
    const left = c.local("i32");
    for (const { shape, tiles, single } of shapes) {
      /** Pushes the address of the shape's first column, at the first row or at the first of those that are left. */
      const pushAddress = (base: number, row: number, skipsRows: boolean) => {
        c.get(base).i32(shape.column * floatBytes).op("i32.add");
        if (skipsRows) c.get(rows).get(left).op("i32.sub").i32(row * floatBytes).op("i32.mul").op("i32.add");
      };
      const pushAddresses = (skipsRows: boolean) => {
        pushAddress(input, plan.layout.outRow, skipsRows);
        c.get(filters);
        pushAddress(output, plan.conv.outWidth, skipsRows);
      };
      pushAddresses(false);
      c.get(rows).call(tiles).set(left);
      if (single >= 0) {
        pushAddresses(true);
        c.get(left).call(single).op("drop");
      }
    }
  });
}

/** Writes a function (input, filters, output, rows) for tiles of one shape; gives the rows that were too few for the shape. */
function tileRows(module: WasmModule, plan: DirectPlan, channels: number, shape: TileShape): number {
  const { conv, layout } = plan;
  const tileBytes = shape.vectors.length * vectorLanes * floatBytes;
  return module.func({ params: ["i32", "i32", "i32", "i32"], results: ["i32"] }, (c) => {
    const [input, filters, output, rows] = [0, 1, 2, 3];
    const sums = Array.from({ length: channels }, () => c.locals("v128", shape.vectors.length));
    const [from, to, repeat] = c.locals("i32", 3);
    const oneTile = () => {
      for (const line of sums) for (const sum of line) c.f32x4(0).set(sum);
      accumulateTile(c, plan, shape, sums, from, filters);
      storeTile(c, plan, shape, sums, to);
    };
    c.block(() => {
      c.get(rows).i32(shape.rows).op("i32.lt_s").brIf(0);
      c.loop(() => {
        c.get(input).set(from).get(output).set(to);
        if (shape.repeats === 1) oneTile();
        else {
          c.for(repeat, 0, shape.repeats, 1, () => {
            oneTile();
            c.increment(from, tileBytes).increment(to, tileBytes);
          });
        }
        c.increment(input, shape.rows * layout.outRow * floatBytes).increment(output, shape.rows * conv.outWidth * floatBytes);
        c.increment(rows, -shape.rows).get(rows).i32(shape.rows).op("i32.ge_s").brIf(0);
      });
    });
    c.get(rows);
  });
}

/** Stores the sums of a tile whose first output is at local `output`. */
function storeTile(
  c: FunctionWriter,
  { conv }: DirectPlan,
  shape: TileShape,
  sums: readonly (readonly number[])[],
  output: number,
): void {
  const outPlane = conv.outHeight * conv.outWidth;
  const lanes = Math.min(vectorLanes, conv.outWidth);
  sums.forEach((line, channel) =>
    line.forEach((sum, v) => {
      const { row, column } = shape.vectors[v];
      storeLanes(c, output, sum, lanes, (channel * outPlane + row * conv.outWidth + column) * floatBytes);
    })
  );
}
