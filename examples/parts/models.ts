/**
 * Four networks for 28 x 28 grey images of ten classes: what the examples train and the benches time.
 *
 * A model holds no numbers, so it is a constant: `cnn.init(key, imageShape)` makes parameters.
 *
 * @module
 */
import { layers, relu, sigmoid } from "../../mod.ts";

const { conv2d, dropout, dropout2d, flatten, linear, maxPool2d, serial } = layers;

/** The shape of one image: channels, height, width. */
export const imageShape = [1, 28, 28] as const;

/** Two convolutions and one linear layer: 8,490 parameters. */
export const cnn = serial({
  conv1: conv2d({ features: 10, kernel: 5 }),
  pool1: maxPool2d({ kernel: 2 }),
  act1: relu,
  conv2: conv2d({ features: 20, kernel: 5 }),
  pool2: maxPool2d({ kernel: 2 }),
  act2: relu,
  flatten: flatten(),
  head: linear({ features: 10 }),
});

/** PyTorch's own MNIST example: wider convolutions, dropout, 1,199,882 parameters. */
export const simple = serial({
  conv1: conv2d({ features: 32, kernel: 3 }),
  act1: relu,
  conv2: conv2d({ features: 64, kernel: 3 }),
  act2: relu,
  pool: maxPool2d({ kernel: 2 }),
  drop1: dropout2d(0.25),
  flatten: flatten(),
  fc1: linear({ features: 128 }),
  act3: relu,
  drop2: dropout(0.5),
  head: linear({ features: 10 }),
});

/** Linear layers only: 575,050 parameters. */
export const fcn = serial({
  flatten: flatten(),
  fc1: linear({ features: 512 }),
  act1: relu,
  fc2: linear({ features: 256 }),
  act2: relu,
  fc3: linear({ features: 128 }),
  act3: relu,
  fc4: linear({ features: 64 }),
  act4: relu,
  head: linear({ features: 10 }),
});

/**
 * LeNet-5 with maximum pooling: 44,426 parameters.
 *
 * @see LeCun et al., "Gradient-based learning applied to document recognition", 1998
 */
export const lenet = serial({
  conv1: conv2d({ features: 6, kernel: 5 }),
  act1: sigmoid,
  pool1: maxPool2d({ kernel: 2 }),
  conv2: conv2d({ features: 16, kernel: 5 }),
  act2: sigmoid,
  pool2: maxPool2d({ kernel: 2 }),
  flatten: flatten(),
  fc1: linear({ features: 120 }),
  act3: sigmoid,
  fc2: linear({ features: 84 }),
  act4: sigmoid,
  head: linear({ features: 10 }),
});

/** The networks by name. */
export const models = { cnn, simple, fcn, lenet } as const;

/** What the networks have in common, for code that works with any of them: `const model: Model = models[name]`. */
export type Model = layers.Layer<object, object>;

/** The name of one of the networks. */
export type ModelName = keyof typeof models;
