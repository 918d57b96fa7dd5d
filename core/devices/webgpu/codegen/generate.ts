/**
 * From a kernel to shaders: picks the generator of its family.
 *
 * @module
 */
import { sizeOf } from "../../../shape.ts";
import { constant, mapLeaves } from "../../../ir/expr.ts";
import type { Kernel, LoopKernel, MapKernel, Program } from "../../../ir/kernel.ts";
import { generateConv } from "./conv.ts";
import { generateMap } from "./map.ts";
import { generateMatmul } from "./matmul.ts";
import { generatePool } from "./pool.ts";
import { generateReduce } from "./reduce.ts";
import type { KernelCode, KernelContext, Target } from "./shader.ts";
import { generateArgsort } from "./sort.ts";
import { generateTake } from "./take.ts";
import { generateWrite } from "./write.ts";

export type { Binding, Dispatch, KernelCode, Target } from "./shader.ts";

/** The dispatches that compute a kernel once; none if its domain is empty. */
export function generateKernel(program: Program, kernel: Exclude<Kernel, LoopKernel>, target: Target): KernelCode {
  if (sizeOf(kernel.shape) === 0 || (kernel.kind !== "write" && kernel.stores.length === 0)) {
    return { dispatches: [], scratchBytes: 0 };
  }
  if (sumsNothing(kernel)) return generateKernel(program, zeroResult(kernel), target);
  const context = <K extends Kernel>(narrowed: K): KernelContext<K> => ({ program, kernel: narrowed, target });
  switch (kernel.kind) {
    case "map":
      return generateMap(context(kernel));
    case "reduce":
      return generateReduce(context(kernel));
    case "matmul":
      return generateMatmul(context(kernel));
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad":
      return generateConv(context(kernel));
    case "take":
    case "takeGrad":
      return generateTake(context(kernel));
    case "argsort":
      return generateArgsort(context(kernel));
    case "write":
      return generateWrite(context(kernel));
    default:
      return generatePool(context(kernel));
  }
}

/** Whether every result of a product or convolution is an empty sum. */
function sumsNothing(kernel: Kernel): boolean {
  switch (kernel.kind) {
    case "matmul":
      return kernel.k === 0;
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad": {
      const { n, c, h, w, o, oh, ow, kh, kw } = kernel.geometry;
      return [n, c, h, w, o, oh, ow, kh, kw].includes(0);
    }
    default:
      return false;
  }
}

/** The kernel's stores, its result being 0. */
function zeroResult({ shape, loads, stores }: Kernel): MapKernel {
  const zero = constant("f32", 0);
  const values = stores.map((store) => ({ ...store, value: mapLeaves(store.value, (e) => e.kind === "result" ? zero : e) }));
  return { kind: "map", shape, loads, stores: values };
}
