/**
 * The training that the page shows: the small convolutional network on digits that Cotangent draws itself, a few steps at a time.
 *
 * @module
 */
import { argmax, conv2d, data, datasets, jit, layers, optimizers, relu, softmax, type Tensor, tensor } from "../../mod.ts";
import { cnn, imageShape } from "../parts/models.ts";
import { makeTrainer, mnistPixels, normalized, noTotals, type TrainState } from "../parts/training.ts";
import { type Progress, type Reading, shownDigits } from "./messages.ts";

const batchSize = 64;

/** Digits are drawn so many at a time: the first step need not wait for all of them. */
const chunkSize = 2000;
const chunks = 10;

/** How many digits a course has. */
const courseLength = 60 * chunkSize;

/** Milliseconds between two reports, and the least between two tests. */
const [reportInterval, testInterval] = [40, 200];

/** Batches for ever: chunk after chunk, and then the same in other orders. */
function* drawnBatches(): Generator<datasets.Batch, never> {
  const drawn: datasets.ImageSet[] = [];
  for (let pass = 0;; pass++) {
    const chunk = drawn[pass % chunks] ??= datasets.syntheticDigits({ seed: pass + 1, train: chunkSize, test: 0 }).train;
    yield* datasets.batches(chunk, { batchSize, shuffle: pass });
  }
}

/** Digits that are never learned from. */
const exam = datasets.syntheticDigits({ seed: 0, train: 0, test: 1000 }).test;

/** Where those that the page shows stand in the exam: as many of each class, class by class. */
const shown = Array.from(
  { length: 10 },
  (_, digit) => [...exam.labels.keys()].filter((i) => exam.labels[i] === digit).slice(0, shownDigits / 10),
).flat();

/** Their pixels, and what they are. */
export const shownSet = {
  images: Uint8Array.from(shown.flatMap((i) => [...exam.images.subarray(784 * i, 784 * (i + 1))])),
  labels: Uint8Array.from(shown, (i) => exam.labels[i]),
};

/** The network's parameters and state. */
interface Network {
  readonly params: ReturnType<typeof cnn.init>["params"];
  readonly state: ReturnType<typeof cnn.init>["state"];
}

/** The scores of the ten digits for normalized pixels, [count, 1, 28, 28]. */
function scores({ params, state }: Network, pixels: Tensor): Tensor {
  return cnn.apply(params, state, pixels, layers.evalMode)[0];
}

/** As what digits are read: i32[count]. */
const named = jit((network: Network, images: Tensor) => argmax(scores(network, normalized(images, mnistPixels)), { axis: 1 }));

/** Of one digit the probabilities, [1, 10], and the answers of the first layer, [1, 10, 24, 24]. */
const reading = jit((network: Network, image: Tensor) => {
  const pixels = normalized(image, mnistPixels);
  const { weight, bias } = network.params.conv1;
  return [softmax(scores(network, pixels), { axis: 1 }), relu(conv2d(pixels, weight, { bias }))] as const;
});

/** A network that learns. */
export interface Course {
  /** Whether all of it has been learned. */
  readonly isFinished: boolean;
  /** Goes on; after the end, with as much again. */
  goOn(): void;
  /** Some steps, as many as take about the time between two reports. */
  learn(): Promise<Progress>;
  /** What there is without learning. */
  look(): Promise<Progress>;
  /** What the network makes of a digit now. */
  read(image: Uint8Array): Promise<Reading>;
}

/** A course from its beginning. The seed chooses the numbers that the network begins with. */
export function makeCourse(seed: number): Course {
  const trainer = makeTrainer(cnn, optimizers.adam({ learningRate: 0.003 }), imageShape, seed);
  const batches = drawnBatches();
  let train: TrainState = trainer.initial;
  let steps = 0, seen = 0, goal = courseLength;
  /** Steps until the next report: few on a slow device. */
  let stride = 1;
  let reported = 0, nextTest = 0;
  /** Milliseconds of the fastest test: the first one compiles. */
  let testTime = Infinity;

  const network = (): Network => ({ params: train.params, state: train.state } as Network);

  async function report(loss: number, rate: number): Promise<Progress> {
    const filters = await data<Float32Array>(network().params.conv1.weight);
    const progress = { seen, goal, steps, loss, rate, filters };
    const begun = performance.now();
    if (steps <= 1 || begun < nextTest && seen < goal) return progress; // the first step is told at once
    const guesses = await data<Int32Array>(named(network(), tensor(exam.images, { shape: [exam.count, ...imageShape] })));
    const right = guesses.filter((guess, i) => guess === exam.labels[i]).length;
    testTime = Math.min(testTime, performance.now() - begun);
    nextTest = begun + Math.max(testInterval, 5 * testTime);
    return { ...progress, test: { accuracy: right / exam.count, named: Uint8Array.from(shown, (i) => guesses[i]) } };
  }

  return {
    get isFinished() {
      return seen >= goal;
    },
    goOn() {
      if (seen >= goal) goal += courseLength;
      reported = performance.now();
    },
    async learn() {
      let images = 0;
      for (let i = 0; i < stride && seen < goal; i++) {
        const batch = batches.next().value;
        train = trainer.step(train, batch, steps++);
        images += batch.count;
        seen += batch.count;
      }
      const [lossSum] = await data(train.totals);
      train = { ...train, totals: noTotals() };
      const now = performance.now();
      const milliseconds = now - reported;
      reported = now;
      stride = Math.max(1, Math.min(2 * stride, Math.round(stride * reportInterval / milliseconds)));
      return await report(lossSum / images, 1000 * images / milliseconds);
    },
    look: () => report(NaN, NaN),
    async read(image) {
      const [probabilities, answers] = reading(network(), tensor(image, { shape: [1, ...imageShape] }));
      return { probabilities: await data<Float32Array>(probabilities), answers: await data<Float32Array>(answers) };
    },
  };
}
