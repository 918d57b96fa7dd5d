/**
 * Rows written over others at indices: repeated and clamped indices, every type, few rows and many.
 *
 * @module
 */
import { exact } from "../close.ts";
import { dtypes } from "../../../core/dtype.ts";
import { noiseInt } from "../noise.ts";
import { buildCase, dense, type KernelCase } from "./builder.ts";
import { blockOf, type Options, type Sizes, valuesOf } from "./take.ts";

/** Rows over a table of other numbers, which is an input that is overwritten. */
function writeCase(name: string, sizes: Sizes, indices: ArrayLike<number>, options: Options = {}): KernelCase {
  const { outer, inner } = sizes;
  const { dtype = "f32", offset = 0, known } = options;
  const count = indices.length;
  return buildCase(`write: ${name}`, exact, (p) => {
    const table = p.donate(p.input(dtype, valuesOf(dtype, outer * blockOf(sizes), 1)));
    const source = p.input(dtype, options.source ?? valuesOf(dtype, offset + outer * count * inner, 2));
    const indexBuffer = p.input("i32", [...new Array<number>(offset).fill(0), ...Array.from(indices)]);
    p.run({
      kind: "scatterRows",
      ...sizes,
      count,
      shape: [outer, count, inner],
      operands: [dense(source, [outer, count, inner], offset), dense(indexBuffer, [count], offset)],
      target: dense(table, [outer, blockOf(sizes)]),
      loads: [],
      stores: [],
    });
    return known && [known];
  });
}

/** Cases of rows written by index. */
export const writeCases: readonly KernelCase[] = [
  writeCase("one row", { outer: 1, size: 5, inner: 3 }, [3]),
  writeCase("rows", { outer: 1, size: 10, inner: 7 }, [3, 0, 9, 3, 5]),
  writeCase("elements", { outer: 1, size: 13, inner: 1 }, [12, 0, 12, 1]),
  writeCase("a middle axis", { outer: 3, size: 4, inner: 5 }, [1, 1, 2]),
  writeCase("nothing", { outer: 2, size: 3, inner: 4 }, []),
  writeCase("the last of each index stays", { outer: 1, size: 2, inner: 2 }, [1, 0, 1], {
    source: [NaN, 2, 3, 4, 5, 6],
    known: [3, 4, 5, 6],
  }),
  writeCase("indices out of range are clamped", { outer: 2, size: 3, inner: 2 }, [-1, -100, 3, 1, 2 ** 30, -(2 ** 31)]),
  writeCase("at an offset", { outer: 2, size: 5, inner: 3 }, [4, 2, 2], { offset: 6 }),
  writeCase("more rows than there are", { outer: 2, size: 3, inner: 17 }, noiseInt(3, 500, 0, 2)),
  writeCase("many elements", { outer: 1, size: 5000, inner: 1 }, noiseInt(4, 40_000, 0, 4999)),
  writeCase("many rows", { outer: 1, size: 700, inner: 65 }, noiseInt(5, 900, 0, 699)),
  writeCase("a span", { outer: 3, size: 8, inner: 5, step: 1 }, [6]),
  writeCase("spans apart from each other", { outer: 2, size: 60, inner: 5, step: 1 }, [40, 3, 59, 30, 10]),
  writeCase(
    "many spans",
    { outer: 1, size: 60_000, inner: 4, step: 1 },
    Array.from({ length: 9000 }, (_, i) => 6 * ((i * 7) % 9000)),
  ),
  writeCase("wide rows", { outer: 1, size: 3, inner: 30_001 }, [2, 0, 2]),
  ...dtypes.filter((dtype) => dtype !== "f32").flatMap((dtype) => [
    writeCase(dtype, { outer: 2, size: 4, inner: 3 }, [3, 3, 0], { dtype }),
    writeCase(`${dtype}, many`, { outer: 1, size: 9, inner: 1 }, noiseInt(6, 60, 0, 6), { dtype }),
  ]),
];
