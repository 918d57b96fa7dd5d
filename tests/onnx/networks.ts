/**
 * Networks that are exported as ONNX files in tests: those of the zoo and of the examples, recurrent ones, a transformer.
 *
 * @module
 */
import { cast, type DType, gelu, layers, random, type Shape, type Tensor } from "../../mod.ts";
import { connectionBlocks } from "../../examples/chapters/convolution.ts";
import { regularized } from "../../examples/chapters/regularization.ts";
import { model as detector } from "../../examples/detector.ts";
import { model as generalization } from "../../examples/generalization.ts";
import { blocksInRow, vanishingBlocks } from "../../examples/gradient_flow.ts";
import { vggByBlocks } from "../../examples/lenet_to_nin.ts";
import { models } from "../../examples/parts/models.ts";
import * as onnx from "../../onnx/mod.ts";

const { alexNet, denseNet, discriminator, generator, leNet, nin, resNet, vgg } = layers.zoo;
const digits: Shape = [1, 28, 28];

/** Networks and the shapes and types of their inputs; small variants of the large ones. */
export const networks: Readonly<Record<string, readonly [layers.AnyLayer, Shape, DType?]>> = {
  ...Object.fromEntries(Object.entries(models).map(([name, model]) => [`examples' ${name}`, [model, digits] as const])),
  ...Object.fromEntries(Object.entries(connectionBlocks).map(([name, block]) => [name, [block, [8, 14, 14]] as const])),
  ...Object.fromEntries(
    Object.entries(vanishingBlocks).map(([name, block]) => [`6 of ${name}`, [blocksInRow(block, 6), [32]] as const]),
  ),
  regularized: [regularized, digits],
  detector: [detector, [1, 3, 3]],
  generalization: [generalization, digits],
  "vgg by blocks": [vggByBlocks([[1, 8], [2, 16], [1, 8]]), [1, 32, 32]],
  leNet: [leNet(), digits],
  "leNet with batch norm": [leNet({ norm: true }), digits],
  alexNet: [alexNet({ ratio: 8 }), [1, 96, 96]],
  vgg: [vgg({ depth: 11, ratio: 8, norm: true }), [1, 32, 32]],
  nin: [nin({ ratio: 8 }), [1, 96, 96]],
  resNet: [resNet(), [3, 64, 64]],
  denseNet: [denseNet({ blocks: [2, 3, 2], growthRate: 8 }), [3, 64, 64]],
  generator: [generator({ features: 16 }), [12]],
  discriminator: [discriminator({ features: 8 }), digits],
  lstm: [layers.lstm({ features: 8, layers: 2, bidirectional: true }), [6, 5]],
  "lstm's last state": [layers.lstm({ features: 8, returnSequences: false }), [6, 5]],
  gru: [layers.gru({ features: 8, layers: 2, bidirectional: true }), [6, 5]],
  "transformer encoder": [
    layers.sequential(
      layers.transformerEncoderLayer({ features: 16, heads: 4, hidden: 32 }),
      layers.transformerEncoderLayer({
        features: 16,
        heads: 4,
        hidden: 32,
        activation: (x) => gelu(x),
        normFirst: true,
        causal: true,
      }),
    ),
    [7, 16],
  ],
  embedding: [layers.sequential(layers.embedding({ numEmbeddings: 20, features: 8 }), layers.gru({ features: 4 })), [6], "i32"],
};

/** A network in use, its file, and inputs for a batch of some size. */
export interface ExportedNetwork {
  readonly f: (x: Tensor) => Tensor;
  readonly bytes: Uint8Array;
  readonly inputs: (size: number) => Tensor;
}

/** Exports a network of the table. */
export async function exportNetwork([model, shape, dtype = "f32"]: typeof networks[string]): Promise<ExportedNetwork> {
  const { params, state } = model.init(random.key(0), shape);
  const f = (x: Tensor) => model.apply(params, state, x, layers.evalMode)[0];
  const bytes = await onnx.encode(f, [{ shape: [2, ...shape], dtype }], { params: layers.stateDict(params, state) });
  const range = dtype === "i32" ? { min: 0, max: 20 } : {};
  return { f, bytes, inputs: (size) => cast(random.uniform(random.key(size), [size, ...shape], range), dtype) };
}
