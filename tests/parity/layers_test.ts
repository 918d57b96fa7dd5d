/**
 * Layers and blocks of layers against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import { layers, random, relu, type Tensor } from "../../mod.ts";
import stored from "../fixtures/layers.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, type Tensors, testParity } from "./run.ts";
import { nested } from "./nested.ts";

const { batchNorm, conv2d, residual, sequence } = layers;

const fixtures = stored as unknown as Readonly<Record<keyof typeof stored, readonly OperationFixture[]>>;

/** The layer that `make` makes of the options, run on x with the other inputs for parameters. */
function applied(make: (options: never) => layers.AnyLayer): Call {
  return ({ x, ...params }, options) => make(options as never).apply(nested(params), {}, x, layers.evaluate)[0];
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

/** ResNet's basic block; its statistics are the batch's. */
function basicBlock({ x, ...params }: Tensors, options: OperationFixture["options"]): Tensor {
  const { features, stride, downsample } = options as { features: number; stride: number; downsample: boolean };
  const block = residual({
    conv1: conv2d({ features, kernel: 3, stride, padding: 1, bias: false }),
    bn1: batchNorm(),
    relu,
    conv2: conv2d({ features, kernel: 3, padding: 1, bias: false }),
    bn2: batchNorm(),
  }, {
    activation: relu,
    downsample: downsample ? sequence(conv2d({ features, kernel: 1, stride, bias: false }), batchNorm()) : undefined,
  });
  const key = random.key(0);
  const { state } = block.init(key, x.shape.slice(1));
  return (block as layers.AnyLayer).apply(nested(params), state, x, layers.training(key))[0];
}

testParity("a residual block agrees with PyTorch", fixtures.blocks, { calls: { basicBlock } });
