/**
 * How stages are joined one after the other.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import type { StageFunctions } from "./compose.ts";

/** The function that joins stages one after the other. */
export function inOrder<T>(stages: StageFunctions<T>, x: Tensor): Tensor {
  return Object.values<(x: Tensor) => Tensor>(stages).reduce((y, stage) => stage(y), x);
}
