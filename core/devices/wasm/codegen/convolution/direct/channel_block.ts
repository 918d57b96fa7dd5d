/**
 * A band of output rows of one block of output channels, tile by tile.
 *
 * @module
 */
import type { WasmModule } from "../../assembler/module.ts";
import { plus, plusScaled } from "../../emit/addresses.ts";
import { type SumTile, sumTile } from "../../emit/outer_product.ts";
import type { VectorCode } from "../../emit/vector_code.ts";
import { floatBytes } from "../../emit/vectors.ts";
import { type DirectPlan, type TileShape, tileShapes } from "./plan.ts";
import { accumulateTile } from "./tile_sums.ts";

/** Writes a function (input, filters, output, rows) for `channels` output channels. */
export function directBlock(module: WasmModule, plan: DirectPlan, channels: number): number {
  const shapes = tileShapes(plan, channels).map((shape) => ({
    shape,
    tiles: tileRows(plan, channels, shape),
    // What is left of the rows goes one by one.
    single: shape.rows === 1 ? -1 : tileRows(plan, channels, {
      ...shape,
      rows: 1,
      vectors: shape.vectors.filter(({ row }) => row === 0),
    }),
  }));
  return module.func({ params: ["i32", "i32", "i32", "i32"] }, (c) => {
    const [input, filters, output, rows] = [0, 1, 2, 3];
    const [turns, skipped] = c.locals("i32", 2);
    for (const { shape, tiles, single } of shapes) {
      /** Pushes the address of the shape's first column, at the first row or at the first of those that are left. */
      const pushAddress = (base: number, row: number, skips: boolean) => {
        plus(c.get(base), shape.column * floatBytes);
        if (skips) plusScaled(c, skipped, row * floatBytes);
      };
      const pushAddresses = (skips: boolean) => {
        pushAddress(input, plan.layout.outRow, skips);
        c.get(filters);
        pushAddress(output, plan.conv.outWidth, skips);
      };
      c.get(rows).i32(shape.rows).op("i32.div_u").set(turns);
      pushAddresses(false);
      c.get(turns).call(tiles);
      if (single >= 0) {
        c.get(turns).i32(shape.rows).op("i32.mul").set(skipped);
        pushAddresses(true);
        c.get(rows).get(skipped).op("i32.sub").call(single);
      }
    }
  });
}

/** Writes a function (input, filters, output, turns) for tiles of one shape, which lie one below the other. */
function tileRows(plan: DirectPlan, channels: number, shape: TileShape): number {
  const { conv, layout, tiles: { writer } } = plan;
  return writer.func({ params: ["address", "address", "address", "count"] }, (code, [input, filters, output, turns]) => {
    const { length } = shape.vectors;
    const tile = sumTile(code, channels, length, channels <= length / plan.perRegister);
    const oneTile = (from: number, to: number) => {
      for (const sum of tile.sums.flat()) code.clear(sum);
      accumulateTile(code, plan, shape, tile, from, filters);
      storeTile(code, plan, shape, tile, to);
    };
    code.repeat(turns, () => {
      if (shape.repeats === 1) oneTile(input, output);
      else repeatAlong(code, shape, [input, output], oneTile);
      code.add(input, shape.rows * layout.outRow * floatBytes);
      code.add(output, shape.rows * conv.outWidth * floatBytes);
    });
  });
}

/** Tiles beside each other. */
function repeatAlong(
  code: VectorCode,
  { repeats, vectors, lanes }: TileShape,
  [input, output]: readonly [number, number],
  oneTile: (from: number, to: number) => void,
): void {
  const [from, to, left] = code.integers(3);
  const tileBytes = vectors.length * lanes * floatBytes;
  code.set(from, input);
  code.set(to, output);
  code.setConstant(left, repeats);
  code.repeat(left, () => {
    oneTile(from, to);
    code.add(from, tileBytes);
    code.add(to, tileBytes);
  });
  code.releaseIntegers(from, to, left);
}

/** Stores the sums of a tile whose first output is at `output`. */
function storeTile(code: VectorCode, { conv }: DirectPlan, { vectors, lanes }: TileShape, tile: SumTile, output: number): void {
  const outPlane = conv.outHeight * conv.outWidth;
  tile.sums.forEach((line, channel) =>
    line.forEach((sum, v) => {
      const { row, column } = vectors[v];
      code.store(sum, output, (channel * outPlane + row * conv.outWidth + column) * floatBytes, lanes);
    })
  );
}
