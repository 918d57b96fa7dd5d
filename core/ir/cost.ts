/**
 * What a kernel has to do: operations and memory, counted from its description. What a device makes of it may differ: Winograd's
 * convolutions multiply less, a cache saves reads.
 *
 * @module
 */
import { deviceBytes } from "../dtype.ts";
import { contiguousStrides, showShape, sizeOf } from "../shape.ts";
import { type Expr, visit } from "./expr.ts";
import { type Access, type Kernel, type LoopKernel, operandsOf, type Program } from "./kernel.ts";

/** Work of a kernel. */
export interface Cost {
  /** Additions, multiplications and functions, one each. */
  readonly flops: number;
  /** Read and written, each element once. */
  readonly bytes: number;
}

/** The work of a kernel. */
export function costOf(program: Program, kernel: Kernel): Cost {
  if (kernel.kind === "loop") {
    const rounds = kernel.kernels.map((each) => costOf(program, each));
    const total = (amounts: readonly number[]) => kernel.count * amounts.reduce((sum, amount) => sum + amount, 0);
    return { flops: total(rounds.map(({ flops }) => flops)), bytes: total(rounds.map(({ bytes }) => bytes)) };
  }
  const points = sizeOf(kernel.shape);
  const stored = operations(kernel.stores.map(({ value }) => value));
  return { flops: resultFlops(kernel) + points * stored, bytes: bytesOf(program, kernel) };
}

/** A kernel in a few words: `matmul [1, 64, 512] over 784`. */
export function describeKernel(kernel: Kernel): string {
  if (kernel.kind === "loop") return `loop ${kernel.count} x (${kernel.kernels.map(describeKernel).join(", ")})`;
  const over = summedExtents(kernel);
  return `${kernel.kind} ${showShape(kernel.shape)}${over.length > 0 ? ` over ${over.join(" x ")}` : ""}`;
}

/** The extents a kernel sums (or searches) to get one result. */
function summedExtents(kernel: Kernel): readonly number[] {
  switch (kernel.kind) {
    case "reduce":
      return kernel.window;
    case "matmul":
      return [kernel.k];
    case "conv2d":
      return [kernel.geometry.c / kernel.geometry.groups, kernel.geometry.kh, kernel.geometry.kw];
    case "conv2dInputGrad":
      return [kernel.geometry.o / kernel.geometry.groups, kernel.geometry.kh, kernel.geometry.kw];
    case "conv2dFilterGrad":
      return [kernel.geometry.n, kernel.geometry.oh, kernel.geometry.ow];
    case "maxPool2d":
    case "avgPool2d":
      return [kernel.geometry.kh, kernel.geometry.kw];
    default:
      return [];
  }
}

function resultFlops(kernel: Exclude<Kernel, LoopKernel>): number {
  switch (kernel.kind) {
    case "map":
    case "take":
    case "write":
      return 0;
    case "takeGrad":
      return kernel.outer * kernel.count * kernel.inner;
    case "argsort":
      // Comparisons.
      return sizeOf(kernel.shape) * Math.ceil(Math.log2(Math.max(kernel.shape[1], 1)));
    case "reduce": {
      const each = kernel.reductions.length + operations(kernel.reductions.map(({ value }) => value));
      return sizeOf(kernel.shape) * sizeOf(kernel.window) * each;
    }
    case "matmul":
      return 2 * sizeOf(kernel.shape) * kernel.k;
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad": {
      const { n, c, o, oh, ow, kh, kw, groups } = kernel.geometry;
      return 2 * n * o * oh * ow * (c / groups) * kh * kw;
    }
    default: {
      const { n, c, oh, ow, kh, kw } = kernel.geometry;
      return n * c * oh * ow * kh * kw;
    }
  }
}

function operations(roots: readonly Expr[]): number {
  let count = 0;
  visit(roots, (e) => {
    if (e.kind !== "const" && e.kind !== "load" && e.kind !== "result" && e.kind !== "index") count++;
  });
  return count;
}

function bytesOf(program: Program, kernel: Kernel): number {
  const touched = new Map<number, number>();
  const touch = (buffer: number, elements: number) => {
    const { dtype, size } = program.buffers[buffer];
    touched.set(buffer, Math.max(touched.get(buffer) ?? 0, Math.min(size, elements) * deviceBytes(dtype)));
  };
  const distinct = ({ strides }: Access) =>
    kernel.shape.reduce((product, extent, axis) => strides[axis] === 0 ? product : product * extent, 1);
  // Of rows only those that are taken are read.
  const most = kernel.kind === "take" ? sizeOf(kernel.shape) : Infinity;
  for (const operand of operandsOf(kernel)) touch(operand.buffer, most);
  for (const load of kernel.loads) touch(load.buffer, distinct(load));
  const read = [...touched.values()].reduce((sum, bytes) => sum + bytes, 0);
  const writes = kernel.kind === "write" ? [{ ...kernel.target, strides: contiguousStrides(kernel.shape) }] : kernel.stores;
  const written = writes.map((store) => distinct(store) * deviceBytes(program.buffers[store.buffer].dtype));
  return read + written.reduce((sum, bytes) => sum + bytes, 0);
}
