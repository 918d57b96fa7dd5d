/**
 * The same values under another name, which the compiler does not look behind.
 *
 * @module
 */
import type { Op, Tensor } from "../tensor.ts";
import { apply } from "./define.ts";
import { batchAll } from "./sum.ts";

/**
 * Hands its first input on, but is no common subexpression of it: what is computed from it again is really computed again. Further
 * inputs, of any shape and type, are what must be computed before: their values are not used. `id` distinguishes the barriers of one tensor.
 */
export const barrierOp: Op<{ readonly id: number }> = {
  name: "barrier",
  shape: ([x]) => x,
  dtype: ([x]) => x,
  vjp: (g, inputs) => inputs.map((_, i) => i === 0 ? g : undefined),
  jvp: ([t]) => [t],
  vmap: ([x, ...after], [batched], attrs, size) => {
    const [all] = batched ? [x] : batchAll([x], [false], size);
    return apply(barrierOp, [all, ...after], attrs);
  },
  lower: { kind: "elementwise", expr: ([x]) => x },
  // Nodes are numbered as they are made: what the barrier waits for has been made before.
  simplify: ({ inputs, attrs, make }) => inputs.length > 1 ? make(barrierOp, inputs.slice(0, 1), attrs) : undefined,
};

/** The values of x, for computations that shall come after those of `after`. */
export function barrier(x: Tensor, after: readonly Tensor[] = []): Tensor {
  return apply(barrierOp, [x, ...after], { id: 0 });
}
