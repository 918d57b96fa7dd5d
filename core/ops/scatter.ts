/**
 * Putting elements where indices say: added up, or the last of them.
 *
 * @module
 */
import { deviceBytes } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { type Shape, showShape } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { asTensor, commonType } from "./arguments.ts";
import { add } from "./binary.ts";
import { cast } from "./cast.ts";
import { eq } from "./compare.ts";
import { constantOf, full, iota, zerosLike } from "./creation.ts";
import { apply, type Op } from "./define.ts";
import { broadcastTo, reshape } from "./movement.ts";
import { where } from "./select.ts";
import { chooseMany, placesAlong, scatter, type TakeAttrs, takeOp } from "./take.ts";

/** Rows x [outer, count, inner] put by indices [count] among `size`: of those with one index the last, 0 where there is none. */
export const putOp: Op<TakeAttrs> = {
  name: "put",
  shape: ([[outer, , inner]], { size }) => [outer, size, inner],
  dtype: ([x]) => {
    if (deviceBytes(x) < 4) throw new DTypeError(`Cannot put rows of type ${x}: cast them to i32`, { dtype: x });
    return x;
  },
  vjp: (g, [x, indices], _, attrs) => [
    where(reshape(survivors(indices, attrs), [1, indices.size, 1]), apply(takeOp, [g, indices], attrs), zerosLike(x)),
    undefined,
  ],
  jvp: ([t], [, indices], _, attrs) => t && apply(putOp, [t, indices], attrs),
  vmap: (inputs, batched, attrs, examples) => chooseMany(putOp, inputs, batched, attrs, examples),
  lower: {
    kind: "kernel",
    build: ([source, indices], [[outer, count, inner]], { size }) => ({
      kind: "put",
      shape: [outer, size, inner],
      outer,
      size,
      inner,
      count,
      source,
      indices,
    }),
  },
};

/** Whether each of the indices [count] is the last of its value, so that its row stays. */
export function survivors(indices: Tensor, attrs: TakeAttrs): Tensor {
  const own = iota([1, indices.size, 1], 1);
  const last = apply(putOp, [own, indices], attrs);
  return reshape(eq(apply(takeOp, [last, indices], attrs), own), [indices.size]);
}

/**
 * `values` put at places among axes of `extents`, and whether there is one at each position, the last of those that meet. The positions have
 * the shape `extents`.
 */
export function putLast(
  values: Tensor,
  from: number,
  places: readonly Tensor[],
  extents: Shape,
): readonly [values: Tensor, there: Tensor] {
  const marks = full(places[0].shape, true);
  return [scatter(values, from, places, extents, putOp), scatter(marks, 0, places, extents, putOp)];
}

/**
 * What goes into x: a tensor of x's type and of this shape.
 *
 * @throws {DTypeError} If the type of `values` does not fit into that of x.
 * @throws {ShapeError} If they do not stretch to the shape.
 */
export function valuesFor(x: Tensor, values: TensorLike, shape: Shape, what: string): Tensor {
  const whole = typeof values === "number" && Number.isInteger(values) && x.dtype !== "bool";
  const type = whole ? x.dtype : commonType([x, values]);
  if (type !== x.dtype) {
    const given = typeof values === "number" ? `the number ${values}` : `values of type ${asTensor(values).dtype}`;
    throw new DTypeError(`Cannot ${what} ${given} to a tensor of type ${x.dtype}: cast one of them`, { dtype: x.dtype, type });
  }
  const tensor = whole ? constantOf(values, x.dtype) : cast(asTensor(values), x.dtype);
  const lead = shape.length - tensor.rank;
  if (lead < 0 || tensor.shape.some((extent, i) => extent !== 1 && extent !== shape[i + lead])) {
    throw new ShapeError(
      `Cannot ${what} values of shape ${showShape(tensor.shape)} to places of shape ${
        showShape(shape)
      }: they do not stretch to it`,
      { values: tensor.shape, places: shape },
    );
  }
  return broadcastTo(tensor, shape);
}

/**
 * x with values added at indices beside them along an axis: with axis 1, out[i, indices[i, j]] += updates[i, j]. What meets at one
 * place is added up. It is the transpose of `takeAlong`.
 *
 * ```ts
 * import { scatterAdd, tensor, toArray, zeros } from "../../mod.ts";
 * const indices = tensor([[0, 0, 2]], { dtype: "i32" });
 * console.log(await toArray(scatterAdd(zeros([1, 3]), indices, tensor([[1, 2, 3]])))); // [[3, 0, 3]]
 * ```
 *
 * @param indices Integers, with as many axes as x; the other axes broadcast against those of x (PyTorch instead leaves out rows
 * of x that have no indices: add to a slice of x for that). Negative ones count from the end, those out of range are clamped to it.
 * @param updates Numbers that stretch to the shape of the (stretched) indices.
 * @param options `axis`: along which axis (default the last).
 * @throws {DTypeError} If the indices are not integers, or the type of the updates does not fit into that of x.
 * @throws {ShapeError} If the shapes do not fit.
 */
export function scatterAdd(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  { axis = -1 }: { readonly axis?: number } = {},
): Tensor {
  const tensor = asTensor(x);
  const { from, places, shape } = placesAlong(tensor.shape, indices, axis, "scatter to");
  const values = valuesFor(tensor, updates, shape, "add");
  return add(tensor, scatter(values, from, places, tensor.shape.slice(from, from + places.length)));
}
