/**
 * NiN: networks in a network.
 *
 * @module
 */
import { natural, real } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { globalAvgPool2d } from "../../core/ops/adaptive_pool.ts";
import { relu } from "../../core/ops/unary.ts";
import { withArgs } from "../../core/with_args.ts";
import { conv2d, type Conv2dLayerOptions } from "../conv.ts";
import { dropout } from "../dropout.ts";
import type { AnyLayer } from "../layer.ts";
import { maxPool2d } from "../pool.ts";
import { sequential } from "../serial.ts";
import { flatten } from "../flatten.ts";
import type { NetworkOptions } from "./options.ts";
import { divider } from "./divider.ts";

/**
 * A block of NiN: a convolution, and two of 1 x 1, which are a small network at every pixel of the image.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * const block = layers.zoo.ninBlock({ features: 96, kernel: 11, stride: 4 });
 * console.log(block.init(random.key(0), [1, 224, 224]).output); // [96, 54, 54]
 * ```
 *
 * @param options Of the first convolution.
 * @see Lin et al., "Network in network", 2013
 */
export function ninBlock(options: Conv2dLayerOptions): AnyLayer {
  const first = conv2d(options);
  const { features } = options;
  return sequential(first, relu, conv2d({ features, kernel: 1 }), relu, conv2d({ features, kernel: 1 }), relu);
}

const ninOptions = optionTable<NetworkOptions>({ classes: natural, ratio: real });

/**
 * NiN: four blocks with pools between them; the channels of the last are the classes, whose means are the logits.
 *
 * Input [batch, channels, 224, 224], output [batch, classes]. Stages are numbered 0 to 9.
 *
 * ```ts
 * import { layers } from "../../mod.ts";
 * console.log(layers.summary(layers.zoo.nin(), [1, 224, 224], { depth: 1 }));
 * ```
 *
 * @see Lin et al., "Network in network", 2013
 */
export function nin(options: NetworkOptions = {}): AnyLayer {
  const { classes = 10, ratio = 1 } = checkOptions(options, ninOptions, "nin");
  const size = divider(ratio);
  const pool = maxPool2d({ kernel: 3, stride: 2 });
  return sequential(
    ninBlock({ features: size(96), kernel: 11, stride: 4 }),
    pool,
    ninBlock({ features: size(256), kernel: 5, padding: 2 }),
    pool,
    ninBlock({ features: size(384), kernel: 3, padding: 1 }),
    pool,
    dropout(0.5),
    ninBlock({ features: classes, kernel: 3, padding: 1 }),
    withArgs(globalAvgPool2d, { keepDims: true }),
    flatten(),
  );
}
