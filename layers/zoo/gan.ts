/**
 * A small pair of networks that learn from each other: a generator of images, and a discriminator between them and real ones.
 *
 * @module
 */
import { natural } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { leakyRelu } from "../../core/ops/nn.ts";
import { reshape } from "../../core/ops/reshape.ts";
import { relu, tanh } from "../../core/ops/unary.ts";
import { integer } from "../../core/ranges.ts";
import { withArgs } from "../../core/with_args.ts";
import { conv2d } from "../conv.ts";
import { convTranspose2d } from "../conv_transpose.ts";
import { normal } from "../initializers/mod.ts";
import type { AnyLayer } from "../layer.ts";
import { fromFunction } from "../from_function.ts";
import { linear } from "../linear.ts";
import { batchNorm } from "../batch_norm.ts";
import { serial } from "../serial.ts";
import { flatten } from "../flatten.ts";

const weightInit = normal({ std: 0.02 });
const halving = { kernel: 4, stride: 2, padding: 1, weightInit };

/** Options of `generator`. */
export interface GeneratorOptions {
  /** How many channels the images have. Default 1. */
  readonly channels?: number;
  /** How many features the widest hidden image has per pixel, a multiple of 2. Default 64. */
  readonly features?: number;
}

const generatorOptions = optionTable<GeneratorOptions>({ channels: natural, features: natural });

/**
 * Draws images of 28 x 28 from noise: a linear layer to 7 x 7, then two transposed convolutions that double height and width.
 *
 * Input [batch, latent], say 64 normal numbers; output [batch, channels, 28, 28] in (-1, 1).
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * const draw = layers.zoo.generator();
 * const { params, state } = draw.init(random.key(0), [64]);
 * const noise = random.normal(random.key(1), [16, 64]);
 * const [images] = draw.apply(params, state, noise, layers.trainMode(random.key(2)));
 * console.log(images.shape); // [16, 1, 28, 28]
 * ```
 *
 * @throws {RangeError} If `features` is no multiple of 2.
 * @see Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial networks", 2015
 */
export function generator(options: GeneratorOptions = {}): AnyLayer {
  const { channels = 1, features = 64 } = checkOptions(options, generatorOptions, "generator");
  integer(features / 2, "features / 2");
  return serial({
    project: linear({ features: features * 7 * 7, weightInit }),
    image: fromFunction((x) => reshape(x, [x.shape[0], features, 7, 7]), "reshape"),
    norm0: batchNorm(),
    act0: relu,
    up1: convTranspose2d({ features: features / 2, ...halving, bias: false }),
    norm1: batchNorm(),
    act1: relu,
    up2: convTranspose2d({ features: channels, ...halving }),
    squash: tanh,
  });
}

/** Options of `discriminator`. */
export interface DiscriminatorOptions {
  /** How many features the first hidden image has per pixel; the second has twice as many. Default 32. */
  readonly features?: number;
}

const discriminatorOptions = optionTable<DiscriminatorOptions>({ features: natural });

/**
 * Tells real images from drawn ones: two convolutions that halve height and width, and a linear layer.
 *
 * Input [batch, channels, height, width], output [batch, 1]: the logit of being real, for `binaryCrossEntropyWithLogits`.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * console.log(layers.zoo.discriminator().init(random.key(0), [1, 28, 28]).output); // [1]
 * ```
 *
 * @see Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial networks", 2015
 */
export function discriminator(options: DiscriminatorOptions = {}): AnyLayer {
  const { features = 32 } = checkOptions(options, discriminatorOptions, "discriminator");
  const leak = withArgs(leakyRelu, { negativeSlope: 0.2 });
  return serial({
    down1: conv2d({ features, ...halving }),
    act1: leak,
    down2: conv2d({ features: 2 * features, ...halving, bias: false }),
    norm2: batchNorm(),
    act2: leak,
    flatten: flatten(),
    judge: linear({ features: 1, weightInit }),
  });
}
