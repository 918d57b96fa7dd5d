/**
 * From a kernel to shaders: picks the generator of its family.
 *
 * @module
 */
import { sizeOf } from "../../shape.ts";
import type { Kernel, Program } from "../kernel.ts";
import { generateMap } from "./map.ts";
import { generateMatmul } from "./matmul.ts";
import { generateReduce } from "./reduce.ts";
import type { KernelCode, KernelContext, Target } from "./shader.ts";

export type { Binding, Dispatch, KernelCode, Target } from "./shader.ts";

/** The dispatches that compute a kernel; none if its domain is empty. */
export function generateKernel(program: Program, kernel: Kernel, target: Target): KernelCode {
  if (sizeOf(kernel.shape) === 0 || kernel.stores.length === 0) return { dispatches: [], scratchBytes: 0 };
  const context = <K extends Kernel>(narrowed: K): KernelContext<K> => ({ program, kernel: narrowed, target });
  switch (kernel.kind) {
    case "map":
      return generateMap(context(kernel));
    case "reduce":
      return generateReduce(context(kernel));
    case "matmul":
      return generateMatmul(context(kernel));
    default:
      throw new Error(`Cannot generate a ${kernel.kind} kernel yet`);
  }
}
