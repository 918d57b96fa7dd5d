/**
 * Matrix products: result[b, i, j] = sum over p of lhs[b, i, p] * rhs[b, p, j], any strides, f32 (f64: `doubles/`).
 *
 * Large ones are computed from packed panels (`packed_product.ts`). Products of few rows where both operands are contiguous along
 * the inner axis (one sample through a linear layer) are sums of elementwise products of vectors (`dot_product.ts`).
 *
 * @module
 */
import type { MatmulKernel } from "../../../../ir/kernel.ts";
import type { KernelGenerator } from "../context.ts";
import { doubleMatmul } from "../doubles/matmul.ts";
import { piecesFor } from "../work.ts";
import { dotProduct, prefersDot } from "./dot_product.ts";
import { planPieces } from "./packed_plan.ts";
import { packedProduct } from "./packed_product.ts";
import { simplifyProduct } from "./product.ts";

/** Matrix products. */
export const matmul: KernelGenerator<MatmulKernel> = (context, kernel) => {
  const product = simplifyProduct(kernel);
  const { batch, m, n, k } = product;
  if (batch === 0 || m === 0 || n === 0) return [];
  if (context.program.buffers[kernel.operands[0].buffer].dtype === "f64") return doubleMatmul(context, kernel);
  const madds = batch * m * n * k;
  const pieces = piecesFor(context.threads, { multiplyAdds: madds });
  if (prefersDot(product)) return [{ func: dotProduct(context, kernel, product, pieces), pieces }];
  const threads = Math.min(context.threads, pieces);
  const planned = planPieces(product, threads, pieces / threads, context.tiles(madds, n));
  return packedProduct(context, kernel, planned.plan, planned.pieces);
};
