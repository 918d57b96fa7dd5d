/**
 * Layers against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import { gelu, layers, relu, type Tensor } from "../../mod.ts";
import stored from "../fixtures/layers.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, type Tensors, testParity } from "./run.ts";
import { nested } from "./nested.ts";

const fixtures = stored as unknown as Readonly<Record<keyof typeof stored, readonly OperationFixture[]>>;

/** The layer that `make` makes of the options, run on x with the other inputs for parameters. */
function applied(make: (options: never) => layers.AnyLayer): Call {
  return ({ x, ...params }, options) => make(options as never).apply(nested(params), {}, x, layers.evalMode)[0];
}

function attend({ query, key, value, mask }: Tensors, options: object): Tensor {
  return layers.scaledDotProductAttention(query, key, value, { ...options, mask });
}

function cross({ x, memory, mask, ...params }: Tensors, { heads }: OperationFixture["options"]): Tensor {
  return layers.crossAttention(nested(params) as unknown as layers.AttentionParams, x, memory, { heads: heads as number, mask });
}

testParity("embedding agrees with PyTorch", fixtures.embeddings, { f32: 1e-5, calls: { embedding: applied(layers.embedding) } });

testParity("attention agrees with PyTorch", fixtures.attention, {
  calls: { scaledDotProductAttention: attend, multiHeadAttention: applied(layers.multiHeadAttention), crossAttention: cross },
});

testParity("a layer of a transformer agrees with PyTorch", fixtures.encoders, {
  calls: {
    transformerEncoderLayer: applied((
      { activation, ...options }: Omit<layers.TransformerEncoderLayerOptions, "activation"> & { activation: "relu" | "gelu" },
    ) => layers.transformerEncoderLayer({ ...options, activation: { relu, gelu }[activation] })),
  },
});
