/**
 * Linear algebra: factors of matrices, and the systems of equations that they solve.
 *
 * @module
 */
export * from "./cholesky.ts";
export * from "./determinant.ts";
export * from "./eigh.ts";
export * from "./qr.ts";
export * from "./solve.ts";
export * from "./svd.ts";
export * from "./triangular.ts";
