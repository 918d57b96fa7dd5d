/**
 * Initializers whose variance depends on the shape: Xavier's and He's.
 *
 * A weight is [outputs, ...inputs of one output], as linear layers and convolutions have it: [out, in], [out, in / groups,
 * height, width]. Its fan in is the number of inputs that one output sees, its fan out the number of outputs that one input
 * reaches: shape[1] and shape[0], each times the taps of the window. Values drawn with a standard deviation of gain / sqrt(fan
 * in) keep the variance of activations going forward, with gain / sqrt(fan out) that of gradients going backward.
 *
 * @module
 */
import { quoted } from "../../core/quoted.ts";
import { oneOf, real } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { mul } from "../../core/ops/arithmetic.ts";
import { normal as drawNormal, uniform as drawUniform } from "../../core/random.ts";
import { nonNegative } from "../../core/ranges.ts";
import type { Initializer } from "../init.ts";
import { drawn } from "./drawn.ts";
import { type Fans, fansOf } from "./fans.ts";

const slopeOptions = optionTable<{ readonly negativeSlope?: number }>({ negativeSlope: real });

/**
 * The factor by which initial weights compensate for how an activation shrinks its input: PyTorch's `calculate_gain`. It is 1 for
 * "linear" (also convolutions) and "sigmoid", 5/3 for "tanh", sqrt 2 for "relu", sqrt(2 / (1 + negativeSlope^2)) for "leakyRelu", 3/4 for
 * "selu".
 *
 * ```ts
 * import { layers } from "../../mod.ts";
 * const { gain, xavierUniform } = layers.initializers;
 * const layer = layers.linear({ features: 10, weightInit: xavierUniform({ gain: gain("tanh") }) });
 * ```
 *
 * @param options `negativeSlope` is that of "leakyRelu" below 0, default 0.01.
 * @throws {RangeError} If the activation is not one of these.
 */
export function gain(
  activation: "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu",
  options: { readonly negativeSlope?: number } = {},
): number {
  const { negativeSlope = 0.01 } = checkOptions(options, slopeOptions, "gain");
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
      throw new RangeError(`There is no gain for the activation ${quoted(activation)}: pass a number`);
  }
}

/** Options of `xavierUniform` and `xavierNormal`. */
export interface XavierOptions {
  /** Factor for the activation that follows, see `gain`. Default 1. */
  readonly gain?: number;
}

const xavierOptions = optionTable<XavierOptions>({ gain: real });

/** Options of `heUniform` and `heNormal`. */
export interface HeOptions {
  /** Factor for the activation that follows, see `gain`. Default sqrt 2, that of relu. */
  readonly gain?: number;
  /** Whose variance is kept: that of activations going forward ("fanIn", default) or of gradients going backward ("fanOut"). */
  readonly mode?: "fanIn" | "fanOut";
}

const heOptions = optionTable<HeOptions>({ gain: real, mode: oneOf("fanIn", "fanOut") });

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
  return (fans) => fans[mode];
}

/**
 * Xavier (Glorot) initialisation, uniform: in +-gain * sqrt(6 / (fan in + fan out)). PyTorch's `xavier_uniform_`.
 *
 * ```ts
 * import { abs, item, layers, max, random } from "../../mod.ts";
 * const weight = layers.initializers.xavierUniform()(random.key(0), [100, 200]);
 * console.log((await item(max(abs(weight)))).toFixed(3)); // 0.141
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
 */
export function xavierUniform(options: XavierOptions = {}): Initializer {
  const { gain = 1 } = checkOptions(options, xavierOptions, "xavierUniform");
  return scaledUniform(gain, average);
}

/**
 * Xavier (Glorot) initialisation, normal: deviation gain * sqrt(2 / (fan in + fan out)). PyTorch's `xavier_normal_`.
 *
 * ```ts
 * import { item, layers, random, std } from "../../mod.ts";
 * const weight = layers.initializers.xavierNormal()(random.key(0), [100, 300]);
 * console.log((await item(std(weight))).toFixed(2)); // 0.07
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
 */
export function xavierNormal(options: XavierOptions = {}): Initializer {
  const { gain = 1 } = checkOptions(options, xavierOptions, "xavierNormal");
  return scaledNormal(gain, average);
}

/**
 * He (Kaiming) initialisation, uniform: in +-gain * sqrt(3 / fan). PyTorch's `kaiming_uniform_`, whose `nonlinearity` and `a` are
 * `gain` here: `heUniform({ gain: gain("leakyRelu", { negativeSlope: a }) })`. PyTorch's default for linear and convolution layers, and
 * ours, has a = sqrt 5.
 *
 * ```ts
 * import { abs, item, layers, max, random } from "../../mod.ts";
 * const weight = layers.initializers.heUniform()(random.key(0), [64, 6, 3, 3]);
 * console.log((await item(max(abs(weight)))).toFixed(3)); // 0.333
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see He et al., "Delving deep into rectifiers", 2015
 */
export function heUniform(options: HeOptions = {}): Initializer {
  const { gain = Math.SQRT2, mode } = checkOptions(options, heOptions, "heUniform");
  return scaledUniform(gain, fanOf(mode));
}

/**
 * He (Kaiming) initialisation, normal: deviation gain / sqrt(fan). PyTorch's `kaiming_normal_`; ResNets use it with the mode
 * "fanOut".
 *
 * ```ts
 * import { layers } from "../../mod.ts";
 * const { heNormal } = layers.initializers;
 * const layer = layers.conv2d({ features: 64, kernel: 3, bias: false, weightInit: heNormal({ mode: "fanOut" }) });
 * ```
 *
 * @returns An initializer. It throws a ShapeError for shapes with fewer than 2 axes.
 * @throws {RangeError} If the gain is negative.
 * @see He et al., "Delving deep into rectifiers", 2015
 */
export function heNormal(options: HeOptions = {}): Initializer {
  const { gain = Math.SQRT2, mode } = checkOptions(options, heOptions, "heNormal");
  return scaledNormal(gain, fanOf(mode));
}
