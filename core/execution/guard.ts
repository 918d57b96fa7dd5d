/**
 * Guards: what a leaf of the arguments must be for a specialization of a jitted function to apply.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import { sameShape, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { answersEqually, type Questions } from "../traced_number.ts";

/** What one leaf of the arguments must be: a tensor of this type and shape, a number like another, or this very value. */
export type Guard =
  | {
    readonly kind: "tensor";
    /** The array last seen: in a loop it is the same one each time. */
    shape: Shape;
    readonly dtype: DType;
    readonly weak: boolean;
  }
  | {
    readonly kind: "number";
    /** What tracing asked about it. */
    readonly questions: Questions;
    /** The number last seen. */
    value: number;
  }
  | { readonly kind: "static"; readonly value: unknown };

/** The guard that this leaf and those like it pass; with `questions` it is a traced number. */
export function guardOf(leaf: unknown, questions: Questions | undefined): Guard {
  if (leaf instanceof Tensor) return { kind: "tensor", shape: leaf.shape, dtype: leaf.dtype, weak: leaf.weak };
  return questions ? { kind: "number", questions, value: leaf as number } : { kind: "static", value: leaf };
}

/** Whether a leaf passes a guard. */
export function passes(guard: Guard, leaf: unknown): boolean {
  switch (guard.kind) {
    case "tensor":
      if (!(leaf instanceof Tensor) || leaf.dtype !== guard.dtype || leaf.weak !== guard.weak) return false;
      if (!sameShape(leaf.shape, guard.shape)) return false;
      guard.shape = leaf.shape;
      return true;
    case "number":
      if (typeof leaf !== "number") return false;
      if (guard.questions.length === 0 || Object.is(leaf, guard.value)) return true;
      if (!answersEqually(guard.questions, leaf)) return false;
      guard.value = leaf;
      return true;
    case "static":
      return Object.is(leaf, guard.value);
  }
}
