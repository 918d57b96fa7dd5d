/**
 * Trains some steps and prints a digest of the parameters: by several processes, or by one that accumulates as many gradients itself.
 *
 * Arguments: the model, steps, images of a step, parts of which one process accumulates the gradients, whether exchanges overlap, in which
 * dtype it computes.
 */
import { averageGradients, init } from "../../../distributed/mod.ts";
import { batches, shard, syntheticDigits } from "../../../datasets/mod.ts";
import { type Model, type ModelName, models } from "../../../examples/parts/models.ts";
import { mnistPixels, normalized } from "../../../examples/parts/training.ts";
import {
  add,
  applyUpdates,
  cast,
  crossEntropy,
  data,
  div,
  jit,
  layers,
  optimizers,
  random,
  setDevice,
  type Tensor,
  tensor,
  treeMap,
  treeTensors,
  valueAndGrad,
} from "../../../mod.ts";

const [name, steps, batchSize, parts, overlap, dtype = "f32"] = Deno.args;
const { rank, size } = init({ timeout: 20, overlap: overlap !== "false" });
await setDevice("wasm", { threads: 1 });
const accumulated = Number(parts);
const shards = size * accumulated;
const perShard = Number(batchSize) / shards;
const { train } = syntheticDigits({ train: Number(steps) * Number(batchSize), test: 0 });
const mine = Array.from({ length: accumulated }, (_, i) => shard(train, { rank: rank * accumulated + i, size: shards, key: 1 }));
const streams = mine.map((set) => batches(set, { batchSize: perShard })[Symbol.iterator]());

const model: Model = models[name as ModelName];
const optimizer = optimizers.sgd({ learningRate: 0.01, momentum: 0.5 });
const initial = model.init(random.key(0), train.shape);
const { state } = initial;
const computed = (x: Tensor) => cast(x, dtype as "f32" | "f64");
let params = treeMap(computed, initial.params);
let optim = optimizer.init(params);

const step = jit((p: typeof params, s: typeof optim, batch: readonly { images: typeof images; labels: typeof images }[]) => {
  const grads = batch.map(({ images, labels }) =>
    valueAndGrad((p: object) =>
      crossEntropy(model.apply(p, state, computed(normalized(images, mnistPixels)), layers.evalMode)[0], labels)
    )(
      p,
    )[1]
  );
  const sum = grads.reduce((sum, each) => treeMap((a, b) => add(a, b), sum, each));
  const mean = accumulated > 1 ? treeMap((g) => div(g, accumulated), sum) : sum;
  const [updates, next] = optimizer.update(averageGradients(mean), s, p);
  return [applyUpdates(p, updates), next] as const;
}, { donate: [0, 1] });
const images = tensor([0]);

const started = performance.now();
for (let i = 0; i < Number(steps); i++) {
  const batch = streams.map((stream) => {
    const { images, labels, shape } = stream.next().value!;
    return { images: tensor(images, { shape }), labels: tensor(labels) };
  });
  [params, optim] = step(params, optim, batch);
  if (i === 0) console.log("begun");
}
const values = await Promise.all(treeTensors(params).map((x) => data<Float32Array | Float64Array>(x)));
const ms = (performance.now() - started) / Number(steps);
const all = new (dtype === "f64" ? Float64Array : Float32Array)(values.reduce((sum, { length }) => sum + length, 0));
let offset = 0;
for (const each of values) {
  all.set(each, offset);
  offset += each.length;
}
const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", all)).toHex();
// Few: the launcher passes long lines on in parts, those of several processes in turn.
const every = Math.ceil(all.length / 50);
console.log(JSON.stringify({ rank, digest, ms, sample: [...all].filter((_, i) => i % every === 0) }));
