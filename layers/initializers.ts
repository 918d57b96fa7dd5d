/**
 * Initializers: functions from a key and a shape to a tensor, made by functions of their options. Layers take them as
 * `weightInit` and `biasInit`.
 *
 * A weight is [outputs, ...inputs of one output], as linear layers and convolutions have it: [out, in], [out, in / groups,
 * height, width]. Its fan in is the number of inputs that one output sees, its fan out the number of outputs that one input
 * reaches: shape[1] and shape[0], each times the taps of the window. Values drawn with a standard deviation of gain / sqrt(fan
 * in) keep the variance of activations going forward, with gain / sqrt(fan out) that of gradients going backward.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { initializers, linear } = layers;
 * const layer = linear({ features: 10, weightInit: initializers.heNormal(), biasInit: initializers.constant(0) });
 * console.log(layer.init(random.key(0), [784]).params.weight.shape); // [10, 784]
 * ```
 *
 * @module
 */
import { defaultFloat } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { add, div, maximum, mul, sub } from "../core/ops/binary.ts";
import { cast } from "../core/ops/cast.ts";
import { eye, full } from "../core/ops/creation.ts";
import { matmul } from "../core/ops/matmul.ts";
import { reshape, transpose } from "../core/ops/movement.ts";
import { norm } from "../core/ops/norm.ts";
import { clip } from "../core/ops/unary.ts";
import {
  type Interval,
  type Key,
  normal as drawNormal,
  truncatedNormal as drawTruncated,
  uniform as drawUniform,
} from "../core/random.ts";
import { nonNegative, positive } from "../core/ranges.ts";
import { type Shape, showShape, sizeOf } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Initializer } from "./init.ts";

/** An initializer of any type from a way to draw f32 numbers. */
function drawn(draw: (key: Key, shape: Shape) => Tensor): Initializer {
  return (key, shape, { dtype = defaultFloat } = {}) => cast(draw(key, shape), dtype);
}

/**
 * Every element is the given number: PyTorch's `constant_`.
 *
 * ```ts
 * import { layers, random, toArray } from "../mod.ts";
 * console.log(await toArray(layers.initializers.constant(1)(random.key(0), [2]))); // [1, 1]
 * ```
 */
export function constant(value: number): Initializer {
  return (_, shape, { dtype = defaultFloat } = {}) => full(shape, value, { dtype });
}

/**
 * Uniform in [min, max), by default [0, 1): PyTorch's `uniform_`.
 *
 * ```ts
 * import { layers, random, toArray } from "../mod.ts";
 * console.log(await toArray(layers.initializers.uniform({ min: -1 })(random.key(0), [2]))); // [0.895..., 0.957...]
 * ```
 */
export function uniform(interval: Interval = {}): Initializer {
  return drawn((key, shape) => drawUniform(key, shape, interval));
}

/** Options of `normal`. */
export interface NormalOptions {
  /** Their mean. Default 0. */
  readonly mean?: number;
  /** Their standard deviation. Default 1. */
  readonly std?: number;
}

/**
 * Normal: PyTorch's `normal_`.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.initializers.normal({ std: 0.02 })(random.key(0), [50257, 768]).shape); // [50257, 768]
 * ```
 *
 * @throws {RangeError} If `std` is negative.
 */
export function normal({ mean = 0, std = 1 }: NormalOptions = {}): Initializer {
  nonNegative(std, "std");
  return drawn((key, shape) => add(mul(drawNormal(key, shape), std), mean));
}

/** Options of `truncatedNormal`. */
export interface TruncatedNormalOptions extends NormalOptions {
  /** No number is smaller. Default -2. */
  readonly min?: number;
  /** No number is larger. Default 2. */
  readonly max?: number;
}

/**
 * Normal numbers without those outside [min, max]: PyTorch's `trunc_normal_`. Mean and deviation are those before truncation.
 *
 * ```ts
 * import { layers } from "../mod.ts";
 * const { truncatedNormal } = layers.initializers;
 * const layer = layers.linear({ features: 10, weightInit: truncatedNormal({ std: 0.02, min: -0.04, max: 0.04 }) });
 * ```
 *
 * @returns An initializer. It throws a RangeError if the bounds are farther than 4 deviations on one side of the mean.
 * @throws {RangeError} If `std` is not positive, or `min` not below `max`.
 */
export function truncatedNormal({ mean = 0, std = 1, min = -2, max = 2 }: TruncatedNormalOptions = {}): Initializer {
  positive(std, "std");
  if (!(min < max)) throw new RangeError(`min (${min}) must be below max (${max})`);
  const bounds = { min: (min - mean) / std, max: (max - mean) / std };
  return drawn((key, shape) => clip(add(mul(drawTruncated(key, shape, bounds), std), mean), { min, max }));
}

/**
 * The factor by which initial weights compensate for how an activation shrinks its input: PyTorch's `calculate_gain`. It is 1 for
 * "linear" (also convolutions) and "sigmoid", 5/3 for "tanh", sqrt 2 for "relu", sqrt(2 / (1 + negativeSlope^2)) for "leakyRelu", 3/4 for
 * "selu".
 *
 * ```ts
 * import { layers } from "../mod.ts";
 * const { gain, xavierUniform } = layers.initializers;
 * const layer = layers.linear({ features: 10, weightInit: xavierUniform({ gain: gain("tanh") }) });
 * ```
 *
 * @param options `negativeSlope` is that of "leakyRelu" below 0, default 0.01.
 * @throws {RangeError} If the activation is not one of these.
 */
export function gain(
  activation: "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu",
  { negativeSlope = 0.01 }: { readonly negativeSlope?: number } = {},
): number {
  switch (activation) {
    case "linear":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
      return Math.sqrt(2 / (1 + negativeSlope ** 2));
    case "selu":
      return 3 / 4;
    default:
      throw new RangeError(`There is no gain for the activation ${JSON.stringify(activation)}: pass a number`);
  }
}

/** Options of `xavierUniform` and `xavierNormal`. */
export interface XavierOptions {
  /** Factor for the activation that follows, see `gain`. Default 1. */
  readonly gain?: number;
}

/** Options of `heUniform` and `heNormal`. */
export interface HeOptions {
  /** Factor for the activation that follows, see `gain`. Default sqrt 2, that of relu. */
  readonly gain?: number;
  /** Whose variance is kept: that of activations going forward ("fanIn", default) or of gradients going backward ("fanOut"). */
  readonly mode?: "fanIn" | "fanOut";
}

interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

function fansOf(shape: Shape): Fans {
  if (shape.length < 2) {
    throw new ShapeError(
      `Cannot scale a start of shape ${showShape(shape)} by its fans: a weight needs 2 axes or more, [outputs, inputs, ...]; ` +
        "use constant, uniform or normal",
      { shape },
    );
  }
  const taps = sizeOf(shape.slice(2));
  return { fanIn: shape[1] * taps, fanOut: shape[0] * taps };
}

/** Normal with deviation factor / sqrt(fan). */
function scaledNormal(factor: number, fan: (fans: Fans) => number): Initializer {
  nonNegative(factor, "gain");
  return drawn((key, shape) => mul(drawNormal(key, shape), deviation(factor, fan(fansOf(shape)))));
}

/** Uniform with deviation factor / sqrt(fan): in [-b, b) it is b / sqrt 3. */
function scaledUniform(factor: number, fan: (fans: Fans) => number): Initializer {
  nonNegative(factor, "gain");
  return drawn((key, shape) => {
    const bound = Math.sqrt(3) * deviation(factor, fan(fansOf(shape)));
    return drawUniform(key, shape, { min: -bound, max: bound });
  });
}

function deviation(factor: number, fan: number): number {
  // No inputs: nothing to scale.
  return factor / Math.sqrt(Math.max(1, fan));
}

const average = ({ fanIn, fanOut }: Fans) => (fanIn + fanOut) / 2;

function fanOf(mode: "fanIn" | "fanOut" = "fanIn"): (fans: Fans) => number {
  if (mode !== "fanIn" && mode !== "fanOut") {
    throw new RangeError(`mode must be "fanIn" or "fanOut", but is ${JSON.stringify(mode)}`);
  }
  return (fans) => fans[mode];
}

/**
 * Xavier (Glorot) initialisation, uniform: in +-gain * sqrt(6 / (fan in + fan out)). PyTorch's `xavier_uniform_`.
 *
 * ```ts
 * import { abs, item, layers, max, random } from "../mod.ts";
 * const weight = layers.initializers.xavierUniform()(random.key(0), [100, 200]);
 * console.log((await item(max(abs(weight)))).toFixed(3)); // 0.141
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
 */
export function xavierUniform({ gain = 1 }: XavierOptions = {}): Initializer {
  return scaledUniform(gain, average);
}

/**
 * Xavier (Glorot) initialisation, normal: deviation gain * sqrt(2 / (fan in + fan out)). PyTorch's `xavier_normal_`.
 *
 * ```ts
 * import { item, layers, random, std } from "../mod.ts";
 * const weight = layers.initializers.xavierNormal()(random.key(0), [100, 300]);
 * console.log((await item(std(weight))).toFixed(2)); // 0.07
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
 */
export function xavierNormal({ gain = 1 }: XavierOptions = {}): Initializer {
  return scaledNormal(gain, average);
}

/**
 * He (Kaiming) initialisation, uniform: in +-gain * sqrt(3 / fan). PyTorch's `kaiming_uniform_`, whose `nonlinearity` and `a` are
 * `gain` here: `heUniform({ gain: gain("leakyRelu", { negativeSlope: a }) })`. PyTorch's default for linear and convolution layers, and
 * ours, has a = sqrt 5.
 *
 * ```ts
 * import { abs, item, layers, max, random } from "../mod.ts";
 * const weight = layers.initializers.heUniform()(random.key(0), [64, 6, 3, 3]);
 * console.log((await item(max(abs(weight)))).toFixed(3)); // 0.333
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see He et al., "Delving deep into rectifiers", 2015
 */
export function heUniform({ gain = Math.SQRT2, mode }: HeOptions = {}): Initializer {
  return scaledUniform(gain, fanOf(mode));
}

/**
 * He (Kaiming) initialisation, normal: deviation gain / sqrt(fan). PyTorch's `kaiming_normal_`; ResNets use it with the mode
 * "fanOut".
 *
 * ```ts
 * import { layers } from "../mod.ts";
 * const { heNormal } = layers.initializers;
 * const layer = layers.conv2d({ features: 64, kernel: 3, bias: false, weightInit: heNormal({ mode: "fanOut" }) });
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see He et al., "Delving deep into rectifiers", 2015
 */
export function heNormal({ gain = Math.SQRT2, mode }: HeOptions = {}): Initializer {
  return scaledNormal(gain, fanOf(mode));
}

/**
 * A random orthogonal matrix times a gain: its rows, or its columns if they are fewer, are orthonormal. PyTorch's `orthogonal_`. Axes after
 * the second count as columns.
 *
 * It is the orthogonal polar factor of a normal matrix G: Q in G = Q S, with S symmetric and positive. Turning G by an orthogonal U
 * turns Q with it, and U G has the distribution of G, so Q is as likely as U Q: the distribution is the uniform one (Haar's), as it is of the
 * QR decomposition with signs fixed, which PyTorch takes. The polar factor needs products of matrices only, about 50 for a square one,
 * fewer the farther from square it is.
 *
 * ```ts
 * import { item, layers, matmul, norm, random, sub, transpose, eye } from "../mod.ts";
 * const q = layers.initializers.orthogonal()(random.key(0), [3, 8]);
 * const distance = norm(sub(matmul(q, transpose(q)), eye(3)));
 * console.log((await item(distance)).toFixed(4)); // 0.0000
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014
 */
export function orthogonal({ gain = 1 }: XavierOptions = {}): Initializer {
  nonNegative(gain, "gain");
  return (key, shape, { dtype = defaultFloat } = {}) => {
    fansOf(shape); // which refuses vectors
    const [rows, columns] = [shape[0], sizeOf(shape.slice(1))];
    const tall = cast(drawNormal(key, [Math.max(rows, columns), Math.min(rows, columns)]), dtype);
    const q = polarFactor(tall);
    return mul(reshape(rows < columns ? transpose(q) : q, shape), gain);
  };
}

/**
 * The matrix with a tall normal matrix's singular vectors, and 1 for its singular values, by Newton and Schulz's iteration
 * x <- a x (3 - a^2 x^2) / 2 on all singular values at once.
 *
 * @see Chen and Chow, "A stable scaling of Newton-Schulz for improving the sign function computation of a Hermitian matrix", 2014
 */
function polarFactor(tall: Tensor): Tensor {
  const [rows, columns] = tall.shape;
  if (tall.size === 0) return tall;
  const identity = eye(columns, { dtype: tall.dtype });
  // The root of the sum of the squares of all singular values, so that none exceeds 1 afterwards.
  let x = div(tall, maximum(norm(tall), 1e-30));
  for (const a of scales(leastSingularValue(rows, columns))) {
    const square = matmul(transpose(x), x);
    x = matmul(x, sub(mul(identity, 1.5 * a), mul(square, 0.5 * a ** 3)));
  }
  return x;
}

/**
 * What the least singular value of a normal matrix is not below, divided by the root of the sum of all squares. It is sqrt(rows) -
 * sqrt(columns), and farther down with probability below exp(-t^2 / 2); the root of the sum of squares is as near to its own mean. A square
 * matrix has nothing to stand on there: 1e-9 is less than what rounding alone makes of it in f32.
 *
 * @see Davidson and Szarek, "Local operator theory, random matrices and Banach spaces", 2001, theorem II.13
 */
function leastSingularValue(rows: number, columns: number): number {
  const t = 6;
  return Math.max(1e-9, (Math.sqrt(rows) - Math.sqrt(columns) - t) / (Math.sqrt(rows * columns) + t));
}

/** The factors a that bring all numbers in [low, 1] to 1, within the precision of f64. */
function scales(low: number): number[] {
  const factors: number[] = [];
  while (1 - low > 1e-15) {
    // With sqrt(3 / (1 + low + low^2)) both ends meet; but at sqrt 3 the upper one would be sent to 0, and rounding could turn its sign.
    const a = Math.min(1.7, Math.sqrt(3 / (1 + low + low * low)));
    const step = (x: number) => a * x * (3 - (a * x) ** 2) / 2;
    low = Math.min(step(low), step(1));
    factors.push(a);
  }
  return factors;
}
