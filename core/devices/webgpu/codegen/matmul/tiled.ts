/**
 * Matrix products through workgroup memory.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../../../../ir/kernel.ts";
import type { KernelCode, KernelContext } from "../kernel_code.ts";
import { address } from "../shader/coordinates.ts";
import { epilogueLanes } from "../shader/epilogue.ts";
import type { ProductOperand } from "../tiled_product/product.ts";
import { generateTiledProduct } from "../tiled_product/tiled_product.ts";

/** Whether a product is large enough to fill tiles. */
export function fillsTiles({ shape: [, m, n], k }: MatmulKernel): boolean {
  return m >= 16 && n >= 16 && k >= 8;
}

/** The shaders of a tiled product. */
export function generateTiled(context: KernelContext<MatmulKernel>): KernelCode {
  const { kernel } = context;
  const { shape: [batch, m, n], k, operands: [lhs, rhs] } = kernel;
  const [lb, li, lp] = lhs.strides;
  const [rb, rp, rj] = rhs.strides;
  return generateTiledProduct(context, {
    label: "matmul",
    batch,
    k,
    left: operand(lhs, m, k, { batch: lb, line: li, step: lp }),
    right: operand(rhs, n, k, { batch: rb, line: rj, step: rp }),
    lanes: (shader) => epilogueLanes(shader, kernel, n),
    point: (_, b, i, j) => [b, i, j],
  });
}

function operand(
  { buffer, offset }: Access,
  lines: number,
  k: number,
  strides: { readonly batch: number; readonly line: number; readonly step: number },
): ProductOperand {
  const aligned = offset % 4 === 0 && strides.batch % 4 === 0;
  const alongLines = strides.line === 1 && strides.step % 4 === 0 && lines % 4 === 0;
  const alongSteps = strides.step === 1 && strides.line % 4 === 0 && k % 4 === 0;
  return {
    buffer,
    lines,
    neighbours: strides.step === 1 && !(aligned && alongLines) ? "steps" : "lines",
    vectors: aligned && (alongLines || alongSteps),
    line: (shader, batch, line) => {
      const base = shader.define(address(offset, [strides.batch, strides.line], [batch, line]), "a");
      return ({ number }) => ({ address: `${base} + ${address(0, [strides.step], [number])}` });
    },
  };
}
