/**
 * Gradients that vanish and explode on their way through a deep network, made visible layer by layer, and what mends them.
 *
 * ```sh
 * deno run examples/gradient_flow.ts
 * deno run -A examples/gradient_flow.ts --log logs   # their histograms, too: tensorboard --logdir logs
 * ```
 *
 * @module
 */
import { add, concat, cosineSimilarity, data, flatten, full, grad, item, layers, matmul, mean, norm } from "../mod.ts";
import { optimizers, random, relu, scan, sigmoid, square, tanh, type Tensor, treeTensors, zeros } from "../mod.ts";
import { showLineChart, type SummaryWriter } from "../visual/mod.ts";
import { logFlag, withLog } from "./cli/board.ts";
import { integer } from "./cli/command.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { runChapters } from "./cli/session.ts";

const { batchNorm, initializers, linear, residual, serial, trainMode } = layers;
const { clipByGlobalNorm, clipByValue, globalNorm, gradientNorms } = optimizers;

const command = exampleCommand(
  "gradient_flow.ts",
  "Shows gradients that vanish and explode in deep networks, layer by layer, and what mends them.",
  { depth: 12 },
)
  .option("--depth <count>", "layers of the networks, steps of the recurrent ones: at least 2", integer(2, 100), 20)
  .option(...logFlag);

/** What the chapters have. */
interface Tour extends Omit<ReturnType<typeof command.opts>, "log"> {
  readonly log?: SummaryWriter;
}

const width = 32;

/** A network of `depth` equal blocks. */
export function blocksInRow(block: layers.Stage, depth: number): layers.AnyLayer {
  return serial(Object.fromEntries(Array.from({ length: depth }, (_, i) => [`block${i + 1}`, block])));
}

/** The gradients of the mean square of the output of such a network. */
function gradientsOf(block: layers.Stage, { depth, seed }: Tour): object {
  const model = blocksInRow(block, depth);
  const [initKey, dataKey, modeKey] = random.split(random.key(seed), 3);
  const { params, state } = model.init(initKey, [width]);
  const x = random.normal(dataKey, [64, width]);
  return grad((p: object) => mean(square(model.apply(p, state, x, trainMode(modeKey))[0])))(params);
}

/** The norms of the gradients, one for each block. */
async function normsOf(grads: object): Promise<number[]> {
  const norms = Object.entries(gradientNorms(grads)).filter(([name]) => name.endsWith("fc"));
  return await Promise.all(norms.map(([, norm]) => item(norm)));
}

/** Blocks next to each other: a chart of the norms by layer, histograms for the log, and the first norm as a share of the last. */
async function compareBlocks(blocks: Readonly<Record<string, layers.Stage>>, title: string, tour: Tour): Promise<void> {
  const series: Record<string, number[]> = {};
  for (const [name, block] of Object.entries(blocks)) {
    const grads = gradientsOf(block, tour);
    series[name] = await normsOf(grads);
    const weights = layers.namedParameters(grads).filter(([path]) => path.endsWith("fc.weight"));
    for (const [i, [, g]] of weights.entries()) await tour.log?.histogram(`${title}/${name}`, g, i + 1);
  }
  print(series, title, "layer");
}

/** A chart of the norms, and the ends of each curve. */
function print(series: Readonly<Record<string, readonly number[]>>, title: string, xLabel: string): void {
  const x = Array.from(Object.values(series)[0], (_, i) => i + 1);
  console.log(showLineChart({ series, x, yScale: "log", title: `Norms of gradients: ${title}`, xLabel }));
  for (const [name, norms] of Object.entries(series)) {
    const [first, last] = [norms[0], norms[norms.length - 1]].map((norm) => norm.toExponential(1));
    console.log(`${name.padEnd(20)} first ${xLabel} ${first}, last ${xLabel} ${last}`);
  }
}

const fc = linear({ features: width });

/** Blocks through which gradients vanish, and others. */
export const vanishingBlocks = {
  "sigmoid": serial({ fc, sigmoid }),
  "relu, He": serial({ fc: linear({ features: width, weightInit: initializers.heNormal() }), relu }),
  "batch norm": serial({ fc, norm: batchNorm(), sigmoid }),
  "residual": residual({ fc, sigmoid }),
};

function vanishing(tour: Tour): Promise<void> {
  return compareBlocks(vanishingBlocks, "vanishing, mended", tour);
}

function exploding(tour: Tour): Promise<void> {
  const start = (weightInit: layers.Initializer, act: (x: Tensor) => Tensor) =>
    serial({ fc: linear({ features: width, weightInit, biasInit: initializers.constant(0) }), act });
  const blocks = {
    "relu, deviation 0.5": start(initializers.normal({ std: 0.5 }), relu),
    "tanh, Xavier": start(initializers.xavierNormal({ gain: initializers.gain("tanh") }), tanh),
    "relu, He": start(initializers.heNormal(), relu),
  };
  return compareBlocks(blocks, "exploding, mended", tour);
}

/** Clipping by value limits each number, which turns the gradient; clipping by norm only shortens it. */
async function clipping(tour: Tour): Promise<void> {
  const grads = gradientsOf(
    serial({ fc: linear({ features: width, weightInit: initializers.normal({ std: 0.5 }) }), relu }),
    tour,
  );
  const vector = (tree: object) => concat(treeTensors(tree).map((x) => flatten(x)));
  for (const [name, part] of Object.entries({ "by value 0.01": clipByValue(0.01), "by global norm 1": clipByGlobalNorm(1) })) {
    const [clipped] = part.update(grads, part.init(grads), grads);
    const norms = [await item(globalNorm(grads)), await item(globalNorm(clipped))].map((norm) => norm.toPrecision(3));
    const cosine = await item(cosineSimilarity(vector(grads), vector(clipped), { axis: 0 }));
    console.log(`clipped ${name}: norm ${norms.join(" -> ")}, cosine with the gradient ${cosine.toFixed(3)}`);
  }
}

/** How much each step of a sequence matters to the last state: norms of gradients by the inputs. */
async function recurrence({ seed, depth, log }: Tour): Promise<void> {
  const [dataKey, inputKey, hiddenKey] = random.split(random.key(seed), 3);
  const inputs = random.normal(dataKey, [depth, 1, width]);
  const draw = (key: random.Key, rows: number) =>
    initializers.uniform({ min: -1 / Math.sqrt(width), max: 1 / Math.sqrt(width) })(key, [rows, width]);
  const hidden = zeros([1, width]);

  const plain = (xs: Tensor) => {
    const [fromInput, fromHidden] = [draw(inputKey, width), draw(hiddenKey, width)];
    const next = (h: Tensor, x: Tensor) => tanh(add(matmul(x, fromInput), matmul(h, fromHidden)));
    return scan((h: Tensor, x: Tensor) => [next(h, x), x], hidden, xs)[0];
  };
  // The biases of the gates, in the order input, forget, cell, output: a forget gate of sigmoid(4) = 0.98 keeps nearly all.
  const lstm = (forget: number) => (xs: Tensor) => {
    const biasIh = concat([0, forget, 0, 0].map((bias) => full([width], bias)));
    const params = { weightIh: draw(inputKey, 4 * width), weightHh: draw(hiddenKey, 4 * width), biasIh };
    return scan((s: layers.LstmState, x: Tensor) => [layers.lstmCell(params, s, x), x], { hidden, cell: hidden }, xs)[0].hidden;
  };

  const series: Record<string, number[]> = {};
  for (const [name, last] of Object.entries({ "tanh": plain, "LSTM": lstm(0), "LSTM, forget bias 4": lstm(4) })) {
    const grads = grad((xs: Tensor) => mean(square(last(xs))))(inputs);
    series[name] = Array.from(await data(norm(grads, { axis: [1, 2] })));
    await log?.histogram(`recurrence/${name}`, grads, 0);
  }
  print(series, "of the last state, by each input", "step");
}

if (import.meta.main) {
  const chapters = { "Vanishing": vanishing, "Exploding": exploding, "Clipping": clipping, "Sequences": recurrence };
  await runExample(
    command,
    ({ log: folder, ...options }) => withLog(folder, (log) => runChapters<Tour>({ ...options, log }, chapters))(),
  );
}
