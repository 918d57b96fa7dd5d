/**
 * Products of matrices and vectors.
 *
 * The primitive takes [batch..., m, k] by [batch..., k, n] with the same batch axes. A transposed operand is a view, so no transpose
 * is ever carried out.
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import { type Candidate, madeBy } from "../ir/operation.ts";
import { isFloat } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { broadcastShapes, contiguousStrides, reshapeStrides, sameShape, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Node, Op, Tensor, TensorLike } from "../tensor.ts";
import { promoteAll } from "./arguments.ts";
import { mul } from "./arithmetic.ts";
import { barrierOp } from "./barrier.ts";
import { apply, bilinear, numberDType } from "./define.ts";
import { batchAll, sum } from "./sum.ts";
import { broadcastTo, permuteOp, transpose } from "./movement.ts";
import { reshape, reshapeOp } from "./reshape.ts";

function flatBatch(shape: Shape): Shape {
  return [sizeOf(shape.slice(0, -2)), ...shape.slice(-2)];
}

/** Whether a node's elements lie in their order where it is in memory. */
function isInOrder({ made }: Node): boolean {
  return made.kind === "input" || made.op.lower.kind !== "view" || made.op === reshapeOp as Op && isInOrder(made.inputs[0]);
}

/** Distinguishes the copies of `inRows` from barriers of other origin. */
const copyId = -1;

/**
 * A factor that a permutation makes of some node, and whose batch is then no single axis of memory, so that it is copied (heads of attention):
 * along rows of that node, not across them. What is multiplied by it and what by its transpose thus have one copy.
 */
function inRows(factor: Node, make: Candidate<Tensor, undefined>["make"]): Node {
  const made = madeBy(factor, permuteOp);
  if (!made || !isInOrder(made.inputs[0])) return factor;
  const { inputs: [source], attrs: { order } } = made;
  const strides = contiguousStrides(source.shape);
  if (reshapeStrides(factor.shape, order.map((axis) => strides[axis]), flatBatch(factor.shape))) return factor;
  const [batch, [row, column]] = [order.slice(0, -2), order.slice(-2)];
  const copy = (rows: readonly number[]) =>
    make(barrierOp, [make(permuteOp, [source], { order: [...batch, ...rows] })], { id: copyId });
  if (row < column) return copy([row, column]);
  const swapped = [...batch.keys(), order.length - 1, order.length - 2];
  return make(permuteOp, [copy([column, row])], { order: swapped });
}

export const matmulOp: Op<undefined> = bilinear({
  name: "matmul",
  shape: ([x, y]) => [...x.slice(0, -1), y[y.length - 1]],
  dtype: numberDType("matmul"),
  // z = x y:  x' = z' y^T,  y' = x^T z'
  transposeLeft: (g, y) => apply(matmulOp, [g, transpose(y)], undefined),
  transposeRight: (g, x) => apply(matmulOp, [transpose(x), g], undefined),
  vmap: ([x, y], [inX, inY], _, size) => {
    // One matrix for the whole batch: its rows and the batch's rows are one long matrix.
    if (inX && !inY && y.rank === 2) {
      const product = apply(matmulOp, [reshape(x, [size * x.shape[1], x.shape[2]]), y], undefined);
      return reshape(product, [size, x.shape[1], y.shape[1]]);
    }
    return apply(matmulOp, batchAll([x, y], [inX, inY], size), undefined);
  },
  lower: {
    kind: "kernel",
    operands: ([x, y]) => [flatBatch(x), flatBatch(y)],
    build: ([lhs, rhs], [x, y], _, dtype) => {
      const [batch, m, k] = flatBatch(x);
      const shape = [batch, m, y[y.length - 1]];
      if (isFloat(dtype)) return { kind: "matmul", shape, k, operands: [lhs, rhs] };
      // Integers are too rare for kernels of their own: a sum over products.
      const [lb, lm, lk] = lhs.strides;
      const [rb, rk, rn] = rhs.strides;
      const type = expr.scalarType(dtype);
      const load = (slot: number) => ({ kind: "load", type, slot }) as const;
      return {
        kind: "reduce",
        shape,
        window: [k],
        operands: [{ ...lhs, strides: [lb, lm, 0, lk] }, { ...rhs, strides: [rb, 0, rn, rk] }],
        reductions: [{ op: "sum", value: expr.binary("mul", load(0), load(1)) }],
      };
    },
  },
  // (x y)^T = y^T x^T: the product comes out transposed, and nothing is moved.
  permuted: (order, output, { make }) => {
    const last = order.length - 1;
    if (order.some((axis, i) => axis !== (i === last ? last - 1 : i === last - 1 ? last : i))) return undefined;
    const [x, y] = madeBy(output, matmulOp)!.inputs;
    return make(matmulOp, [y, x].map((each) => make(permuteOp, [each], { order })), undefined);
  },
  simplify: ({ inputs, make }) => {
    const factors = inputs.map((each) => inRows(each, make));
    return factors.every((each, i) => each === inputs[i]) ? undefined : make(matmulOp, factors, undefined);
  },
});

/**
 * The matrix product, by NumPy's rules: axes before the last two are broadcast, and a vector counts as a row on the left or a column on
 * the right.
 *
 * ```ts
 * import { matmul, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(matmul(tensor([[1, 2], [3, 4]]), tensor([1, 1])))); // [3, 7]
 * ```
 *
 * @throws {ShapeError} If the inner extents differ, or an argument is a scalar.
 */
export function matmul(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promoteAll([x, y]);
  if (a.rank === 0 || b.rank === 0) {
    throw new ShapeError(`Cannot matmul ${showShape(a.shape)} by ${showShape(b.shape)}: a scalar has no rows, use mul`, {
      shapes: [a.shape, b.shape],
    });
  }
  const left = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const right = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const inner = left.shape[left.rank - 1];
  if (inner !== right.shape[right.rank - 2]) {
    throw new ShapeError(
      `Cannot matmul ${showShape(a.shape)} by ${showShape(b.shape)}: the last axis of the left (${inner}) must equal the ` +
        `${b.rank > 2 ? "second to last" : "first"} axis of the right (${right.shape[right.rank - 2]})`,
      { shapes: [a.shape, b.shape] },
    );
  }
  const product = multiply(left, right);
  const shape = [
    ...product.shape.slice(0, -2),
    ...(a.rank === 1 ? [] : [left.shape[left.rank - 2]]),
    ...(b.rank === 1 ? [] : [right.shape[right.rank - 1]]),
  ];
  return reshape(product, shape);
}

function multiply(x: Tensor, y: Tensor): Tensor {
  const [m, n] = [x.shape[x.rank - 2], y.shape[y.rank - 1]];
  if (y.rank === 2) {
    // [..., m, k] by [k, n] is one product of tall matrices.
    const flat = reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape[x.rank - 1]]);
    return reshape(apply(matmulOp, [flat, y], undefined), [...x.shape.slice(0, -2), m, n]);
  }
  const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2), "matmul batches of");
  const spread = (each: Tensor) => broadcastTo(each, [...batch, ...each.shape.slice(-2)]);
  return apply(matmulOp, [spread(x), spread(y)], undefined);
}

/**
 * The inner product of two vectors: a scalar.
 *
 * ```ts
 * import { dot, item, tensor } from "../../mod.ts";
 * console.log(await item(dot(tensor([1, 2, 3]), tensor([4, 5, 6])))); // 32
 * ```
 *
 * @throws {ShapeError} If they are not vectors of one length.
 */
export function dot(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promoteAll([x, y]);
  if (a.rank !== 1 || !sameShape(a.shape, b.shape)) {
    throw new ShapeError(
      `Cannot take dot of ${showShape(a.shape)} and ${showShape(b.shape)}: two vectors of one length are needed`,
      {
        shapes: [a.shape, b.shape],
      },
    );
  }
  return sum(mul(a, b));
}
