/**
 * Running one kernel: its result at every point first, then its stores.
 *
 * @module
 */
import {
  type Access,
  callByKind,
  type GatherRowsKernel,
  type Kernel,
  type KernelTable,
  type MatmulKernel,
  type ScatterAddRowsKernel,
  type ScatterRowsKernel,
} from "../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import { conv2d, conv2dFilterGrad, conv2dInputGrad } from "./conv.ts";
import { evaluate, type Memory } from "./evaluate.ts";
import { avgPool2d, avgPool2dGrad, maxPool2d, maxPool2dGather, maxPool2dScatter } from "./pooling.ts";
import { reduceResults } from "./reduce.ts";
import { argsortResult } from "./argsort.ts";
import { walk } from "./walk.ts";

/** Computes a kernel on the contents of the program's buffers. */
export function runKernel(kernel: Kernel, memories: readonly Memory[]): void {
  if (kernel.kind === "loop") {
    for (let round = 0; round < kernel.count; round++) for (const each of kernel.kernels) runKernel(each, memories);
    return;
  }
  if (kernel.kind === "scatterRows") return scatterRows(kernel, memories);
  const sources = {
    memories,
    loads: kernel.loads,
    results: callByKind(results, memories, kernel),
    resultStrides: contiguousStrides(kernel.shape),
  };
  const targets = kernel.stores.map((store) => memories[store.buffer]);
  evaluate(kernel.shape, kernel.stores.map((store) => store.value), sources, kernel.stores, (values, at) => {
    for (let k = 0; k < targets.length; k++) targets[k][at[k]] = values[k];
  });
}

/** For each kind what `result` k of the stores stands for, row-major over the kernel's domain. */
const results: KernelTable<readonly Memory[], readonly Float64Array[]> = {
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
  scatterRows: () => [],
  argsort: (memories, kernel) => [argsortResult(kernel, memories)],
};

/** The operands of a kernel, each from its offset on. */
function contents(memories: readonly Memory[], { operands }: Pick<Kernel, "operands">): Memory[] {
  return operands.map(({ buffer, offset }: Access) => memories[buffer].subarray(offset));
}

/** A walk over [batch, m, n, k] that adds lhs * rhs up at [batch, m, n]. */
function matmulResult({ shape, k, operands: [lhs, rhs] }: MatmulKernel, memories: readonly Memory[]): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  const a = memories[lhs.buffer];
  const b = memories[rhs.buffer];
  const along = (offset: number, strides: readonly number[]) => ({ offset, strides });
  const linears = [
    along(0, [...contiguousStrides(shape), 0]),
    along(lhs.offset, [lhs.strides[0], lhs.strides[1], 0, lhs.strides[2]]),
    along(rhs.offset, [rhs.strides[0], 0, rhs.strides[2], rhs.strides[1]]),
  ];
  const at = new Float64Array(linears.length);
  walk([...shape, k], linears, at, () => result[at[0]] += a[at[1]] * b[at[2]]);
  return result;
}

/** Calls `see` with the first element of each row of the whole, and of the row of the list that the index says belongs to it. */
function forEachRow(
  { outer, size, inner, count }: GatherRowsKernel | ScatterAddRowsKernel | ScatterRowsKernel,
  indices: Memory,
  see: (whole: number, listed: number) => void,
): void {
  if (size === 0) return;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < count; j++) {
      const row = Math.min(Math.max(indices[j], 0), size - 1);
      see((i * size + row) * inner, (i * count + j) * inner);
    }
  }
}

function gatherRows(kernel: GatherRowsKernel, [source, indices]: readonly Memory[]): Float64Array {
  const result = new Float64Array(sizeOf(kernel.shape));
  forEachRow(kernel, indices, (whole, listed) => {
    for (let k = 0; k < kernel.inner; k++) result[listed + k] = source[whole + k];
  });
  return result;
}

/** Sums of integers wrap when they are stored. */
function scatterAddRows(kernel: ScatterAddRowsKernel, [source, indices]: readonly Memory[]): Float64Array {
  const result = new Float64Array(sizeOf(kernel.shape));
  forEachRow(kernel, indices, (whole, listed) => {
    for (let k = 0; k < kernel.inner; k++) result[whole + k] += source[listed + k];
  });
  return result;
}

/** Rows copied to their index. */
function scatterRows(kernel: ScatterRowsKernel, memories: readonly Memory[]): void {
  const [source, indices] = contents(memories, kernel);
  const target = memories[kernel.target.buffer].subarray(kernel.target.offset);
  forEachRow(kernel, indices, (whole, listed) => {
    for (let k = 0; k < kernel.inner; k++) target[whole + k] = source[listed + k];
  });
}
