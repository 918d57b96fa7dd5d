/**
 * When Winograd's convolution is the better one.
 *
 * @module
 */
import type { ConvGeometry } from "../../../../../ir/windows.ts";
import type { GeneratorContext } from "../../context.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import { serialMultiplyAdds } from "../../work.ts";
import { componentCount, filterSize, tileSize } from "./tiling.ts";

/** Bytes that the threads' sums of filter gradients may take. */
const maxSumBytes = 128 * 1024 * 1024;

/** Cycles of a transform per channel and tile, of that of a filter, and of a multiply-add, from measurements. */
const cycles = { image: 18, output: 14, filter: 14, multiplyAdd: 1 / 8 };

/** Whether Winograd's convolution is possible, and clearly less work than the direct sum, for results of `height` by `width`. */
export function prefersWinograd({ threads }: GeneratorContext, g: ConvGeometry, height: number, width: number): boolean {
  if (componentCount * g.c * g.o * floatBytes * threads > maxSumBytes) return false;
  const fits = g.kh === filterSize && g.kw === filterSize && g.groups === 1 && g.c % vectorLanes === 0 &&
    g.o % vectorLanes === 0 && [...g.stride, ...g.dilation].every((value) => value === 1);
  if (!fits) return false;
  const tiles = g.n * Math.ceil(height / tileSize) * Math.ceil(width / tileSize);
  const products = g.c * g.o;
  const direct = g.n * height * width * filterSize * filterSize * products * cycles.multiplyAdd;
  const tileCycles = componentCount * products * cycles.multiplyAdd * 1.1 + g.c * cycles.image + g.o * cycles.output;
  const transformed = tiles * tileCycles + products * cycles.filter;
  return direct > serialMultiplyAdds * cycles.multiplyAdd && transformed < 0.85 * direct;
}
