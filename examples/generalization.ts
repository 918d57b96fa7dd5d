/**
 * Errors in training and errors on what was not seen: a network that is too large for its few digits, some with wrong labels, without
 * and with penalties for large weights.
 *
 * ```sh
 * deno run examples/generalization.ts
 * deno run -A examples/generalization.ts --log logs   # then: tensorboard --logdir logs
 * ```
 *
 * @module
 */
import { batches, type ImageSet, randomStream, split, syntheticDigits } from "../datasets/mod.ts";
import { abs, add, applyUpdates, argmax, cast, concat, crossEntropy, div, flatten, grad, item, jit } from "../mod.ts";
import { l1Penalty, l2Penalty, layers, le, mean, mul, ne, norm, optimizers, random, relu, type Tensor } from "../mod.ts";
import { tensor, treeTensors } from "../mod.ts";
import { showLineChart, type SummaryWriter } from "../visual/mod.ts";
import { logFlag, withLog } from "./cli/board.ts";
import { integer } from "./cli/command.ts";
import { percent } from "./cli/display.ts";
import { exampleCommand, runExample } from "./cli/example.ts";

const command = exampleCommand(
  "generalization.ts",
  "Compares errors in training with errors on a validation set, without and with penalties for large weights.",
  { epochs: 30 },
)
  .option("--epochs <count>", "passes over the digits", integer(1), 60)
  .option("--count <count>", "digits, half of them to learn from", integer(20), 800)
  .option(...logFlag);

type Options = ReturnType<typeof command.opts>;

/** The network. */
export const model = layers.serial({
  flatten: layers.flatten(),
  fc1: layers.linear({ features: 128 }),
  act1: relu,
  head: layers.linear({ features: 10 }),
});
type Params = layers.ParamsOf<typeof model>;

/** A way to keep weights small: a penalty added to the loss, or weights that shrink at each update. */
interface Method {
  readonly penalty?: (params: Params) => Tensor;
  readonly weightDecay?: number;
}

const weights = (_: string, x: Tensor) => x.rank > 1;
const methods: Readonly<Record<string, Method>> = {
  "nothing": {},
  "L2 penalty": { penalty: (params) => mul(0.01, l2Penalty(params)) },
  "weight decay": { weightDecay: 0.02 },
  "L1 penalty": { penalty: (params) => mul(1e-3, l1Penalty(params, { mask: weights })) },
};

/** Errors after each epoch, as shares of the set, and the weights at the end. */
interface Outcome {
  readonly training: number[];
  readonly validation: number[];
  readonly params: Params;
}

const scaled = (images: Tensor) => div(cast(images, "f32"), 255);

const errorOf = jit((params: Params, images: Tensor, labels: Tensor) => {
  const [logits] = model.apply(params, {}, scaled(images), layers.evalMode);
  return mean(cast(ne(argmax(logits, { axis: 1 }), labels), "f32"));
});

/** Trains in one of the ways; after each epoch both errors are taken. */
async function train([training, validation]: Sets, method: Method, { seed, epochs }: Options): Promise<Outcome> {
  const { params: start, state } = model.init(random.key(seed), training.shape);
  const optimizer = optimizers.sgd({ learningRate: 0.1, weightDecay: method.weightDecay });
  const loss = (params: Params, images: Tensor, labels: Tensor) => {
    const data = crossEntropy(model.apply(params, state, scaled(images), layers.evalMode)[0], labels);
    return method.penalty ? add(data, method.penalty(params)) : data;
  };
  const step = jit((params: Params, optim: optimizers.OptimizerState, images: Tensor, labels: Tensor) => {
    const [updates, next] = optimizer.update(grad(loss)(params, images, labels), optim, params);
    return [applyUpdates(params, updates), next] as const;
  });

  const outcome: { training: number[]; validation: number[]; params: Params } = { training: [], validation: [], params: start };
  let optim = optimizer.init(start);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const { images, labels, shape } of batches(training, { batchSize: 32, shuffle: seed, epoch })) {
      [outcome.params, optim] = step(outcome.params, optim, tensor(images, { shape }), tensor(labels));
    }
    outcome.training.push(await errorOn(training, outcome.params));
    outcome.validation.push(await errorOn(validation, outcome.params));
  }
  return outcome;
}

function errorOn({ images, labels, shape, count }: ImageSet, params: Params): Promise<number> {
  return item(errorOf(params, tensor(images, { shape: [count, ...shape] }), tensor(labels)));
}

/** What to learn from, and what to validate by. */
type Sets = readonly [training: ImageSet, validation: ImageSet];

/** Digits in two halves; of those to learn from one in five has any label. */
function makeSets({ seed, count }: Options): Sets {
  const digits = syntheticDigits({ seed, train: count, test: 0 }).train;
  const [training, validation] = split(digits, { fraction: 0.5, key: seed, stratify: true });
  const chance = randomStream([seed, 1]);
  const labels = training.labels.map((label) => chance.uniform() < 0.2 ? chance.below(10) : label);
  return [{ ...training, labels }, validation];
}

/** How long the vector of all weights is, and how many of them hardly matter. */
async function describe(params: Params): Promise<string> {
  const all = concat(treeTensors(params).filter((x) => x.rank > 1).map((x) => flatten(x)));
  const small = await item(mean(cast(le(abs(all), 1e-3), "f32")));
  return `${(await item(norm(all))).toFixed(2).padStart(6)}  ${percent(small).padStart(8)}`;
}

async function compare(options: Options, log?: SummaryWriter): Promise<void> {
  const sets = makeSets(options);
  console.log(`${sets[0].count} digits to learn from, ${sets[1].count} to validate by`);
  const outcomes = new Map<string, Outcome>();
  for (const [name, method] of Object.entries(methods)) {
    const outcome = await train(sets, method, options);
    outcomes.set(name, outcome);
    for (const kind of ["training", "validation"] as const) {
      for (const [epoch, error] of outcome[kind].entries()) await log?.scalar(`${kind} error/${name}`, error, epoch);
    }
  }
  const { training, validation } = outcomes.get("nothing")!;
  console.log(showLineChart({ series: { training, validation }, title: "Error without regularisation", xLabel: "epoch" }));
  console.log("                training  validation  |weights|  below 0.001");
  for (const [name, { training, validation, params }] of outcomes) {
    const errors = [training, validation].map((each) => percent(each[each.length - 1]).padStart(10));
    console.log(`${name.padEnd(14)}${errors.join("  ")}     ${await describe(params)}`);
  }
}

if (import.meta.main) await runExample(command, (options) => withLog(options.log, (log) => compare(options, log))());
