/**
 * Two-dimensional convolutions and their two gradients.
 *
 * @module
 */
import type { ConvGeometry } from "../windows.ts";
import { type Access, contiguous, type KernelBase, type KernelKind } from "./base.ts";

/**
 * f32 or f64 operands, contiguous from their offset.
 * - conv2d: x [n, c, h, w] and weight [o, c / groups, kh, kw]; domain [n, o, oh, ow]
 * - conv2dInputGrad: g [n, o, oh, ow] and weight; domain [n, c, h, w]
 * - conv2dFilterGrad: x and g; domain [o, c / groups, kh, kw]
 */
export interface ConvKernel extends KernelBase {
  readonly kind: "conv2d" | "conv2dInputGrad" | "conv2dFilterGrad";
  readonly geometry: ConvGeometry;
  readonly operands: readonly [lhs: Access, rhs: Access];
}

const image = ({ n, c, h, w }: ConvGeometry) => contiguous(n, c, h, w);
const weight = ({ o, c, groups, kh, kw }: ConvGeometry) => contiguous(o, c / groups, kh, kw);
const output = ({ n, o, oh, ow }: ConvGeometry) => contiguous(n, o, oh, ow);

const common: Pick<KernelKind<ConvKernel>, "flops" | "results" | "sumsProducts" | "rank"> = {
  flops: ({ geometry: { n, c, o, oh, ow, kh, kw, groups } }) => 2 * n * o * oh * ow * (c / groups) * kh * kw,
  results: (_, [lhs]) => [lhs],
  sumsProducts: true,
  rank: 4,
};

export const conv2dKind: KernelKind<ConvKernel> = {
  ...common,
  operands: ({ geometry }) => [image(geometry), weight(geometry)],
  reduced: ({ geometry: { c, groups, kh, kw } }) => [c / groups, kh, kw],
};

export const conv2dInputGradKind: KernelKind<ConvKernel> = {
  ...common,
  operands: ({ geometry }) => [output(geometry), weight(geometry)],
  reduced: ({ geometry: { o, groups, kh, kw } }) => [o / groups, kh, kw],
};

export const conv2dFilterGradKind: KernelKind<ConvKernel> = {
  ...common,
  operands: ({ geometry }) => [image(geometry), output(geometry)],
  reduced: ({ geometry: { n, oh, ow } }) => [n, oh, ow],
};
