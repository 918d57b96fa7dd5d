/**
 * A training loop that reports its resident memory: what `memory_test.ts` runs as a process of its own.
 *
 * Arguments: device, steps, "jit" or "eager", "awaits" or "synchronous" (never lets the event loop turn), and the step at which to look
 * first. Prints the resident bytes at that step and at the end, and the loss.
 *
 * @module
 */
import {
  cast,
  crossEntropy,
  item,
  jit,
  layers,
  mul,
  optimizers,
  random,
  realize,
  setDevice,
  type Tensor,
  tensor,
  valueAndGrad,
} from "../../../mod.ts";
import { cnn, imageShape } from "../../../examples/parts/models.ts";

const [device, steps, how, rhythm, first] = Deno.args;
await setDevice(device as "wasm" | "webgpu");

const batch = 4;
const { params, state } = cnn.init(random.key(0), imageShape);
const noise = Uint8Array.from({ length: 256 + batch * 784 }, (_, j) => (31 * j + 17 * (j >> 8)) & 255);
const optimizer = optimizers.sgd({ learningRate: 0.01, momentum: 0.5 });
let train = { params, optim: optimizer.init(params) };

function step(s: typeof train, images: Tensor, labels: Tensor): readonly [Tensor, typeof train] {
  const scaled = mul(cast(images, "f32"), 1 / 255);
  const loss = (p: typeof params) => crossEntropy(cnn.apply(p, state, scaled, layers.evalMode)[0], labels);
  const [value, grads] = valueAndGrad(loss)(s.params);
  const [updates, optim] = optimizer.update(grads, s.optim, s.params);
  return [value, { params: optimizers.applyUpdates(s.params, updates), optim }];
}

const run = how === "jit" ? jit(step, { donate: [0, 1, 2] }) : (...args: Parameters<typeof step>) => realize(step(...args));
const count = Number(steps);
let early = 0;
let last: Tensor | undefined;
for (let i = 1; i <= count; i++) {
  const pixels = noise.slice(i % 256, i % 256 + batch * 784);
  const images = tensor(pixels, { shape: [batch, ...imageShape] });
  const labels = tensor(Int32Array.from({ length: batch }, (_, j) => (i + j) % 10));
  const [loss, next] = run(train, images, labels);
  train = next;
  last = loss;
  if (rhythm === "awaits") await item(loss);
  if (i === Number(first)) early = Deno.memoryUsage().rss;
}
console.log(JSON.stringify({ early, late: Deno.memoryUsage().rss, loss: await item(last!) }));
