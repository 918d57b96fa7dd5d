/**
 * Dropout: random parts are set to 0 while training, so that nothing comes to rely on any one of them.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { imageAxes } from "../core/ops/window.ts";
import { fraction } from "../core/ranges.ts";
import type { Shape } from "../core/shape.ts";
import type { Layer } from "./layer.ts";
import { empty } from "./parameters.ts";
import { drop } from "./drop.ts";

function dropping(kind: string, p: number, maskShape: (shape: Shape) => Shape): Layer {
  return checkedLayer({
    kind,
    init: (_, inputShape) => {
      // Throws if inputs have the wrong axes.
      maskShape([1, ...inputShape]);
      return { params: empty, state: empty, output: inputShape };
    },
    apply: (_params, state, x, mode) => {
      const mask = maskShape(x.shape);
      return [mode.kind === "train" ? drop(mode.key, x, mask, p) : x, state];
    },
  });
}

/**
 * While training, each element becomes 0 with probability `p`, and the others are divided by 1 - p. In evaluation it does
 * nothing.
 *
 * Input and output [batch, ...]. The mask depends on the mode's key only: the same key, the same mask.
 *
 * ```ts
 * import { layers, ones, random, toArray } from "../mod.ts";
 * const drop = layers.dropout(0.5);
 * const [y] = drop.apply({}, {}, ones([2, 4]), layers.trainMode(random.key(0)));
 * console.log(await toArray(y)); // [[0, 0, 2, 2], [0, 2, 2, 0]]
 * ```
 *
 * @param p The probability of becoming 0, in [0, 1]. Default 0.5.
 * @throws {RangeError} If p is not a probability.
 * @see Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014
 */
export function dropout(p: number = 0.5): Layer {
  return dropping("dropout", fraction(p, "p"), (shape) => shape);
}

/**
 * As `dropout`, for whole channels of images, whose neighbouring elements are strongly correlated.
 *
 * Input and output [batch, channels, height, width].
 *
 * ```ts
 * import { layers, ones, random, toArray } from "../mod.ts";
 * const [y] = layers.dropout2d(0.5).apply({}, {}, ones([1, 4, 1, 2]), layers.trainMode(random.key(0)));
 * console.log(await toArray(y)); // [[[[0, 0]], [[0, 0]], [[2, 2]], [[2, 2]]]]
 * ```
 *
 * @param p The probability of a channel of an example becoming 0, in [0, 1]. Default 0.5.
 * @throws {RangeError} If p is not a probability.
 * @throws {ShapeError} From `init` and `apply`, if the input has not four axes.
 * @see Tompson et al., "Efficient object localization using convolutional networks", 2015
 */
export function dropout2d(p: number = 0.5): Layer {
  return dropping("dropout2d", fraction(p, "p"), (shape) => {
    const [n, c] = imageAxes(shape, "dropout2d");
    return [n, c, 1, 1];
  });
}
