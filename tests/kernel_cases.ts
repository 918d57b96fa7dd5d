/**
 * Programs made by hand that every device must run alike: each operation of the scalar language, each kind of kernel.
 *
 * @module
 */
import { binaryCases } from "./kernel_cases/binary.ts";
import type { KernelCase } from "./kernel_cases/builder.ts";
import { convCases } from "./kernel_cases/conv.ts";
import { expressionCases } from "./kernel_cases/expressions.ts";
import { mapCases } from "./kernel_cases/map.ts";
import { matmulCases } from "./kernel_cases/matmul.ts";
import { poolCases } from "./kernel_cases/pool.ts";
import { programCases } from "./kernel_cases/programs.ts";
import { reduceCases } from "./kernel_cases/reduce.ts";
import { sortCases } from "./kernel_cases/sort.ts";
import { takeCases } from "./kernel_cases/take.ts";
import { unaryCases } from "./kernel_cases/unary.ts";
import { writeCases } from "./kernel_cases/write.ts";

export type { KernelCase } from "./kernel_cases/builder.ts";

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
  "take": takeCases,
  "write": writeCases,
  "sort": sortCases,
  "programs": programCases,
};
