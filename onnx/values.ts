/**
 * What flows through a graph: tensors; small arrays whose numbers are known while the graph is walked, as shapes are; lists of both.
 *
 * @module
 */
import { givenToHostArray } from "../core/dtype.ts";
import { CotangentError, ShapeError } from "../core/errors.ts";
import { fromHost } from "../core/ops/from_values.ts";
import { type Shape, showShape, sizeOf } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { type ElementName, elementType } from "./elements.ts";

/** An array on the host. Integers are as exact as JavaScript's numbers: sizes and positions, for which it is, are never beyond. */
export class Host {
  #tensor: Tensor | undefined;

  constructor(readonly type: ElementName, readonly shape: Shape, readonly values: readonly number[]) {
    if (sizeOf(shape) !== values.length) {
      throw new ShapeError(`Cannot give ${values.length} values the shape ${showShape(shape)}`, { shape, size: values.length });
    }
  }

  /**
   * The same as a tensor.
   *
   * @throws {DTypeError} If an integer of 64 bits is beyond those of 32.
   */
  tensor(): Tensor {
    const { dtype } = elementType(this.type);
    return this.#tensor ??= fromHost(givenToHostArray(dtype, this.values), this.shape, dtype);
  }
}

/** A sequence of ONNX, or an optional: none or one. */
export class Sequence {
  constructor(readonly items: readonly Value[]) {}
}

/** What a name in a graph stands for. */
export type Value = Tensor | Host | Sequence;

/**
 * A value as a tensor.
 *
 * @throws {CotangentError} If it is a sequence.
 */
export function tensorOf(value: Value): Tensor {
  if (value instanceof Sequence) throw new CotangentError("a sequence is where a tensor must be", {});
  return value instanceof Host ? value.tensor() : value;
}

/** A list of sizes or positions. */
export function hostInts(values: readonly number[]): Host {
  return new Host("int64", [values.length], values);
}

/** How many elements are worked on at the host; more become tensors. */
export const mostOnHost = 2 ** 16;
