/**
 * What the compiler must know of the machine it compiles for.
 *
 * @module
 */
import type { DType } from "../dtype.ts";

/** Facts of a device that programs depend on. */
export interface Target {
  /** For errors. */
  readonly name: string;
  /** The element types it can hold and compute with. */
  readonly dtypes: readonly DType[];
  /** The most distinct buffers one kernel may touch (shader binding limits); infinite where there is no limit. */
  readonly maxBuffersPerKernel: number;
  /** Roughly the most instructions per point that one kernel's expressions may take: compilers of shaders take long for more. */
  readonly maxInstructions: number;
  /**
   * From how many inputs on an assembled result (`concat`) takes them as copies: a place in a buffer is part of a shader's text, so that
   * kernels which write to their part of it are all different ones.
   */
  readonly maxFusedParts: number;
  /** Whether operations are fused. The reference does not, so that fusion is checked against it. */
  readonly fuses: boolean;
}
