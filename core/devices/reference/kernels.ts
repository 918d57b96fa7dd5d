/**
 * Running one kernel: its result at every point first, then its stores.
 *
 * @module
 */
import { type Access, callByKind, type Kernel, type KernelTable } from "../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import { argsortResult } from "./argsort.ts";
import { conv2d, conv2dFilterGrad, conv2dInputGrad } from "./conv.ts";
import { cumsumResult } from "./cumsum.ts";
import { exchange } from "./exchange.ts";
import { evaluate, type Memory } from "./evaluate.ts";
import { matmulResult } from "./matmul.ts";
import { avgPool2d, avgPool2dGrad, maxPool2d, maxPool2dGather, maxPool2dScatter } from "./pooling.ts";
import { reduceResults } from "./reduce.ts";
import { gatherRows, scatterAddRows, scatterRows } from "./rows.ts";

/** Computes a kernel on the contents of the program's buffers. */
export function runKernel(kernel: Kernel, memories: readonly Memory[]): void {
  if (kernel.kind === "loop") {
    for (let round = 0; round < kernel.count; round++) for (const each of kernel.kernels) runKernel(each, memories);
    return;
  }
  // Loops over axes beside an empty one could be as long as an axis can be. All processes take part in an exchange.
  if (sizeOf(kernel.shape) === 0 && kernel.kind !== "exchange") return;
  const sources = {
    memories,
    loads: kernel.loads,
    results: callByKind(resultsOf, memories, kernel),
    resultStrides: contiguousStrides(kernel.shape),
  };
  if (kernel.stores.length === 0) return;
  const targets = kernel.stores.map((store) => memories[store.buffer]);
  evaluate(kernel.shape, kernel.stores.map((store) => store.value), sources, kernel.stores, (values, { count, at, steps }) => {
    targets.forEach((target, k) => {
      const [from, step, of] = [at[k], steps[k], values[k]];
      for (let i = 0; i < count; i++) target[from + i * step] = of[i];
    });
  });
}

/** For each kind: computes what `result` k of the stores stands for, row-major over the kernel's domain. */
const resultsOf: KernelTable<readonly Memory[], readonly Float64Array[]> = {
  map: () => [],
  reduce: (memories, kernel) => reduceResults(kernel, memories),
  matmul: (memories, kernel) => [matmulResult(kernel, memories)],
  conv2d: (memories, kernel) => [conv2d(kernel, contents(memories, kernel))],
  conv2dInputGrad: (memories, kernel) => [conv2dInputGrad(kernel, contents(memories, kernel))],
  conv2dFilterGrad: (memories, kernel) => [conv2dFilterGrad(kernel, contents(memories, kernel))],
  maxPool2d: (memories, kernel) => [maxPool2d(kernel, contents(memories, kernel))],
  maxPool2dScatter: (memories, kernel) => [maxPool2dScatter(kernel, contents(memories, kernel))],
  maxPool2dGather: (memories, kernel) => [maxPool2dGather(kernel, contents(memories, kernel))],
  avgPool2d: (memories, kernel) => [avgPool2d(kernel, contents(memories, kernel))],
  avgPool2dGrad: (memories, kernel) => [avgPool2dGrad(kernel, contents(memories, kernel))],
  gatherRows: (memories, kernel) => [gatherRows(kernel, contents(memories, kernel))],
  scatterAddRows: (memories, kernel) => [scatterAddRows(kernel, contents(memories, kernel))],
  scatterRows: (memories, kernel) => {
    scatterRows(kernel, contents(memories, kernel), contentsFrom(memories, kernel.target));
    return [];
  },
  argsort: (memories, kernel) => [argsortResult(kernel, memories)],
  cumsum: (memories, kernel) => [cumsumResult(kernel, memories)],
  exchange: (memories, kernel) => {
    exchange(kernel, memories);
    return [];
  },
};

/** The operands of a kernel, each from its offset on. */
function contents(memories: readonly Memory[], { operands }: Pick<Kernel, "operands">): Memory[] {
  return operands.map((operand) => contentsFrom(memories, operand));
}

function contentsFrom(memories: readonly Memory[], { buffer, offset }: Access): Memory {
  return memories[buffer].subarray(offset);
}
