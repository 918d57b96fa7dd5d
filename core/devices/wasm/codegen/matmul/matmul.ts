/**
 * Matrix products: result[b, i, j] = sum over p of lhs[b, i, p] * rhs[b, p, j], any strides, f32 (f64: `doubles/`).
 *
 * Large ones are computed from packed panels (`packed_product.ts`). Products of few rows where both operands are contiguous along
 * the inner axis (one sample through a linear layer) are sums of elementwise products of vectors (`dot_product.ts`). Where there are many steps
 * for each element of the result, threads share the steps, and a second phase adds what they have summed.
 *
 * @module
 */
import type { MatmulKernel } from "../../../../ir/kernel.ts";
import { type GeneratorContext, type KernelGenerator, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { doubleMatmul } from "../doubles/matmul.ts";
import { slotAddress } from "../emit/addresses.ts";
import { addSumsOfParts } from "../emit/part_sums.ts";
import { setShare } from "../emit/shares.ts";
import { floatBytes } from "../emit/vectors.ts";
import { piecesFor } from "../work.ts";
import { dotProduct, prefersDot } from "./dot_product.ts";
import { planPieces } from "./packed_plan.ts";
import { packedProduct } from "./packed_product.ts";
import { type Product, simplifyProduct } from "./product.ts";

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
  const { plan, pieces: planned, addsParts } = planPieces(product, threads, pieces / threads, context.tiles(madds, n));
  if (!addsParts) return packedProduct(context, kernel, plan, planned);
  const sums = context.sharedScratch(planned * m * n * floatBytes);
  return [...packedProduct(context, kernel, plan, planned, sums), addParts(context, kernel, product, planned, sums)];
};

/** The phase that adds the products of the parts of the steps, and finishes them. */
function addParts(
  context: GeneratorContext,
  kernel: MatmulKernel,
  { m, n }: Product,
  parts: number,
  sums: number,
): Phase {
  const pieces = piecesFor(context.threads, { moves: parts * m * n });
  const epilogue = context.epilogue(kernel);
  const func = context.module.func({ params: phaseParams }, (c) => {
    const [from, to] = c.locals("i32", 2);
    setShare(c, phaseLocals.piece, pieces, m, from, to);
    addSumsOfParts(c, { slot: sums, parts, floats: m * n }, epilogue.slot, n, [from, to]);
    if (epilogue.func === undefined) return;
    slotAddress(c.get(phaseLocals.table), epilogue.slot).get(from).get(to).i32(0).i32(n).call(epilogue.func);
  });
  return { func, pieces };
}
