/**
 * Products of matrices.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { showShape } from "../../core/shape.ts";
import { add, at, einsum, matmul, mul, neg, type Tensor, transpose } from "../../mod.ts";
import type { Call, OpTable } from "../call.ts";

/** alpha A B + beta C */
function gemm(call: Call): Tensor {
  const { attributes } = call;
  return call.lifted((a, b, c) => {
    for (const x of [a, b]) {
      if (x.rank !== 2) {
        throw new ShapeError(`Cannot multiply ${showShape(a.shape)} by ${showShape(b.shape)}: both must be matrices`, {});
      }
    }
    const product = matmul(
      attributes.flag("transA", false) ? transpose(a) : a,
      attributes.flag("transB", false) ? transpose(b) : b,
    );
    const [alpha, beta] = [attributes.number("alpha", 1), attributes.number("beta", 1)];
    const scaled = alpha === 1 ? product : mul(product, alpha);
    return c === undefined || beta === 0 ? scaled : add(scaled, beta === 1 ? c : mul(c, beta));
  });
}

/** The determinants of matrices, by expansion along the first row: for the small ones that graphs hold. */
function determinant(x: Tensor): Tensor {
  const [rows, columns] = x.shape.slice(-2);
  if (x.rank < 2 || rows !== columns || rows > mostRows || rows < 1) {
    throw new ShapeError(
      `Cannot take determinants of ${showShape(x.shape)}: supported are square matrices of up to ${mostRows} rows`,
      {},
    );
  }
  const entry = (i: number, j: number) => at(x, ["...", i, j]);
  const minor = (row: number, used: readonly number[]): Tensor => {
    const free = Array.from({ length: rows }, (_, j) => j).filter((j) => !used.includes(j));
    if (row === rows - 1) return entry(row, free[0]);
    const terms = free.map((j, i) => {
      const term = mul(entry(row, j), minor(row + 1, [...used, j]));
      return i % 2 === 0 ? term : neg(term);
    });
    return terms.reduce((sum, term) => add(sum, term));
  };
  return minor(0, []);
}

const mostRows = 5;

/** What these ops do. */
export const products: OpTable = {
  MatMul: (call) => call.lifted((x, y) => matmul(x, y)),
  Gemm: gemm,
  Einsum: (call) => call.lifted((...xs) => einsum(call.attributes.text("equation").replaceAll(" ", ""), ...xs)),
  Det: (call) => call.lifted(determinant),
};
