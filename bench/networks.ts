/**
 * The networks of `bench:nets`, which people train and run, and one step of each: the same as `peers/torch_nets.py` has.
 *
 * @module
 */
import {
  crossEntropy,
  globalAvgPool2d,
  item,
  jit,
  layers,
  optimizers,
  random,
  realize,
  relu,
  reshape,
  type Scalar,
  slice,
  sum,
  type Tensor,
  valueAndGradAux,
} from "../mod.ts";
import type { Row } from "./rows.ts";

const { batchNorm, conv2d, embedding, linear, lstm, sequential, transformerEncoderLayer, zoo } = layers;

/** A network, the shape of an example of some size, and how many classes each of its results has. */
interface Network {
  readonly model: () => layers.AnyLayer;
  readonly example: (size: number) => readonly number[];
  /** Whether examples are the numbers of words. */
  readonly words?: true;
  readonly classes: number;
}

/** Words that the transformer knows. */
const words = 1000;

/** A convolution of 3 x 3 within each channel, then one of 1 x 1 across them. */
const separable = (channels: number, features: number, stride = 1) =>
  sequential(
    conv2d({ features: channels, kernel: 3, stride, padding: 1, groups: channels, bias: false }),
    batchNorm(),
    relu,
    conv2d({ features, kernel: 1, bias: false }),
    batchNorm(),
    relu,
  );

const encoder = () => transformerEncoderLayer({ features: 256, heads: 4, hidden: 1024, dropout: 0 });

const picture = (size: number) => [3, size, size];

const networks: Readonly<Record<string, Network>> = {
  resnet18: { model: () => zoo.resNet(), example: picture, classes: 10 },
  vgg11: { model: () => zoo.vgg({ depth: 11, ratio: 4 }), example: (size) => [1, size, size], classes: 10 },
  separable: {
    model: () =>
      sequential(
        conv2d({ features: 32, kernel: 3, padding: 1, bias: false }),
        batchNorm(),
        relu,
        separable(32, 64),
        separable(64, 128, 2),
        separable(128, 128),
        separable(128, 256, 2),
        separable(256, 256),
        separable(256, 512, 2),
        separable(512, 512),
        globalAvgPool2d,
        linear({ features: 10 }),
      ),
    example: picture,
    classes: 10,
  },
  transformer: {
    model: () =>
      sequential(embedding({ numEmbeddings: words, features: 256 }), encoder(), encoder(), linear({ features: words })),
    example: (size) => [size],
    words: true,
    classes: words,
  },
  lstm: {
    model: () => sequential(lstm({ features: 256, returnSequences: false }), linear({ features: 10 })),
    example: (size) => [size, 256],
    classes: 10,
  },
};

/** The network of a row, with its first parameters. */
export function modelOf({ network, size }: Row) {
  const { model: make, example } = networks[network];
  const model = make();
  return { model, ...model.init(random.key(0), example(size)) };
}

/** A row's batch of inputs. */
export function inputOf({ network, size, batch }: Row): Tensor {
  const { example, words: ofWords } = networks[network];
  const shape = [batch, ...example(size)];
  return realize(ofWords ? random.randint(random.key(1), shape, { max: words }) : random.normal(random.key(1), shape));
}

/** A function that runs a row's step once, on one and the same batch, and waits for it. */
export function stepOf(row: Row): () => Promise<number> {
  const { classes } = networks[row.network];
  const { model, params, state, output } = modelOf(row);
  const x = inputOf(row);
  if (row.mode === "infer") {
    const infer = jit((x: Tensor) => model.apply(params, state, x, layers.evalMode)[0]);
    const first = jit((y: Tensor) => sum(slice(reshape(y, [-1]), { stop: 1 })));
    return async () => {
      using y = infer(x);
      using value = first(y);
      return await item(value);
    };
  }
  const results = [row.batch, ...output].reduce((product, extent) => product * extent, 1) / classes;
  const labels = realize(random.randint(random.key(2), [results], { max: classes }));
  const optimizer = optimizers.sgd({ learningRate: 0.01, momentum: 0.5 });
  let train = { params, state, optim: optimizer.init(params) };
  const step = jit((s: typeof train, x: Tensor, labels: Tensor, count: Scalar) => {
    const loss = (p: object) => {
      const mode = layers.trainMode(random.foldIn(random.key(3), count));
      const [y, next] = model.apply(p, s.state, x, mode);
      return [crossEntropy(reshape(y, [results, classes]), labels), next] as const;
    };
    const { value, aux, grads } = valueAndGradAux(loss)(s.params);
    const [updates, optim] = optimizer.update(grads, s.optim, s.params);
    return [value, { params: optimizers.applyUpdates(s.params, updates), state: aux, optim }] as const;
  }, { donate: [0] });
  let count = 0;
  return async () => {
    const [loss, next] = step(train, x, labels, count++);
    train = next as typeof train;
    return await item(loss);
  };
}
