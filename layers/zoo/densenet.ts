/**
 * DenseNet: networks of dense blocks.
 *
 * @module
 */
import { depthKind } from "../option_kinds.ts";
import { natural, naturals } from "../../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { globalAvgPool2d } from "../../core/ops/adaptive_pool.ts";
import { relu } from "../../core/ops/unary.ts";
import type { Stage } from "../compose.ts";
import { denseConnection } from "../connections.ts";
import { conv2d } from "../conv.ts";
import { constant, heNormal } from "../initializers/mod.ts";
import type { AnyLayer } from "../layer.ts";
import { linear } from "../linear.ts";
import { batchNorm } from "../batch_norm.ts";
import { avgPool2d, maxPool2d } from "../pool.ts";
import { serial } from "../serial.ts";

const convolution = (features: number, kernel: number, { stride = 1, padding = 0 } = {}) =>
  conv2d({ features, kernel, stride, padding, bias: false, weightInit: heNormal() });

/** Options of `denseBlock`. */
export interface DenseBlockOptions {
  /** How many dense layers there are. */
  readonly layers: number;
  /** How many channels each adds. Default 32. */
  readonly growthRate?: number;
  /** The first convolution of a layer, of 1 x 1, has `bottleneck` times `growthRate` channels. Default 4. */
  readonly bottleneck?: number;
}

const denseBlockOptions = optionTable<DenseBlockOptions>({ layers: needed(depthKind), growthRate: natural, bottleneck: natural });

/**
 * A block of DenseNet: layers that each add `growthRate` channels to all that came before.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * console.log(layers.zoo.denseBlock({ layers: 4 }).init(random.key(0), [64, 56, 56]).output); // [192, 56, 56]
 * ```
 *
 * @see Huang et al., "Densely connected convolutional networks", 2016
 */
export function denseBlock(options: DenseBlockOptions): AnyLayer {
  const { layers, growthRate = 32, bottleneck = 4 } = checkOptions(options, denseBlockOptions, "denseBlock");
  const one = () =>
    denseConnection({
      norm1: batchNorm(),
      relu1: relu,
      conv1: convolution(bottleneck * growthRate, 1),
      norm2: batchNorm(),
      relu2: relu,
      conv2: convolution(growthRate, 3, { padding: 1 }),
    });
  return serial(Object.fromEntries(Array.from({ length: layers }, (_, i) => [`denselayer${i + 1}`, one()])));
}

/** What stands between two dense blocks: it halves height, width and the number of channels. */
function transition(features: number): AnyLayer {
  return serial({ norm: batchNorm(), relu, conv: convolution(features, 1), pool: avgPool2d({ kernel: 2 }) });
}

/** Options of `denseNet`. */
export interface DenseNetOptions {
  /** How many layers each block has. Default [6, 12, 24, 16]: DenseNet-121. */
  readonly blocks?: readonly number[];
  /** How many channels a layer adds. Default 32. */
  readonly growthRate?: number;
  /** How many channels the first convolution makes. Default twice the growth rate. */
  readonly features?: number;
  /** The first convolution of a layer, of 1 x 1, has `bottleneck` times `growthRate` channels. Default 4. */
  readonly bottleneck?: number;
  /** How many classes there are. Default 10. */
  readonly classes?: number;
}

const denseNetOptions = optionTable<DenseNetOptions>({
  blocks: naturals,
  growthRate: natural,
  features: natural,
  bottleneck: natural,
  classes: natural,
});

/**
 * DenseNet: a convolution of 7 x 7, a pool, dense blocks with transitions between them, and a linear layer.
 *
 * Input [batch, channels, height, width], output [batch, classes]. Names and shapes are those of torchvision.
 *
 * ```ts
 * import { layers } from "../../mod.ts";
 * console.log(layers.summary(layers.zoo.denseNet({ blocks: [4, 4, 4, 4] }), [1, 96, 96], { depth: 2 }));
 * ```
 *
 * @see Huang et al., "Densely connected convolutional networks", 2016
 */
export function denseNet(options: DenseNetOptions = {}): AnyLayer {
  const { blocks = [6, 12, 24, 16], growthRate = 32, features = 2 * growthRate, bottleneck = 4, classes = 10 } = checkOptions(
    options,
    denseNetOptions,
    "denseNet",
  );
  const stages: Record<string, Stage> = {
    conv0: convolution(features, 7, { stride: 2, padding: 3 }),
    norm0: batchNorm(),
    relu0: relu,
    pool0: maxPool2d({ kernel: 3, stride: 2, padding: 1 }),
  };
  let channels = features;
  for (const [i, layers] of blocks.entries()) {
    stages[`denseblock${i + 1}`] = denseBlock({ layers, growthRate, bottleneck });
    channels += layers * growthRate;
    if (i === blocks.length - 1) break;
    channels = Math.floor(channels / 2);
    stages[`transition${i + 1}`] = transition(channels);
  }
  return serial({
    features: serial({ ...stages, norm5: batchNorm() }),
    relu,
    pool: globalAvgPool2d,
    classifier: linear({ features: classes, biasInit: constant(0) }),
  });
}
