/**
 * AlexNet, in one stream.
 *
 * @module
 */
import { natural, real } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { relu } from "../../core/ops/unary.ts";
import { conv2d } from "../conv.ts";
import { dropout } from "../dropout.ts";
import type { AnyLayer } from "../layer.ts";
import { linear } from "../linear.ts";
import { maxPool2d } from "../pool.ts";
import { sequential, serial } from "../serial.ts";
import { flatten } from "../flatten.ts";
import type { NetworkOptions } from "./options.ts";
import { divider } from "./divider.ts";

const alexNetOptions = optionTable<NetworkOptions>({ classes: natural, ratio: real });

/**
 * AlexNet: convolutions of 11 x 11, 5 x 5 and three of 3 x 3, then three linear layers with dropout after the activations.
 *
 * Input [batch, channels, 224, 224] (67 at least), output [batch, classes]. The parts are `conv` and `fc`, numbered inside.
 *
 * ```ts
 * import { layers, random } from "../../mod.ts";
 * const { stages } = layers.zoo.alexNet().init(random.key(0), [1, 224, 224]);
 * console.log(stages?.conv.output); // [256, 5, 5]
 * ```
 *
 * @see Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012
 */
export function alexNet(options: NetworkOptions = {}): AnyLayer {
  const { classes = 10, ratio = 1 } = checkOptions(options, alexNetOptions, "alexNet");
  const size = divider(ratio);
  const conv = (features: number, kernel: number, padding: number) => conv2d({ features: size(features), kernel, padding });
  const pool = maxPool2d({ kernel: 3, stride: 2 });
  return serial({
    conv: sequential(
      conv2d({ features: size(96), kernel: 11, stride: 4 }),
      relu,
      pool,
      conv(256, 5, 2),
      relu,
      pool,
      conv(384, 3, 1),
      relu,
      conv(384, 3, 1),
      relu,
      conv(256, 3, 1),
      relu,
      pool,
    ),
    flatten: flatten(),
    fc: sequential(
      linear({ features: size(4096) }),
      relu,
      dropout(0.5),
      linear({ features: size(4096) }),
      relu,
      dropout(0.5),
      linear({ features: classes }),
    ),
  });
}
