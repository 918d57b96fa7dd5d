/**
 * A layer of a transformer's encoder: attention, and a small network at every position, each with its input added.
 *
 * @module
 */
import { aFunction, flag, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { add } from "../core/ops/arithmetic.ts";
import { relu } from "../core/ops/unary.ts";
import { integer } from "../core/ranges.ts";
import { showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { type AttentionParams, multiHeadAttention } from "./multi_head_attention.ts";
import { compose } from "./compose.ts";
import { dropout as dropping } from "./dropout.ts";
import type { NormParams, WeightBias } from "./init.ts";
import type { Layer } from "./layer.ts";
import { layerNorm } from "./layer_norm.ts";
import { linear } from "./linear.ts";

/** Options of `transformerEncoderLayer`. */
export interface TransformerEncoderLayerOptions {
  /** The number of features of input and output. */
  readonly features: number;
  /** The number of attention heads. */
  readonly heads: number;
  /** The number of hidden features of the feed-forward network. Default 2048. */
  readonly hidden?: number;
  /** The probability of dropping: weights of the attention, hidden features, and results before they are added. Default 0.1. */
  readonly dropout?: number;
  /** What is applied to the hidden features. Default relu. */
  readonly activation?: (x: Tensor) => Tensor;
  /** Whether the norms come before attention and network, instead of after the sums. Default false. */
  readonly normFirst?: boolean;
  /** Whether a position attends only to itself and those before it. Default false. */
  readonly causal?: boolean;
}

const transformerOptions = optionTable<TransformerEncoderLayerOptions>({
  features: needed(real),
  heads: needed(real),
  hidden: real,
  dropout: real,
  activation: aFunction(),
  normFirst: flag,
  causal: flag,
});

/** What `transformerEncoderLayer` learns, by PyTorch's names. */
export interface TransformerEncoderLayerParams {
  /** The attention. */
  readonly selfAttn: AttentionParams;
  /** The first layer of the feed-forward network. */
  readonly linear1: WeightBias<true>;
  /** Its second layer. */
  readonly linear2: WeightBias<true>;
  /** The norm of the attention. */
  readonly norm1: NormParams;
  /** The norm of the feed-forward network. */
  readonly norm2: NormParams;
}

/**
 * A layer of a transformer's encoder (of a decoder without memory, if it is causal): x + attention(x), then x + network(x), with norms.
 *
 * Input and output [batch, positions, features]. Names, shapes and defaults are those of PyTorch's `nn.TransformerEncoderLayer`.
 *
 * ```ts
 * import { layers, random, tensor } from "../mod.ts";
 * const { embedding, linear, serial, transformerEncoderLayer } = layers;
 * const block = () => transformerEncoderLayer({ features: 32, heads: 4, hidden: 64, causal: true });
 * const model = serial({ words: embedding({ numEmbeddings: 100, features: 32 }), block1: block(), block2: block(), head: linear({ features: 100 }) });
 * const { params, state } = model.init(random.key(0), [8]);
 * const words = tensor([[3, 1, 4, 1, 5, 9, 2, 6]], { dtype: "i32" });
 * console.log(model.apply(params, state, words, layers.evalMode)[0].shape); // [1, 8, 100]
 * ```
 *
 * @throws {RangeError} If a number of features or heads is no integer of at least 1, or `dropout` no probability.
 * @throws {ShapeError} From `init` and `apply`, if the input has other axes, or its features are not divisible by the heads.
 * @see Vaswani et al., "Attention is all you need", 2017
 */
export function transformerEncoderLayer(options: TransformerEncoderLayerOptions): Layer<TransformerEncoderLayerParams> {
  checkOptions(options, transformerOptions, "transformerEncoderLayer");
  const { features, heads, hidden = 2048, dropout = 0.1, activation = relu, normFirst = false, causal } = options;
  const stages = {
    selfAttn: multiHeadAttention({ heads, dropout, causal }),
    linear1: linear({ features: integer(hidden, "hidden") }),
    dropout: dropping(dropout),
    linear2: linear({ features }),
    norm1: layerNorm(),
    norm2: layerNorm(),
    dropout1: dropping(dropout),
    dropout2: dropping(dropout),
  };
  return compose(stages, ({ selfAttn, linear1, dropout, linear2, norm1, norm2, dropout1, dropout2 }, x) => {
    if (x.rank === 3 && x.shape[2] !== features) {
      throw new ShapeError(
        `Cannot apply transformerEncoderLayer to input ${showShape(x.shape)}: its ${x.shape[2]} features must be ${features}`,
        { shape: x.shape, features },
      );
    }
    const attend = (y: Tensor) => dropout1(selfAttn(y));
    const think = (y: Tensor) => dropout2(linear2(dropout(activation(linear1(y)))));
    if (normFirst) {
      const y = add(x, attend(norm1(x)));
      return add(y, think(norm2(y)));
    }
    const y = norm1(add(x, attend(x)));
    return norm2(add(y, think(y)));
  }, "transformerEncoderLayer");
}
