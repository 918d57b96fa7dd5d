/**
 * Quantized numbers: small integers that stand for (integer - zero point) * scale. Products of integers are taken in f32, which is exact
 * up to 2^24.
 *
 * @module
 */
import { CotangentError } from "../../core/errors.ts";
import { normalizeAxis } from "../../core/shape.ts";
import {
  add,
  cast,
  clip,
  div,
  matmul,
  max,
  maximum,
  min,
  minimum,
  mul,
  repeat,
  reshape,
  round,
  slice,
  sub,
  type Tensor,
} from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";
import { type ElementName, elementType } from "../elements.ts";
import { convolveBy } from "./convolutions.ts";
import { castTo } from "./elementwise.ts";

/** Scales or zero points as they are broadcast against x: one for all, one for each position of an axis, or one for each block of them. */
function placed(scale: Tensor, x: Tensor, axis: number, block = 0): Tensor {
  if (block > 0) {
    // The last block may have fewer positions.
    const at = normalizeAxis(axis, x.rank, "quantize");
    return slice(repeat(scale, block, { axis: at }), { axis: at, stop: x.shape[at] });
  }
  if (scale.size === 1) return reshape(scale, []);
  const at = normalizeAxis(axis, x.rank, "quantize");
  return reshape(scale, x.shape.map((_, i) => i === at ? scale.size : 1));
}

/** The integers of a type nearest to numbers. */
function saturated(x: Tensor, type: ElementName): Tensor {
  const { range } = elementType(type);
  if (range === undefined) throw new CotangentError(`cannot quantize to ${type}`, { type });
  return castTo(clip(round(x), { min: range[0], max: range[1] }), type);
}

function quantize(call: Call): Tensor {
  const x = cast(call.computed(0), "f32");
  const axis = call.attributes.number("axis", 1);
  const block = call.attributes.number("block_size", 0);
  const scaled = round(div(x, placed(call.computed(1), x, axis, block)));
  if (!call.has(2)) return saturated(scaled, "uint8");
  return saturated(add(scaled, placed(cast(call.tensor(2), "f32"), x, axis, block)), call.type(2));
}

/** The numbers that an input stands for. */
function dequantized(call: Call, i: number, axis: number, block = 0): Tensor {
  const x = cast(call.tensor(i), "f32");
  const scale = placed(call.computed(i + 1), x, axis, block);
  return mul(call.has(i + 2) ? sub(x, placed(cast(call.tensor(i + 2), "f32"), x, axis, block)) : x, scale);
}

/** The scale that covers the range of x, and 0. */
function dynamicQuantize(call: Call): Results {
  const x = call.computed(0);
  const [low, high] = [minimum(min(x), 0), maximum(max(x), 0)];
  const scale = div(sub(high, low), 255);
  const zero = clip(round(div(mul(low, -1), scale)), { min: 0, max: 255 });
  return [saturated(add(round(div(x, scale)), zero), "uint8"), scale, cast(zero, "u8")];
}

/** An input of integers less its zero point. */
function centred(call: Call, i: number, zero: number, axis: number): Tensor {
  const x = cast(call.tensor(i), "f32");
  if (!call.has(zero)) return x;
  const point = cast(call.tensor(zero), "f32");
  return sub(x, point.rank <= 1 ? placed(point, x, axis) : point);
}

function integerProduct(call: Call): Tensor {
  return cast(matmul(centred(call, 0, 2, -2), centred(call, 1, 3, -1)), "i32");
}

/** A product of numbers that inputs stand for, quantized again by the scale and the zero point at two further inputs. */
function requantized(call: Call, product: Tensor, scale: number, zero: number): Tensor {
  const y = round(div(product, cast(call.tensor(scale), "f32")));
  return saturated(add(y, cast(call.tensor(zero), "f32")), call.type(zero));
}

function quantizedProduct(call: Call): Tensor {
  return requantized(call, matmul(dequantized(call, 0, -2), dequantized(call, 3, -1)), 6, 7);
}

function quantizedConvolution(call: Call): Tensor {
  const [x, weight] = [dequantized(call, 0, 1), dequantized(call, 3, 0)];
  const y = convolveBy(call, x, weight);
  if (!call.has(8)) return requantized(call, y, 6, 7);
  const bias = mul(
    cast(call.tensor(8), "f32"),
    mul(reshape(call.computed(1), [1]), reshape(call.computed(4), [call.tensor(4).size])),
  );
  return requantized(call, add(y, reshape(bias, [bias.size, ...y.shape.slice(2).map(() => 1)])), 6, 7);
}

/** What these ops do. */
export const quantization: OpTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: (call) => {
    const numbers = dequantized(call, 0, call.attributes.number("axis", 1), call.attributes.number("block_size", 0));
    return cast(numbers, call.tensor(1).dtype);
  },
  DynamicQuantizeLinear: dynamicQuantize,
  MatMulInteger: integerProduct,
  ConvInteger: (call) => cast(round(convolveBy(call, centred(call, 0, 2, 1), centred(call, 1, 3, 0))), "i32"),
  QLinearMatMul: quantizedProduct,
  QLinearConv: quantizedConvolution,
};
