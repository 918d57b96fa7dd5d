/**
 * Normalizations.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { normalizeAxis, otherAxes, showShape, sizeOf } from "../../core/shape.ts";
import { add, avgPool2d, div, mean, mul, norm, pow, reshape, rsqrt, square, std, sub, type Tensor, variance } from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";
import { padSpatial } from "./windows.ts";

/** One number per channel, as broadcast over [batch, channels, ...]. */
function perChannel(x: Tensor, like: Tensor): Tensor {
  return reshape(x, [x.size, ...like.shape.slice(2).map(() => 1)]);
}

/** Inference by given statistics; in training mode those of the batch, with the running ones moved towards them. */
function batchNormalization(call: Call): Results {
  const x = call.computed(0);
  [1, 2, 3, 4].forEach((i) => call.ranked(i, 1));
  if (x.rank < 2) throw new ShapeError(`Cannot normalize ${showShape(x.shape)}: it has no axis of channels`, { shape: x.shape });
  const [scale, bias, runningMean, runningVariance] = [1, 2, 3, 4].map((i) => call.computed(i));
  const epsilon = call.attributes.number("epsilon", 1e-5);
  const normalized = (average: Tensor, spread: Tensor) => {
    const factor = mul(scale, rsqrt(add(spread, epsilon)));
    return call.like(0, add(mul(x, perChannel(factor, x)), perChannel(sub(bias, mul(average, factor)), x)));
  };
  if (!call.attributes.flag("training_mode", false)) return normalized(runningMean, runningVariance);
  const momentum = call.attributes.number("momentum", 0.9);
  const axis = otherAxes(x.shape, [1]);
  const [average, spread] = [mean(x, { axis }), variance(x, { axis })];
  const moved = (running: Tensor, now: Tensor) => add(mul(running, momentum), mul(now, 1 - momentum));
  return [normalized(average, spread), moved(runningMean, average), moved(runningVariance, spread)];
}

/** Mean 0 and deviation 1 along axes, with the mean and 1 / the deviation. */
function standardized(x: Tensor, axis: readonly number[], epsilon: number): [normal: Tensor, average: Tensor, inverse: Tensor] {
  const average = mean(x, { axis, keepDims: true });
  const inverse = rsqrt(add(variance(x, { axis, keepDims: true }), epsilon));
  return [mul(sub(x, average), inverse), average, inverse];
}

function instanceNormalization(call: Call): Tensor {
  const epsilon = call.attributes.number("epsilon", 1e-5);
  return call.lifted((x, scale, bias) => {
    const [normal] = standardized(x, otherAxes(x.shape, [0, 1]), epsilon);
    return add(mul(normal, perChannel(scale, x)), perChannel(bias, x));
  });
}

function layerNormalization(call: Call): Results {
  const x = call.computed(0);
  const first = normalizeAxis(call.attributes.number("axis", -1), x.rank, "LayerNormalization");
  const axis = x.shape.map((_, i) => i).slice(first);
  const [normal, average, inverse] = standardized(x, axis, call.attributes.number("epsilon", 1e-5));
  const scaled = mul(normal, call.computed(1));
  return [call.like(0, call.has(2) ? add(scaled, call.computed(2)) : scaled), average, inverse];
}

/** x over the root of its mean square. */
function rmsNormalization(call: Call): Tensor {
  return call.lifted((x, scale) => {
    const first = normalizeAxis(call.attributes.number("axis", -1), x.rank, "RMSNormalization");
    const axis = x.shape.map((_, i) => i).slice(first);
    return mul(mul(x, rsqrt(add(mean(square(x), { axis, keepDims: true }), call.attributes.number("epsilon", 1e-5)))), scale);
  });
}

/** Scale and bias are per group before version 21, per channel since. */
function groupNormalization(call: Call): Tensor {
  const groups = call.attributes.number("num_groups");
  return call.lifted((x, scale, bias) => {
    const [n, c, ...spatial] = x.shape;
    if (c % groups !== 0) {
      throw new ShapeError(`Cannot normalize ${showShape(x.shape)} in ${groups} groups of channels`, { groups });
    }
    const grouped = reshape(x, [n, groups, c / groups, sizeOf(spatial)]);
    const [normal] = standardized(grouped, [2, 3], call.attributes.number("epsilon", 1e-5));
    if (call.opset >= 21) return add(mul(reshape(normal, x.shape), perChannel(scale, x)), perChannel(bias, x));
    const placed = (each: Tensor) => reshape(each, [groups, 1, 1]);
    return reshape(add(mul(normal, placed(scale)), placed(bias)), x.shape);
  });
}

/** x over a power of the sum of squares of the channels beside. */
function localResponse(call: Call): Tensor {
  const size = call.attributes.number("size");
  const [alpha, beta, bias] = [
    call.attributes.number("alpha", 1e-4),
    call.attributes.number("beta", 0.75),
    call.attributes.number("bias", 1),
  ];
  return call.lifted((x) => {
    const [n, c, ...spatial] = x.shape;
    const squares = reshape(square(x), [n, 1, c, sizeOf(spatial)]);
    const padded = padSpatial(squares, [Math.floor((size - 1) / 2), 0], [Math.ceil((size - 1) / 2), 0]);
    const averaged = reshape(avgPool2d(padded, { kernel: [size, 1], stride: 1 }), x.shape);
    return div(x, pow(add(mul(averaged, alpha), bias), beta));
  });
}

function lpNormalization(call: Call): Tensor {
  const axis = call.attributes.number("axis", -1);
  return call.lifted((x) => div(x, norm(x, { axis, keepDims: true, ord: call.attributes.number("p", 2) })));
}

function meanVariance(call: Call): Tensor {
  const axis = call.attributes.numbers("axes", [0, 2, 3]);
  return call.lifted((x) => div(sub(x, mean(x, { axis, keepDims: true })), add(std(x, { axis, keepDims: true }), 1e-9)));
}

/** What these ops do. */
export const normalizations: OpTable = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  GroupNormalization: groupNormalization,
  LRN: localResponse,
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVariance,
};
