/**
 * Multi-head attention: attention in several subspaces at once, between learned maps.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { aRecord, argument, flag, real, tensors } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { permute } from "../core/ops/movement.ts";
import { reshape } from "../core/ops/reshape.ts";
import { split } from "../core/ops/split.ts";
import { fraction, integer } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { keyFor, type WeightBias } from "./init.ts";
import { empty, parameter, weightBias } from "./parameters.ts";
import { constant, xavierUniform } from "./initializers/mod.ts";
import type { Layer } from "./layer.ts";
import { affine } from "./affine.ts";
import { type AttentionOptions, scaledDotProductAttention } from "./attention.ts";

/** The parameters of multi-head attention, by PyTorch's names. */
export type AttentionParams<B extends boolean = true> =
  & {
    /** [3 features, features]: what makes queries, keys and values, one below the other. */
    readonly inProjWeight: Tensor;
    /** The linear map of the joined heads. */
    readonly outProj: WeightBias<B>;
  }
  & (B extends false ? unknown : {
    /** [3 features] */
    readonly inProjBias: Tensor;
  });

/** Options of `crossAttention`. */
export interface CrossAttentionOptions extends AttentionOptions {
  /** The number of attention heads; each gets an equal part of the features. */
  readonly heads: number;
}

const crossAttentionOptions = optionTable<CrossAttentionOptions>({
  mask: tensors,
  causal: flag,
  scale: real,
  dropout: aRecord(),
  heads: needed(real),
});

/**
 * Multi-head attention of one sequence to another: what `multiHeadAttention` does with its own input, as a function.
 *
 * Query [batch, queries, features], memory [batch, keys, features]. The mask is broadcast to [batch, heads, queries, keys]: to hide
 * padding make it of [batch, 1, 1, keys].
 *
 * ```ts
 * import { layers, ones, random } from "../mod.ts";
 * const { params } = layers.multiHeadAttention({ heads: 2 }).init(random.key(0), [3, 8]);
 * console.log(layers.crossAttention(params, ones([1, 3, 8]), ones([1, 5, 8]), { heads: 2 }).shape); // [1, 3, 8]
 * ```
 *
 * @returns [batch, queries, features]
 * @throws {ShapeError} If the axes do not fit, or the features are not divisible by the heads.
 */
export function crossAttention(
  params: AttentionParams | AttentionParams<false>,
  query: Tensor,
  memory: Tensor,
  options: CrossAttentionOptions,
): Tensor {
  const { heads, ...rest } = checkOptions(options, crossAttentionOptions, "crossAttention");
  integer(heads, "heads");
  argument<object>(params, aRecord(), "params", "crossAttention");
  checkSequence(argument(query, tensors, "query", "crossAttention").shape, heads);
  argument(memory, tensors, "memory", "crossAttention");
  checkSequence(memory.shape, heads);
  const weights = split(argument(params.inProjWeight, tensors, "inProjWeight", "crossAttention"), 3);
  const biases = "inProjBias" in params ? split(params.inProjBias, 3) : [];
  const [q, k, v] = [query, memory, memory].map((x, i) =>
    splitHeads(affine(x, biases.length > 0 ? { weight: weights[i], bias: biases[i] } : { weight: weights[i] }), heads)
  );
  const each = scaledDotProductAttention(q, k, v, rest);
  return affine(joinHeads(each), params.outProj);
}

/** [batch, positions, features] as [batch, heads, positions, features / heads]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, positions, features] = x.shape;
  return permute(reshape(x, [batch, positions, heads, features / heads]), [0, 2, 1, 3]);
}

/** And back. */
function joinHeads(x: Tensor): Tensor {
  const [batch, heads, positions, features] = x.shape;
  return reshape(permute(x, [0, 2, 1, 3]), [batch, positions, heads * features]);
}

function checkSequence(shape: Shape, heads: number): void {
  if (shape.length !== 3) {
    throw new ShapeError(
      `Cannot apply multiHeadAttention to input ${showShape(shape)}: it needs axes [batch, positions, features]`,
      {
        shape,
      },
    );
  }
  if (shape[2] % heads !== 0) {
    throw new ShapeError(
      `Cannot apply multiHeadAttention to input ${showShape(shape)}: its ${
        shape[2]
      } features are not divisible by ${heads} heads`,
      { shape, heads },
    );
  }
}

/** Options of `multiHeadAttention`. */
export interface MultiHeadAttentionOptions<B extends boolean = true> {
  /** The number of attention heads; each gets an equal part of the features. */
  readonly heads: number;
  /** The probability of a weight becoming 0 while training. Default 0. */
  readonly dropout?: number;
  /** Whether numbers are added to queries, keys, values, and the result. Default true. */
  readonly bias?: B;
  /** Whether a position attends only to itself and those before it. Default false. */
  readonly causal?: boolean;
}

const multiHeadAttentionOptions = optionTable<MultiHeadAttentionOptions<boolean>>({
  heads: needed(real),
  dropout: real,
  bias: flag,
  causal: flag,
});

/**
 * Multi-head self-attention: every position of a sequence attends to all its positions.
 *
 * Input and output [batch, positions, features]. Parameters: `inProjWeight` [3 features, features], `inProjBias` [3 features],
 * `outProj.weight` [features, features] and `outProj.bias` [features], named and started as in PyTorch's `nn.MultiheadAttention`. With a
 * mask, or for attention to another sequence, use its parameters with `crossAttention`.
 *
 * ```ts
 * import { layers, ones, random } from "../mod.ts";
 * const attend = layers.multiHeadAttention({ heads: 4, dropout: 0.1, causal: true });
 * const { params, state } = attend.init(random.key(0), [10, 32]);
 * const [y] = attend.apply(params, state, ones([2, 10, 32]), layers.evalMode);
 * console.log(y.shape, params.inProjWeight.shape); // [2, 10, 32] [96, 32]
 * ```
 *
 * @throws {RangeError} If `heads` is no integer of at least 1, or `dropout` no probability.
 * @throws {ShapeError} From `init` and `apply`, if the input has other axes, or its features are not divisible by the heads.
 * @see Vaswani et al., "Attention is all you need", 2017
 */
export function multiHeadAttention<B extends boolean = true>(options: MultiHeadAttentionOptions<B>): Layer<AttentionParams<B>> {
  checkOptions(options, multiHeadAttentionOptions, "multiHeadAttention");
  const heads = integer(options.heads, "heads");
  const p = fraction(options.dropout ?? 0, "dropout");
  const bias = (options.bias ?? true) as B;
  const { causal } = options;
  return checkedLayer({
    kind: "multiHeadAttention",
    init: (key, inputShape) => {
      checkSequence([1, ...inputShape], heads);
      const features = inputShape[1];
      const inProjWeight = parameter(key, "inProjWeight", [3 * features, features], xavierUniform());
      const outProj = weightBias(keyFor(key, "outProj"), [features, features], bias, { biasInit: constant(0) });
      const inProjBias = parameter(key, "inProjBias", [3 * features], constant(0));
      const params = { inProjWeight, ...(bias ? { inProjBias } : {}), outProj };
      return { params: params as unknown as AttentionParams<B>, state: empty, output: inputShape };
    },
    apply: (params, state, x, mode) => {
      const dropout = mode.kind === "train" && p > 0 ? { p, key: mode.key } : undefined;
      return [crossAttention(params as AttentionParams, x, x, { heads, causal, dropout }), state];
    },
  });
}
