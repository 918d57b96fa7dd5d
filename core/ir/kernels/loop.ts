/**
 * Kernels that run many times over.
 *
 * @module
 */
import type { Kernel } from "../kernel.ts";
import type { KernelBase } from "./base.ts";

/**
 * Kernels run `count` times over, on the same buffers: what one round leaves in them the next one finds. The domain is []; operands,
 * loads and stores are those of the kernels inside.
 */
export interface LoopKernel extends KernelBase {
  readonly kind: "loop";
  readonly count: number;
  readonly kernels: readonly Kernel[];
}
