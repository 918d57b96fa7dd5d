/**
 * Matrix products: result[b, i, j] = sum over p of lhs[b, i, p] rhs[b, p, j], with any strides.
 *
 * @module
 */
import type { MatmulKernel } from "../../../../ir/kernel.ts";
import type { KernelCode, KernelContext } from "../kernel_code.ts";
import { generateRegisterTiles } from "./register_tiles.ts";
import { fillsTiles, generateTiled } from "./tiled.ts";

/** The shaders of a matrix product. Software adapters run workgroups with barriers slowly. */
export function generateMatmul(context: KernelContext<MatmulKernel>): KernelCode {
  return !context.target.software && fillsTiles(context.kernel) ? generateTiled(context) : generateRegisterTiles(context);
}
