/**
 * Which generator writes which kind of kernel.
 *
 * @module
 */
import { callByKind, type KernelTable, type SimpleKernel } from "../../../ir/kernel.ts";
import type { GeneratorContext, Phase } from "./context.ts";
import { conv2d, conv2dFilterGrad, conv2dInputGrad } from "./convolution/conv2d.ts";
import { cumsum } from "./cumulative/cumsum.ts";
import { map } from "./elementwise/map.ts";
import { matmul } from "./matmul/matmul.ts";
import { avgPool2d, avgPool2dGrad, maxPool2d, maxPool2dGather, maxPool2dScatter } from "./pooling/pooling.ts";
import { reduce } from "./reduce/reduce.ts";
import { gatherRows } from "./rows/gather_rows.ts";
import { scatterAddRows } from "./rows/scatter_add_rows.ts";
import { scatterRows } from "./rows/scatter_rows.ts";
import { DeviceError } from "../../../errors.ts";
import { argsort } from "./sort/argsort.ts";

const generators: KernelTable<GeneratorContext, readonly Phase[]> = {
  map,
  reduce,
  matmul,
  conv2d,
  conv2dInputGrad,
  conv2dFilterGrad,
  maxPool2d,
  maxPool2dScatter,
  maxPool2dGather,
  avgPool2d,
  avgPool2dGrad,
  gatherRows,
  scatterAddRows,
  scatterRows,
  argsort,
  cumsum,
  exchange: (_, { exchange }) => {
    throw new DeviceError(`Cannot do ${exchange.label} inside a scan on wasm: do it before or after`, { device: "wasm" });
  },
};

/** Writes the functions of a kernel and gives its phases. */
export function emitKernel(context: GeneratorContext, kernel: SimpleKernel): readonly Phase[] {
  return callByKind(generators, context, kernel);
}
