/**
 * Running sums.
 *
 * @module
 */
import type { CumsumKernel } from "../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import type { Memory } from "./evaluate.ts";
import { rounding } from "../../dtype.ts";
import { walk } from "./walk.ts";

/** The sums up to each element along axis 1. Those of floats carry what rounding to a double loses (Neumaier). */
export function cumsumResult(
  { shape, operands: [source], reverse }: CumsumKernel,
  memories: readonly Memory[],
): Float64Array {
  const values = memories[source.buffer];
  const wrap = values instanceof Int32Array ? rounding("i32") : values instanceof Uint32Array ? rounding("u32") : undefined;
  const result = new Float64Array(sizeOf(shape));
  const target = { offset: 0, strides: contiguousStrides(shape) };
  const [n, first] = [shape[1], reverse ? shape[1] - 1 : 0];
  const along = (strides: readonly number[]) => reverse ? -strides[1] : strides[1];
  const lines = [source, target].map(({ offset, strides }) => ({
    offset: offset + first * strides[1],
    strides: strides.filter((_, axis) => axis !== 1),
  }));
  const at = new Float64Array(2);
  walk(shape.filter((_, axis) => axis !== 1), lines, at, () => {
    let [sum, error] = [0, 0];
    for (let i = 0; i < n; i++) {
      const x = values[at[0] + i * along(source.strides)];
      const next = sum + x;
      if (wrap) sum = wrap(next);
      else {
        const added = next - sum;
        error += (sum - (next - added)) + (x - added);
        sum = next;
      }
      result[at[1] + i * along(target.strides)] = Number.isNaN(error) ? sum : sum + error;
    }
  });
  return result;
}
