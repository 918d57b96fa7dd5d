/**
 * Two-dimensional pooling and its gradients.
 *
 * @module
 */
import type { PoolGeometry } from "../windows.ts";
import { contiguous, type KernelBase, type KernelKind } from "./base.ts";

/**
 * Contiguous operands. A window's maximum is its first largest element in row-major order, NaN counting as largest.
 * - maxPool2d: x [n, c, h, w] -> [n, c, oh, ow];  padding never wins
 * - maxPool2dScatter: x, g [n, c, oh, ow] -> [n, c, h, w]: every g added at the index of its window's maximum
 * - maxPool2dGather: x, t [n, c, h, w] -> [n, c, oh, ow]: t at the index of each window's maximum
 * - avgPool2d: x -> [n, c, oh, ow];  avgPool2dGrad: g -> [n, c, h, w], its transpose
 */
export interface PoolKernel extends KernelBase {
  readonly kind: "maxPool2d" | "maxPool2dScatter" | "maxPool2dGather" | "avgPool2d" | "avgPool2dGrad";
  readonly geometry: PoolGeometry;
}

const input = ({ n, c, h, w }: PoolGeometry) => contiguous(n, c, h, w);
const output = ({ n, c, oh, ow }: PoolGeometry) => contiguous(n, c, oh, ow);

function poolKind(operands: (geometry: PoolGeometry) => ReturnType<KernelKind<PoolKernel>["operands"]>): KernelKind<PoolKernel> {
  return {
    operands: ({ geometry }) => operands(geometry),
    reduced: ({ kind, geometry: { kh, kw } }) => kind === "maxPool2d" || kind === "avgPool2d" ? [kh, kw] : [],
    flops: ({ geometry: { n, c, oh, ow, kh, kw } }) => n * c * oh * ow * kh * kw,
    results: (_, [first]) => [first],
    rank: 4,
  };
}

export const maxPool2dKind: KernelKind<PoolKernel> = poolKind((g) => [input(g)]);
export const maxPool2dScatterKind: KernelKind<PoolKernel> = poolKind((g) => [input(g), output(g)]);
export const maxPool2dGatherKind: KernelKind<PoolKernel> = poolKind((g) => [input(g), input(g)]);
export const avgPool2dKind: KernelKind<PoolKernel> = poolKind((g) => [input(g)]);
export const avgPool2dGradKind: KernelKind<PoolKernel> = poolKind((g) => [output(g)]);
