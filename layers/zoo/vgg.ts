/**
 * VGG: blocks of small convolutions.
 *
 * @module
 */
import { depthKind } from "../option_kinds.ts";
import { flag, natural, oneOf, real } from "../../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { adaptiveAvgPool2d } from "../../core/ops/adaptive_pool.ts";
import { relu } from "../../core/ops/unary.ts";
import { withArgs } from "../../core/with_args.ts";
import type { Stage } from "../compose.ts";
import { conv2d } from "../conv.ts";
import { dropout } from "../dropout.ts";
import { constant, heNormal, normal } from "../initializers/mod.ts";
import type { AnyLayer } from "../layer.ts";
import { linear } from "../linear.ts";
import { batchNorm } from "../batch_norm.ts";
import { maxPool2d } from "../pool.ts";
import { sequential, serial } from "../serial.ts";
import { flatten } from "../flatten.ts";
import type { NetworkOptions } from "./options.ts";
import { divider } from "./divider.ts";

/** Options of `vggBlock`. */
export interface VggBlockOptions {
  /** How many convolutions there are. */
  readonly convolutions: number;
  /** How many channels come out. */
  readonly features: number;
  /** Whether there is a batch norm after every convolution. Default false. */
  readonly norm?: boolean;
}

const vggBlockOptions = optionTable<VggBlockOptions>({ convolutions: needed(depthKind), features: needed(natural), norm: flag });

/** Options of `vgg`. */
export interface VggOptions extends NetworkOptions {
  /** How many layers have weights. */
  readonly depth: 11 | 13 | 16 | 19;
  /** Whether there is a batch norm after every convolution. Default false. */
  readonly norm?: boolean;
}

const vggOptions = optionTable<VggOptions>({ depth: needed(oneOf(11, 13, 16, 19)), classes: natural, ratio: real, norm: flag });

/** How many convolutions the five blocks have. */
const convolutions = { 11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4] } as const;

const init = { weightInit: heNormal({ mode: "fanOut" }), biasInit: constant(0) };

function blockStages({ convolutions, features, norm = false }: VggBlockOptions): Stage[] {
  const one: Stage[] = [conv2d({ features, kernel: 3, padding: 1, ...init }), ...(norm ? [batchNorm()] : []), relu];
  return [...Array.from({ length: convolutions }, () => one).flat(), maxPool2d({ kernel: 2 })];
}

/**
 * A block of VGG: convolutions of 3 x 3 that keep height and width, then a pool that halves them.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * const block = layers.zoo.vggBlock({ convolutions: 2, features: 128 });
 * console.log(block.init(random.key(0), [64, 112, 112]).output); // [128, 56, 56]
 * ```
 *
 * @see Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014
 */
export function vggBlock(options: VggBlockOptions): AnyLayer {
  checkOptions(options, vggBlockOptions, "vggBlock");
  return sequential(...blockStages(options));
}

/**
 * VGG-11, 13, 16 or 19: five blocks of 64, 128, 256, 512 and 512 channels, and three linear layers.
 *
 * Input [batch, channels, height, width], 224 x 224 or others of at least 32 (they are pooled to 7 x 7), output [batch, classes].
 * Names and shapes are those of torchvision, whose state dicts `loadStateDict` takes (`classes: 1000`, three channels).
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * const { stages } = layers.zoo.vgg({ depth: 11 }).init(random.key(0), [1, 224, 224]);
 * console.log(stages?.features.output); // [512, 7, 7]
 * ```
 *
 * @see Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014
 */
export function vgg(options: VggOptions): AnyLayer {
  const { depth, classes = 10, ratio = 1, norm = false } = checkOptions(options, vggOptions, "vgg");
  const size = divider(ratio);
  const blocks = [64, 128, 256, 512, 512].map((features, i) =>
    blockStages({ convolutions: convolutions[depth][i], features: size(features), norm })
  );
  const fc = (features: number) => linear({ features, weightInit: normal({ std: 0.01 }), biasInit: constant(0) });
  return serial({
    features: sequential(...blocks.flat()),
    avgpool: withArgs(adaptiveAvgPool2d, 7),
    flatten: flatten(),
    classifier: sequential(fc(size(4096)), relu, dropout(0.5), fc(size(4096)), relu, dropout(0.5), fc(classes)),
  });
}
