/**
 * Products of matrices, with what is added to them.
 *
 * @module
 */
import { addOp } from "../../core/ops/arithmetic.ts";
import { matmulOp } from "../../core/ops/matmul.ts";
import { permuteOp } from "../../core/ops/movement.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import type { Op } from "../../core/tensor.ts";
import { isFloat } from "../../core/dtype.ts";
import { productOf, sameExtent, sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import { broadcastFrom, madeBy } from "./match.ts";
import { type Emitter, type Fusion, type Row, row } from "./emitter.ts";

/** A factor of which other matrices of the batch are copies need not be repeated. */
function factor(value: Value, emitter: Emitter): string {
  const inner = broadcastFrom(value);
  const last = value.shape.length - 2;
  const whole = inner && inner.axes.length >= 2 && inner.axes.slice(-2).every((axis, i) => axis === last + i) &&
    sameExtents(inner.x.shape.slice(-2), value.shape.slice(-2));
  return whole ? emitter.loose(value) : emitter.of(value);
}

/** Only one factor may leave the batch to the other. */
const matmul: Row = (value, emitter) => {
  const [x, y] = value.inputs;
  return emitter.node("MatMul", [emitter.of(x), factor(y, emitter)]);
};

/** A matrix, or one whose transpose it is. */
function transposed(value: Value): Value | undefined {
  const [x] = madeBy(value, permuteOp) ?? [];
  return x && value.shape.length === 2 ? x : undefined;
}

/** x y + bias of matrices. */
const gemm: Fusion = (value, emitter) => {
  const [product, added] = madeBy(value, addOp) ?? [];
  const [x, y] = product ? madeBy(product, matmulOp) ?? [] : [];
  if (!x || value.shape.length !== 2 || !isFloat(value.dtype)) return undefined;
  const bias = broadcastFrom(added);
  if (!bias || bias.x.shape.length !== 1 || bias.axes[0] !== 1) return undefined;
  const [left, right] = [transposed(x), transposed(y)];
  return emitter.node("Gemm", [emitter.of(left ?? x), emitter.of(right ?? y), emitter.of(bias.x)], {
    ...(left ? { transA: 1 } : {}),
    ...(right ? { transB: 1 } : {}),
  });
};

/** [..., m, k] by [k, n], which was one product of tall matrices. */
const tall: Fusion = (value, emitter) => {
  const [product] = madeBy(value, reshapeOp) ?? [];
  const [flat, y] = product ? madeBy(product, matmulOp) ?? [] : [];
  const [x] = flat ? madeBy(flat, reshapeOp) ?? [] : [];
  if (!x || y.shape.length !== 2 || x.shape.length < 2) return undefined;
  const rows = productOf(x.shape.slice(0, -1));
  const fits = sameExtents(value.shape, [...x.shape.slice(0, -1), y.shape[1]]) &&
    sameExtent(x.shape[x.shape.length - 1], y.shape[0]) && rows !== undefined && sameExtent(rows, flat.shape[0]);
  return fits ? emitter.node("MatMul", [emitter.of(x), emitter.of(y)]) : undefined;
};

export const productRows: readonly (readonly [Op, Row])[] = [row(matmulOp, matmul)];

export const productFusions: readonly (readonly [Op, Fusion])[] = [[addOp as Op, gemm], [reshapeOp as Op, tall]];
