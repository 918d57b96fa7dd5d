/**
 * Time of a single-sample training step, where almost nothing is computed: the overhead of a call.
 *
 * ```sh
 * deno task bench:detector --epochs 20 --device wasm
 * ```
 *
 * A network of two 2 x 2 convolutions learns whether all nine numbers of a 3 x 3 image are equal, with Adadelta, one image a step and
 * 200 steps an epoch, the same as in `bench/peers/torch_detector.py`. Prints a JSON object.
 *
 * @module
 */
import { Command, Option } from "../dev_deps.ts";
import {
  applyUpdates,
  binaryCrossEntropy,
  data,
  deviceInfo,
  item,
  jit,
  layers,
  leakyRelu,
  optimizers,
  random,
  setDevice,
  sigmoid,
  type Tensor,
  tensor,
  valueAndGrad,
} from "../mod.ts";
import { integer, median } from "./options.ts";

const { device, threads, epochs } = new Command()
  .name("bench:detector")
  .description("Time of a single-sample training step, as JSON.")
  .addOption(
    new Option("--device <name>", "where to compute").choices(["auto", "wasm", "webgpu"] as const).default("auto" as const),
  )
  .option("--threads <count>", "threads of wasm (default: all cores)", integer(1))
  .option("--epochs <count>", "timed epochs of 200 steps", integer(1), 100)
  .parse(Deno.args, { from: "user" })
  .opts();

await setDevice(device, { threads });

const model = layers.serial({
  conv1: layers.conv2d({ features: 1, kernel: 2 }),
  act1: leakyRelu,
  conv2: layers.conv2d({ features: 1, kernel: 2 }),
  act2: sigmoid,
});
const { params, state } = model.init(random.key(0), [1, 3, 3]);
const optimizer = optimizers.adadelta({ learningRate: 0.5 });

const step = jit((p: typeof params, s: optimizers.OptimizerState, image: Tensor, same: Tensor) => {
  const loss = (p: typeof params) => binaryCrossEntropy(model.apply(p, state, image, layers.evalMode)[0], same);
  const [value, grads] = valueAndGrad(loss)(p);
  const [updates, next] = optimizer.update(grads, s, p);
  return [value, applyUpdates(p, updates), next] as const;
}, { donate: [0, 1] });

/** 100 images of nine equal numbers, then 100 of noise, each with its label. */
async function samples(): Promise<(readonly [image: Tensor, same: Tensor])[]> {
  const noise = await data(random.uniform(random.key(1), [900], { min: -50, max: 50 }));
  const image = (pixels: Iterable<number>) => tensor(Float32Array.from(pixels), { shape: [1, 1, 3, 3] });
  const label = (same: number) => tensor(Float32Array.of(same), { shape: [1, 1, 1, 1] });
  const [yes, no] = [label(1), label(0)];
  return [
    ...Array.from({ length: 100 }, (_, i) => [image(new Array<number>(9).fill(i - 50)), yes] as const),
    ...Array.from({ length: 100 }, (_, i) => [image(noise.slice(9 * i, 9 * i + 9)), no] as const),
  ];
}

const examples = await samples();
let train = [params, optimizer.init(params)] as const;

/** 200 steps, one after the other; waits for the last loss only. */
function epoch(): Promise<number> {
  let last: Tensor | undefined;
  for (const [pixels, same] of examples) {
    const [loss, ...next] = step(...train, pixels, same);
    train = next;
    last = loss;
  }
  return item(last!);
}

/** Epochs that are not timed: machine code settles. */
const warmup = 30;

for (let i = 0; i < warmup; i++) await epoch();
const times: number[] = [];
let lastLoss = NaN;
for (let i = 0; i < epochs; i++) {
  const begun = performance.now();
  lastLoss = await epoch();
  times.push((performance.now() - begun) / examples.length * 1000);
}
const round = (us: number) => Math.round(us * 100) / 100;
console.log(JSON.stringify({
  engine: "cotangent",
  task: "detector",
  device: deviceInfo().name,
  usPerStep: round(median(times)),
  usMin: round(Math.min(...times)),
  lastLoss,
}));
