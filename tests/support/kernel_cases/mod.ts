/**
 * Programs made by hand that every device must run alike: each operation of the scalar language, each kind of kernel.
 *
 * @module
 */
import { binaryCases } from "./binary.ts";
import type { KernelCase } from "./builder.ts";
import { convCases } from "./conv.ts";
import { cumsumCases } from "./cumsum.ts";
import { expressionCases } from "./expressions.ts";
import { mapCases } from "./map.ts";
import { matmulCases } from "./matmul.ts";
import { poolCases } from "./pool.ts";
import { programCases } from "./programs.ts";
import { reduceCases } from "./reduce.ts";
import { rowProgramCases } from "./row_programs.ts";
import { sortCases } from "./sort.ts";
import { takeCases } from "./take.ts";
import { unaryCases } from "./unary.ts";
import { writeCases } from "./write.ts";

export type { KernelCase } from "./builder.ts";

/** All cases, by topic. */
export const kernelCases: Readonly<Record<string, readonly KernelCase[]>> = {
  "operations of one argument": unaryCases,
  "operations of two arguments": binaryCases,
  "other expressions": expressionCases,
  "map": mapCases,
  "reduce": reduceCases,
  "matmul": matmulCases,
  "conv2d": convCases,
  "pool2d": poolCases,
  "gatherRows": takeCases,
  "scatterRows": writeCases,
  "sort": sortCases,
  "cumsum": cumsumCases,
  "programs": programCases,
  "programs over rows": rowProgramCases,
};
