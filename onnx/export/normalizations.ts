/**
 * Softmax, means and normalisations, which are functions of several records here and one op each in ONNX.
 *
 * @module
 */
import { addOp, divOp, mulOp, subOp } from "../../core/ops/arithmetic.ts";
import { belowTopOp } from "../../core/ops/binary.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import { maxOp } from "../../core/ops/reduce.ts";
import { sumOp } from "../../core/ops/sum.ts";
import { expOp, logOp, sqrtOp } from "../../core/ops/unary.ts";
import type { Op } from "../../core/tensor.ts";
import { type Extent, sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import {
  broadcastFrom,
  isNumber,
  type Kept,
  keptReduction,
  madeBy,
  meanOf,
  numberOf,
  perChannel,
  unrepeated,
  unsqueezed,
} from "./match.ts";
import type { Emitter, Fusion } from "./emitter.ts";

/** x less its largest element along an axis. */
function belowLargest(value: Value): Kept | undefined {
  const [x, largest] = madeBy(value, belowTopOp) ?? [];
  const found = largest && keptReduction(largest, maxOp);
  return found && found.x === x && found.axes.length === 1 ? found : undefined;
}

const softmax: Fusion = (value, emitter) => {
  const [weights, total] = madeBy(value, divOp) ?? [];
  const summed = total && keptReduction(total, sumOp);
  const [shifted] = weights ? madeBy(weights, expOp) ?? [] : [];
  const found = shifted && belowLargest(shifted);
  if (!found || summed?.x !== weights || summed.axes.join() !== found.axes.join()) return undefined;
  return emitter.node("Softmax", [emitter.of(found.x)], { axis: found.axes[0] });
};

const logSoftmax: Fusion = (value, emitter) => {
  const [shifted, correction] = madeBy(value, subOp) ?? [];
  const found = shifted && belowLargest(shifted);
  const [total] = correction ? madeBy(unrepeated(correction), logOp) ?? [] : [];
  const summed = total && keptReduction(total, sumOp);
  const [terms] = summed ? madeBy(summed.x, expOp) ?? [] : [];
  if (!found || terms !== shifted || summed?.axes.join() !== found.axes.join()) return undefined;
  return emitter.node("LogSoftmax", [emitter.of(found.x)], { axis: found.axes[0] });
};

const mean: Fusion = (value, emitter) => {
  const found = value.op === divOp as Op ? meanOf(value, emitter.sizes) : undefined;
  if (!found) return undefined;
  const { x, axes, keeps } = found;
  const pools = x.shape.length === 4 && axes.join() === "2,3";
  if (!pools) {
    return emitter.node("ReduceMean", [emitter.of(x), emitter.initializers.integers(axes)], { keepdims: Number(keeps) });
  }
  const pooled = emitter.node("GlobalAveragePool", [emitter.of(x)]);
  return keeps ? pooled : emitter.node("Flatten", [pooled], { axis: 1 });
};

/** variance + epsilon under a root. */
function deviation(value: Value): { readonly variance: Value; readonly epsilon: number } | undefined {
  const [sum] = madeBy(value, sqrtOp) ?? [];
  const [variance, added] = sum ? madeBy(sum, addOp) ?? [] : [];
  const epsilon = added && numberOf(added);
  return epsilon === undefined ? undefined : { variance, epsilon };
}

/** x - mean, times 1 / its deviation along axes. */
interface Standardized extends Kept {
  readonly epsilon: number;
}

function standardized(value: Value, sizes: readonly number[]): Standardized | undefined {
  const [distance, scale] = madeBy(value, mulOp) ?? [];
  const [x, center] = distance ? madeBy(distance, subOp) ?? [] : [];
  const average = center && meanOf(center, sizes);
  const [one, divisor] = scale ? madeBy(unrepeated(scale), divOp) ?? [] : [];
  const found = one && isNumber(one, 1) ? deviation(divisor) : undefined;
  const spread = found && meanOf(found.variance, sizes);
  const [a, b] = spread ? madeBy(spread.x, mulOp) ?? [] : [];
  const fits = average?.x === x && a === distance && b === distance && average?.axes.join() === spread?.axes.join();
  return average && found && fits ? { ...average, epsilon: found.epsilon } : undefined;
}

/** What multiplies a value, or is added to it, with one number for each element along these axes. */
function along(value: Value, axes: readonly number[], extents: readonly Extent[]): Value | undefined {
  const { x, axes: places } = broadcastFrom(value) ?? { x: value, axes: value.shape.map((_, axis) => axis) };
  const inPlace = x.shape.every((extent, i) => extent === 1 || axes.includes(places[i]));
  const inner = unsqueezed(x);
  return inPlace && sameExtents(inner.shape, extents) ? inner : undefined;
}

interface Scaled extends Standardized {
  readonly weight?: Value;
  readonly bias?: Value;
}

/** The same with a weight and a bias for each element, which are over the last axes. */
function scaledAndShifted(value: Value, sizes: readonly number[]): Scaled | undefined {
  const plain = standardized(value, sizes);
  if (plain) return plain;
  const [product, factor] = madeBy(value, mulOp) ?? [];
  const scaled = product && standardized(product, sizes);
  const extents = (found: Standardized) => found.axes.map((axis) => found.x.shape[axis]);
  if (scaled) {
    const weight = along(factor, scaled.axes, extents(scaled));
    return weight && { ...scaled, weight };
  }
  const [sum, added] = madeBy(value, addOp) ?? [];
  const shifted = sum && !madeBy(sum, addOp) && scaledAndShifted(sum, sizes);
  if (!shifted) return undefined;
  const bias = along(added, shifted.axes, extents(shifted));
  return bias && { ...shifted, bias };
}

const layerNorm: Fusion = (value, emitter) => {
  const found = scaledAndShifted(value, emitter.sizes);
  if (!found) return undefined;
  const { x, axes, epsilon } = found;
  const rank = x.shape.length;
  if (axes.some((axis, i) => axis !== rank - axes.length + i)) return undefined;
  const extents = axes.map((axis) => x.shape[axis]);
  const known = extents.filter((extent) => typeof extent === "number");
  if (known.length < extents.length) return undefined;
  const weight = found.weight ? emitter.of(found.weight) : ones(emitter, value, known);
  const bias = found.bias ? [emitter.of(found.bias)] : [];
  return emitter.node("LayerNormalization", [emitter.of(x), weight, ...bias], {
    axis: axes[0] - rank,
    epsilon: { float: epsilon },
  });
};

function ones(emitter: Emitter, { dtype }: Value, shape: readonly number[]): string {
  return emitter.initializers.numbers(dtype, new Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape);
}

/** (x - mean) weight / sqrt(variance + epsilon) + bias, with a number of each for every channel. */
const batchNorm: Fusion = (value, emitter) => {
  const [sum, added] = madeBy(value, addOp) ?? [];
  const bias = added && perChannel(added);
  const [distance, factor] = madeBy(bias ? sum : value, mulOp) ?? [];
  const [x, subtracted] = distance ? madeBy(distance, subOp) ?? [] : [];
  const center = subtracted && perChannel(subtracted);
  const scale = factor && perChannel(factor);
  const [weight, divisor] = scale ? madeBy(scale, divOp) ?? [] : [];
  const found = divisor && deviation(divisor);
  const channels = value.shape[1];
  if (!center || !found || typeof channels !== "number") return undefined;
  const names = [
    isNumber(weight, 1) ? emitter.repeated(value.dtype, 1, channels) : emitter.of(weight),
    bias ? emitter.of(bias) : emitter.repeated(value.dtype, 0, channels),
    emitter.of(center),
    emitter.of(found.variance),
  ];
  return emitter.node("BatchNormalization", [emitter.of(x), ...names], { epsilon: { float: found.epsilon } });
};

/** Channels that are normalised by themselves: groups of one channel. */
const instanceNorm: Fusion = (value, emitter) => {
  const { weight, bias, inner } = channelwise(value);
  const [split] = madeBy(inner, reshapeOp) ?? [];
  const found = split && standardized(split, emitter.sizes);
  const [x] = found ? madeBy(found.x, reshapeOp) ?? [] : [];
  const [n, groups, each, ...rest] = found ? found.x.shape : [];
  if (!x || !found || typeof groups !== "number" || typeof each !== "number" || x.shape.length < 3) return undefined;
  const over = found.axes.every((axis, i) => axis === i + 2) && found.axes.length === found.x.shape.length - 2;
  const channels = groups * each;
  if (!over || !sameExtents(x.shape, [n, channels, ...rest]) || !sameExtents(inner.shape, x.shape)) return undefined;
  const epsilon = { float: found.epsilon };
  const { dtype } = value;
  if (each === 1) {
    const names = [
      weight ? emitter.of(weight) : emitter.repeated(dtype, 1, channels),
      bias ? emitter.of(bias) : emitter.repeated(dtype, 0, channels),
    ];
    return emitter.node("InstanceNormalization", [emitter.of(x), ...names], { epsilon });
  }
  // Before opset 21 a group's weight is one number, not one for each of its channels: they come after.
  const grouped = emitter.node("Reshape", [emitter.of(x), emitter.initializers.integers([0, groups, -1])]);
  const names = [emitter.repeated(dtype, 1, groups), emitter.repeated(dtype, 0, groups)];
  const normal = emitter.node("InstanceNormalization", [grouped, ...names], { epsilon });
  const shaped = emitter.reshaped(normal, [n, groups, -1], x.shape);
  const behind = rest.map((_, i) => i + 1);
  const aligned = (name: Value) => emitter.expanded(emitter.of(name), behind);
  const scaled = weight ? emitter.node("Mul", [shaped, aligned(weight)]) : shaped;
  return bias ? emitter.node("Add", [scaled, aligned(bias)]) : scaled;
};

/** What multiplies each channel and is added to it, and to what. */
function channelwise(value: Value): { readonly inner: Value; readonly weight?: Value; readonly bias?: Value } {
  const [sum, added] = madeBy(value, addOp) ?? [];
  const bias = added && perChannel(added);
  const scaled = bias ? sum : value;
  const [product, factor] = madeBy(scaled, mulOp) ?? [];
  const weight = factor && perChannel(factor);
  return { inner: weight ? product : scaled, weight, bias };
}

export const normalizationFusions: readonly (readonly [Op, Fusion])[] = [
  [divOp as Op, softmax],
  [divOp as Op, mean],
  [subOp as Op, logSoftmax],
  ...[addOp, mulOp].map((op): [Op, Fusion] => [op as Op, layerNorm]),
  ...[addOp, mulOp, reshapeOp].map((op): [Op, Fusion] => [op as Op, instanceNorm]),
  ...[addOp, mulOp].map((op): [Op, Fusion] => [op as Op, batchNorm]),
];
