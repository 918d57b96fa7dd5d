/**
 * Running one kernel: its result at every point first, then its stores.
 *
 * @module
 */
import type { Access, Kernel, LoopKernel, MatmulKernel, TakeKernel, WriteKernel } from "../../ir/kernel.ts";
import { contiguousStrides, sizeOf } from "../../shape.ts";
import { convResult } from "./conv.ts";
import { evaluate, type Memory } from "./evaluate.ts";
import { poolResult } from "./pool.ts";
import { reduceResults } from "./reduce.ts";
import { argsortResult } from "./sort.ts";
import { walk } from "./walk.ts";

/** Computes a kernel on the contents of the program's buffers. */
export function runKernel(kernel: Kernel, memories: readonly Memory[]): void {
  if (kernel.kind === "loop") {
    for (let round = 0; round < kernel.count; round++) for (const each of kernel.kernels) runKernel(each, memories);
    return;
  }
  if (kernel.kind === "write") return writeRows(kernel, memories);
  const sources = {
    memories,
    loads: kernel.loads,
    results: resultsOf(kernel, memories),
    resultStrides: contiguousStrides(kernel.shape),
  };
  const targets = kernel.stores.map((store) => memories[store.buffer]);
  evaluate(kernel.shape, kernel.stores.map((store) => store.value), sources, kernel.stores, (values, at) => {
    for (let k = 0; k < targets.length; k++) targets[k][at[k]] = values[k];
  });
}

/** What `result` k of the stores stands for, row-major over the kernel's domain. */
function resultsOf(kernel: Exclude<Kernel, WriteKernel | LoopKernel>, memories: readonly Memory[]): Float64Array[] {
  const contents = ({ buffer, offset }: Access) => memories[buffer].subarray(offset);
  const size = sizeOf(kernel.shape);
  switch (kernel.kind) {
    case "map":
      return [];
    case "reduce":
      return reduceResults(kernel, memories);
    case "matmul":
      return [matmulResult(kernel, memories)];
    case "take":
    case "takeGrad":
      return [takeResult(kernel, contents(kernel.source), contents(kernel.indices), size)];
    case "argsort":
      return [argsortResult(kernel, memories)];
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad":
      return [convResult(kernel, contents(kernel.lhs), contents(kernel.rhs), size)];
    default:
      return [poolResult(kernel, kernel.operands.map(contents), size)];
  }
}

/** A walk over [batch, m, n, k] that adds lhs * rhs up at [batch, m, n]. */
function matmulResult({ shape, k, lhs, rhs }: MatmulKernel, memories: readonly Memory[]): Float64Array {
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

/** Rows copied by index, or added up at their index. Sums of integers wrap when they are stored. */
function takeResult(kernel: TakeKernel, source: Memory, indices: Memory, size: number): Float64Array {
  const { kind, outer, inner, count } = kernel;
  const result = new Float64Array(size);
  if (kernel.size === 0) return result; // no row to take, none to add to
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < count; j++) {
      const row = Math.min(Math.max(indices[j], 0), kernel.size - 1);
      const whole = (i * kernel.size + row) * inner;
      const taken = (i * count + j) * inner;
      for (let k = 0; k < inner; k++) {
        if (kind === "take") result[taken + k] = source[whole + k];
        else result[whole + k] += source[taken + k];
      }
    }
  }
  return result;
}

/** Rows copied to their index. */
function writeRows({ outer, size, inner, count, source, indices, target }: WriteKernel, memories: readonly Memory[]): void {
  if (size === 0) return;
  const [from, to] = [memories[source.buffer].subarray(source.offset), memories[target.buffer].subarray(target.offset)];
  const places = memories[indices.buffer].subarray(indices.offset);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < count; j++) {
      const row = Math.min(Math.max(places[j], 0), size - 1);
      for (let k = 0; k < inner; k++) to[(i * size + row) * inner + k] = from[(i * count + j) * inner + k];
    }
  }
}
