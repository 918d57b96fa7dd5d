/**
 * Convolutions: what they do to numbers and to shapes, and what is built around them.
 *
 * @module
 */
import {
  add,
  arange,
  cast,
  item,
  layers,
  lt,
  mean,
  mul,
  random,
  relu,
  reshape,
  ShapeError,
  slice,
  std,
  sum,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { printTensor, shapeText } from "../cli/display.ts";
import { imageShape, simple } from "../parts/models.ts";

const { batchNorm, conv2d, denseConnection, linear, residual, serial } = layers;

/** 32 filters of 3 x 3 on the numbers 1 to 25, then relu. */
export async function convolution({ key }: { readonly key: random.Key }): Promise<void> {
  const x = reshape(cast(arange(1, 26), "f32"), [1, 1, 5, 5]);
  const conv = layers.conv2d({ features: 32, kernel: 3, stride: 1 });
  const { params, state } = conv.init(key, [1, 5, 5]);
  const [y] = conv.apply(params, state, x, layers.evalMode);
  printTensor("input", x);
  const { weight, bias } = params;
  console.log(
    `weight ${shapeText(weight.shape)}, bias ${shapeText(bias.shape)}: ${shapeText(x.shape)} becomes ${shapeText(y.shape)}`,
  );
  const some = slice(y, { axis: 1, stop: 6 });
  printTensor("the first 6 of 32 channels", some);
  printTensor("the same after relu", relu(some));
  const negative = (z: Tensor) => item(sum(cast(lt(z, 0), "i32")));
  console.log(`${await negative(y)} of ${y.size} numbers are negative, after relu ${await negative(relu(y))}`);
}

/** The size of what comes out: (in + 2 padding - kernel) / stride + 1, rounded down. */
export function sizes({ key }: { readonly key: random.Key }): void {
  for (const [size, kernel, stride, padding] of [[5, 3, 1, 0], [28, 3, 1, 0], [26, 3, 1, 0], [28, 5, 1, 2], [28, 3, 2, 1]]) {
    const { output } = layers.conv2d({ features: 32, kernel, stride, padding }).init(key, [1, size, size]);
    const formula = Math.floor((size + 2 * padding - kernel) / stride) + 1;
    console.log(
      `in ${size}, kernel ${kernel}, stride ${stride}, padding ${padding}: formula ${formula}, layer ${shapeText(output)}`,
    );
  }
  console.log(`\nWhat does not fit is refused before anything is computed:`);
  tellMisfit(() =>
    serial({ conv1: conv2d({ features: 32, kernel: 3 }), conv2: conv2d({ features: 64, kernel: 5 }) }).init(key, [1, 5, 5])
  );
  tellMisfit(() => serial({ conv1: conv2d({ features: 32, kernel: 3 }), head: linear({ features: 10 }) }).init(key, [28, 28]));
  const { params, state } = simple.init(key, imageShape);
  tellMisfit(() => simple.apply(params, state, zeros([64, 3, 28, 28]), layers.evalMode));
}

function tellMisfit(attempt: () => unknown): void {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    console.log(`${error.name}: ${error.message}`);
  }
}

const conv = (features: number) => conv2d({ features, kernel: 3, padding: 1, bias: false });

/** Batch norm between convolution and relu; what goes around stages (ResNet) and what is kept beside them (DenseNet). */
export const connectionBlocks = {
  "conv -> batch norm -> relu": serial({ conv: conv(8), norm: batchNorm(), relu }),
  "residual: relu(x + ...)": residual({ conv1: conv(8), bn1: batchNorm(), relu, conv2: conv(8), bn2: batchNorm() }, {
    activation: relu,
  }),
  "dense: [x, ...]": denseConnection({ norm: batchNorm(), relu, conv: conv(12) }),
};

/** What these blocks make of images whose numbers are far from 0. */
export async function connections({ key }: { readonly key: random.Key }): Promise<void> {
  const [initKey, imageKey] = random.split(key);
  const x = add(mul(random.normal(imageKey, [16, 8, 14, 14]), 3), 5);
  const spread = async (z: Tensor) => `mean ${(await item(mean(z))).toFixed(2)}, deviation ${(await item(std(z))).toFixed(2)}`;
  console.log("input".padEnd(28), shapeText(x.shape), await spread(x));
  for (const [name, block] of Object.entries<layers.AnyLayer>(connectionBlocks)) {
    const { params, state } = block.init(initKey, [8, 14, 14]);
    const [y] = block.apply(params, state, x, layers.trainMode(key));
    console.log(name.padEnd(28), shapeText(y.shape), await spread(y));
  }
}
