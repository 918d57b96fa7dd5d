/**
 * Epilogues: what follows the result of a kernel that is not a map. The result is written where the kernel's first store will be
 * if it can, and the stores are then computed in place, box by box while it is in the cache.
 *
 * @module
 */
import { deviceBytes, type DType } from "../../dtype.ts";
import { contiguousStrides, sameShape, sizeOf } from "../../shape.ts";
import { type Kernel, operandsOf, type Program } from "../kernel.ts";
import { boxOf, writeBox } from "./box.ts";
import { epilogueParams } from "./context.ts";
import type { PrintingContext } from "./generate.ts";
import type { Stream } from "./streams.ts";

/** Where a kernel writes its result, and the function that turns a box of it into the stores, if that is not all. */
export interface Epilogue {
  readonly slot: number;
  readonly func: number | undefined;
}

/** Writes the epilogue of a kernel. */
export function writeEpilogue(context: PrintingContext, kernel: Kernel): Epilogue {
  const dtype = resultType(context.program, kernel);
  const inPlace = resultFitsFirstStore(context.program, kernel, dtype);
  const size = sizeOf(kernel.shape) * deviceBytes(dtype);
  const slot = inPlace ? kernel.stores[0].buffer : context.sharedScratch(size);
  const [only, ...others] = kernel.stores;
  if (inPlace && others.length === 0 && only.value.kind === "result") return { slot, func: undefined };

  const result: Stream = {
    dtype,
    strides: contiguousStrides(kernel.shape).map((stride) => stride * deviceBytes(dtype)),
    base: (c) => c.get(1),
  };
  const box = boxOf(context, kernel, { keepLast: true, result: () => result });
  const func = context.module.func({ params: epilogueParams }, (c) => {
    writeBox(c, box, { rows: { from: 2, to: 3 }, columns: { from: 4, to: 5, ragged: true } });
  });
  return { slot, func };
}

/** The type in which a kernel leaves its result: that of its first operand. */
function resultType(program: Program, kernel: Kernel): DType {
  return program.buffers[operandsOf(kernel)[0].buffer].dtype;
}

function resultFitsFirstStore(program: Program, kernel: Kernel, dtype: DType): boolean {
  const [first] = kernel.stores;
  if (program.buffers[first.buffer].dtype !== dtype || first.offset !== 0) return false;
  if (!sameShape(withoutOnes(first.strides, kernel.shape), withoutOnes(contiguousStrides(kernel.shape), kernel.shape))) {
    return false;
  }
  return [...operandsOf(kernel), ...kernel.loads].every(({ buffer }) => buffer !== first.buffer);
}

/** The strides that matter. */
function withoutOnes(strides: readonly number[], shape: readonly number[]): number[] {
  return strides.filter((_, axis) => shape[axis] !== 1);
}
