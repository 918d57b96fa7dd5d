/**
 * ResNet: networks of residual blocks.
 *
 * @module
 */
import { flag, natural, oneOf, real } from "../../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { globalAvgPool2d } from "../../core/ops/adaptive_pool.ts";
import { relu } from "../../core/ops/unary.ts";
import { residual } from "../connections.ts";
import { conv2d } from "../conv.ts";
import { heNormal } from "../initializers/mod.ts";
import type { AnyLayer } from "../layer.ts";
import { linear } from "../linear.ts";
import { batchNorm } from "../batch_norm.ts";
import { maxPool2d } from "../pool.ts";
import { sequential, serial } from "../serial.ts";
import type { NetworkOptions } from "./options.ts";
import { divider } from "./divider.ts";

const weightInit = heNormal({ mode: "fanOut" });

/** Options of `basicBlock`. */
export interface BasicBlockOptions {
  /** How many channels come out. */
  readonly features: number;
  /** Step of the first convolution. Default 1. */
  readonly stride?: number;
  /** Whether a convolution of 1 x 1 brings the input to the shape of the output; it must where they differ. Default if stride is not 1. */
  readonly downsample?: boolean;
}

const basicBlockOptions = optionTable<BasicBlockOptions>({ features: needed(natural), stride: natural, downsample: flag });

/**
 * ResNet's basic block: two convolutions of 3 x 3, each with a batch norm, around which the input is added.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * const block = layers.zoo.basicBlock({ features: 128, stride: 2 });
 * console.log(block.init(random.key(0), [64, 56, 56]).output); // [128, 28, 28]
 * ```
 *
 * @throws {ShapeError} From `init` and `apply`, if the input cannot be added, and there is no `downsample`.
 * @see He et al., "Deep residual learning for image recognition", 2015
 */
export function basicBlock(options: BasicBlockOptions): AnyLayer {
  const { features, stride = 1, downsample = stride !== 1 } = checkOptions(options, basicBlockOptions, "basicBlock");
  return residual({
    conv1: conv2d({ features, kernel: 3, stride, padding: 1, bias: false, weightInit }),
    bn1: batchNorm(),
    relu,
    conv2: conv2d({ features, kernel: 3, padding: 1, bias: false, weightInit }),
    bn2: batchNorm(),
  }, {
    downsample: downsample
      ? sequential(conv2d({ features, kernel: 1, stride, bias: false, weightInit }), batchNorm())
      : undefined,
    activation: relu,
  });
}

/** Options of `resNet`. */
export interface ResNetOptions extends NetworkOptions {
  /** How many layers have weights. Default 18. */
  readonly depth?: 18 | 34;
}

const resNetOptions = optionTable<ResNetOptions>({ depth: oneOf(18, 34), classes: natural, ratio: real });

/** How many blocks the four stages have. */
const blocks = { 18: [2, 2, 2, 2], 34: [3, 4, 6, 3] } as const;

/**
 * ResNet-18 or 34: a convolution of 7 x 7, a pool, four stages of basic blocks of 64, 128, 256 and 512 channels, and a linear layer.
 *
 * Input [batch, channels, height, width], output [batch, classes]. Names and shapes are those of torchvision, whose state dicts
 * `loadStateDict` takes (`classes: 1000`, three channels).
 *
 * ```ts
 * import { layers } from "../../mod.ts";
 * console.log(layers.summary(layers.zoo.resNet({ classes: 1000 }), [3, 224, 224], { depth: 1 }));
 * // stage    layer            output          parameters
 * // conv1    conv2d           [64, 112, 112]       9,408
 * // bn1      batchNorm        [64, 112, 112]         128
 * // relu     relu             [64, 112, 112]           0
 * // maxpool  maxPool2d        [64, 56, 56]             0
 * // layer1   serial           [64, 56, 56]       147,968
 * // layer2   serial           [128, 28, 28]      525,568
 * // layer3   serial           [256, 14, 14]    2,099,712
 * // layer4   serial           [512, 7, 7]      8,393,728
 * // avgpool  globalAvgPool2d  [512]                    0
 * // fc       linear           [1000]             513,000
 * // total                     [1000]          11,689,512
 * ```
 *
 * @see He et al., "Deep residual learning for image recognition", 2015
 */
export function resNet(options: ResNetOptions = {}): AnyLayer {
  const { depth = 18, classes = 10, ratio = 1 } = checkOptions(options, resNetOptions, "resNet");
  const size = divider(ratio);
  // The first block of a stage halves height and width; that of the first stage finds them halved by the pool.
  const stage = (i: number) =>
    sequential(
      ...Array.from({ length: blocks[depth][i] }, (_, n) =>
        basicBlock({ features: size(64 * 2 ** i), stride: i > 0 && n === 0 ? 2 : 1 })),
    );
  return serial({
    conv1: conv2d({ features: size(64), kernel: 7, stride: 2, padding: 3, bias: false, weightInit }),
    bn1: batchNorm(),
    relu,
    maxpool: maxPool2d({ kernel: 3, stride: 2, padding: 1 }),
    layer1: stage(0),
    layer2: stage(1),
    layer3: stage(2),
    layer4: stage(3),
    avgpool: globalAvgPool2d,
    fc: linear({ features: classes }),
  });
}
