/**
 * What rules of operations return is checked where they return it: a derivative or a batch of another form than what it belongs to would
 * do harm only much later, or none that is seen.
 *
 * @module
 */
import { type DType, tangentType } from "../dtype.ts";
import { sameShape, type Shape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { isTuple } from "./tuple.ts";

/** Checks the cotangent of an input or the tangent of an output `x` that a rule of an operation has returned. */
export function checkDerivative(rule: "vjp" | "jvp", op: string, derivative: Tensor, x: Tensor): void {
  const dtype = tangentType(x.dtype) ?? x.dtype;
  if (derivative.dtype === dtype && sameShape(derivative.shape, x.shape)) return;
  throw misfit(rule, op, derivative, x, dtype, x.shape);
}

/** Checks what a batching rule has returned for an output `x` of one example. Tuples have no form; their elements are checked. */
export function checkBatch(op: string, batch: Tensor, x: Tensor, size: number): void {
  if (batch.dtype === x.dtype && isBatch(batch.shape, x.shape, size) || isTuple(batch)) return;
  throw misfit("vmap", op, batch, x, x.dtype, [size, ...x.shape]);
}

function isBatch(shape: Shape, example: Shape, size: number): boolean {
  if (shape.length !== example.length + 1 || shape[0] !== size) return false;
  for (let i = 0; i < example.length; i++) if (shape[i + 1] !== example[i]) return false;
  return true;
}

function misfit(rule: string, op: string, found: Tensor, x: Tensor, dtype: DType, shape: Shape): Error {
  return new Error(
    `The ${rule} of ${op} returned ${found.dtype}${showShape(found.shape)} for ${x.dtype}${showShape(x.shape)}: ` +
      `it needs ${dtype}${showShape(shape)}`,
  );
}
