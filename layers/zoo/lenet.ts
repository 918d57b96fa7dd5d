/**
 * LeNet-5: digits from 28 x 28 grey images.
 *
 * @module
 */
import { flag, natural } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { sigmoid } from "../../core/ops/unary.ts";
import { conv2d } from "../conv.ts";
import type { AnyLayer } from "../layer.ts";
import { linear } from "../linear.ts";
import { batchNorm } from "../batch_norm.ts";
import { maxPool2d } from "../pool.ts";
import { sequential, serial } from "../serial.ts";
import { flatten } from "../flatten.ts";

/** Options of `leNet`. */
export interface LeNetOptions {
  /** How many classes there are. Default 10. */
  readonly classes?: number;
  /** Whether there is a batch norm before every activation. Default false. */
  readonly norm?: boolean;
}

const leNetOptions = optionTable<LeNetOptions>({ classes: natural, norm: flag });

/**
 * LeNet-5 with maximum pooling and sigmoid: 44,426 parameters for images of 28 x 28.
 *
 * Input [batch, channels, height, width], output [batch, classes]. Stages are named as in PyTorch programs that have the parts `conv` and
 * `fc`: conv.0, conv.3, fc.0, fc.2, fc.4.
 *
 * ```ts
 * import { layers } from "../../mod.ts";
 * console.log(layers.summary(layers.zoo.leNet(), [1, 28, 28]));
 * ```
 *
 * @see LeCun et al., "Gradient-based learning applied to document recognition", 1998
 */
export function leNet(options: LeNetOptions = {}): AnyLayer {
  const { classes = 10, norm = false } = checkOptions(options, leNetOptions, "leNet");
  const active = norm ? [batchNorm(), sigmoid] : [sigmoid];
  const pool = maxPool2d({ kernel: 2 });
  return serial({
    conv: sequential(conv2d({ features: 6, kernel: 5 }), ...active, pool, conv2d({ features: 16, kernel: 5 }), ...active, pool),
    flatten: flatten(),
    fc: sequential(linear({ features: 120 }), ...active, linear({ features: 84 }), ...active, linear({ features: classes })),
  });
}
