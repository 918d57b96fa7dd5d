/**
 * Signals: windows and Fourier transforms, by matrices of sines and cosines, as the short ones that networks have need.
 *
 * @module
 */
import { CotangentError, ShapeError } from "../../core/errors.ts";
import { normalizeAxis, showShape } from "../../core/shape.ts";
import { add, at, cast, matmul, moveAxis, mul, pad, slice, stack, sub, type Tensor, tensor } from "../../mod.ts";
import { type Call, limited, type OnnxOp, type OpTable } from "../call.ts";
import { elementOf, elementType } from "../elements.ts";

/** A sum of cosines over a period. */
function window(...coefficients: readonly number[]): OnnxOp {
  return (call) => {
    const size = limited(call.scalar(0), mostSamples, "the size of its window");
    const period = call.attributes.flag("periodic", true) ? size : size - 1;
    const values = Array.from({ length: size }, (_, i) => {
      return coefficients.reduce((sum, c, k) => sum + c * Math.cos(2 * Math.PI * k * i / period), 0);
    });
    const type = elementOf(call.attributes.number("output_datatype", 1));
    if (type === undefined) throw new CotangentError("its type is one that no dtype holds", {});
    return cast(tensor(values), elementType(type).dtype);
  };
}

const mostSamples = 2 ** 20;
/** The matrix of a transform has the square of so many elements. */
const mostTransformed = 2 ** 12;

/** Complex numbers are pairs along the last axis; real ones may be alone there. */
interface Complex {
  readonly re: Tensor;
  readonly im?: Tensor;
}

function complexOf(x: Tensor): Complex {
  const parts = x.shape.at(-1);
  if (parts === 1) return { re: at(x, ["...", 0]) };
  if (parts === 2) return { re: at(x, ["...", 0]), im: at(x, ["...", 1]) };
  throw new ShapeError(`Cannot transform ${showShape(x.shape)}: its last axis must hold 1 number or 2`, { shape: x.shape });
}

/** The Fourier transform along the last axis, of some length and to some number of frequencies: [..., frequencies, 2]. */
function transformed({ re, im }: Complex, length: number, count: number, inverse: boolean): Tensor {
  limited(length, mostTransformed, "the length of its transform");
  const sign = inverse ? 1 : -1;
  const matrix = (f: (angle: number) => number) => {
    const values = Array.from({ length: length * count }, (_, i) => {
      // The product of the two indices is taken modulo the length, which keeps the angle small and exact.
      const turns = Math.floor(i / count) * (i % count) % length;
      return f(sign * 2 * Math.PI * turns / length) / (inverse ? length : 1);
    });
    return cast(tensor(values, { shape: [length, count] }), re.dtype);
  };
  const fitted = (x: Tensor) => {
    const cut = slice(x, { axis: -1, stop: length });
    const missing = cut.shape.map((_, i) => i === x.rank - 1 ? length - cut.shape[i] : 0);
    return pad(cut, { low: missing.map(() => 0), high: missing });
  };
  const [cos, sin] = [matrix(Math.cos), matrix(Math.sin)];
  const x = fitted(re);
  if (im === undefined) return stack([matmul(x, cos), matmul(x, sin)], { axis: -1 });
  const y = fitted(im);
  return stack([sub(matmul(x, cos), matmul(y, sin)), add(matmul(x, sin), matmul(y, cos))], { axis: -1 });
}

/** The axis is an attribute before version 20, an input since. */
function fourier(call: Call): Tensor {
  const x = call.computed(0);
  const given = call.opset < 20 ? call.attributes.number("axis", 1) : call.scalar(2, -2);
  const axis = normalizeAxis(given, x.rank, "DFT");
  const { re, im } = complexOf(moveAxis(x, axis, -2));
  const length = call.has(1) ? call.scalar(1) : x.shape[axis];
  const count = call.attributes.flag("onesided", false) ? Math.floor(length / 2) + 1 : length;
  return call.like(0, moveAxis(transformed({ re, im }, length, count, call.attributes.flag("inverse", false)), -2, axis));
}

/** The transform of every frame: [batch, frames, frequencies, 2]. */
function shortTime(call: Call): Tensor {
  const x = call.computed(0);
  const step = call.scalar(1);
  const shape = call.ranked(0, 3);
  const length = call.has(3) ? call.scalar(3) : call.shape(2)[0];
  if (!(step >= 1 && length >= 1)) throw new CotangentError(`its frames of ${length} begin every ${step}`, { step, length });
  const frames = limited(Math.max(0, Math.floor((shape[1] - length) / step) + 1), mostSamples, "the number of its frames");
  const places = tensor(Array.from({ length: frames * length }, (_, i) => Math.floor(i / length) * step + i % length), {
    dtype: "i32",
    shape: [frames, length],
  });
  const framed = ({ re, im }: Complex): Complex => {
    const weighted = (part: Tensor) => call.has(2) ? mul(at(part, [":", places]), call.computed(2)) : at(part, [":", places]);
    return { re: weighted(re), im: im && weighted(im) };
  };
  const count = call.attributes.flag("onesided", true) ? Math.floor(length / 2) + 1 : length;
  return call.like(0, transformed(framed(complexOf(x)), length, count, false));
}

/** From frequencies of a transform to bands of the mel scale: triangles that overlap. */
function melWeights(call: Call): Tensor {
  const [bands, length, rate, low, high] = [0, 1, 2, 3, 4].map((i) => call.scalar(i));
  const bins = Math.floor(length / 2) + 1;
  limited(bins * bands, mostSamples, "the size of its matrix");
  const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
  const edges = Array.from({ length: bands + 2 }, (_, i) => {
    const hertz = 700 * (10 ** ((mel(low) + i * (mel(high) - mel(low)) / (bands + 2)) / 2595) - 1);
    return Math.floor((length + 1) * hertz / rate);
  });
  const values = Array.from({ length: bins * bands }, (_, i) => {
    const [bin, band] = [Math.floor(i / bands), i % bands];
    const [start, middle, end] = edges.slice(band, band + 3);
    if (bin === middle) return 1;
    if (bin >= start && bin < middle) return (bin - start) / (middle - start);
    return bin > middle && bin < end ? (end - bin) / (end - middle) : 0;
  });
  return tensor(values, { shape: [bins, bands] });
}

/** What these ops do. */
export const signals: OpTable = {
  HannWindow: window(0.5, -0.5),
  HammingWindow: window(25 / 46, -21 / 46),
  BlackmanWindow: window(0.42, -0.5, 0.08),
  DFT: fourier,
  STFT: shortTime,
  MelWeightMatrix: melWeights,
};
