/** Batch normalisation over all processes, beside that of one process with the whole batch: the largest differences, as JSON. */
import { averageGradients, init } from "../../../distributed/mod.ts";
import {
  abs,
  full,
  item,
  layers,
  max,
  mul,
  ones,
  random,
  setDevice,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  treeLeaves,
  valueAndGradAux,
} from "../../../mod.ts";

const { rank, size } = init({ timeout: 20 });
await setDevice("wasm", { threads: 1 });
// Parts of different sizes: 4, 6, 8 ... images.
const counts = Array.from({ length: size }, (_, r) => 4 + 2 * r);
const start = counts.slice(0, rank).reduce((sum, count) => sum + count, 0);
const count = counts.reduce((sum, count) => sum + count, 0);
const images = random.normal(random.key(0), [count, 3, 5, 5], { mean: 2 });
const weights = random.normal(random.key(1), [count, 3, 5, 5]);
const part = (x: Tensor) => slice(x, { start, stop: start + counts[rank] });
const mode = layers.trainMode(random.key(2));

function run(sync: boolean, x: Tensor, w: Tensor) {
  const layer = layers.batchNorm({ sync });
  const { params, state } = layer.init(random.key(0), [3, 5, 5]);
  const loss = ({ params, x }: { params: typeof p; x: Tensor }) => {
    const [y, next] = layer.apply(params, state, x, mode);
    return [sum(mul(square(y), w)), { y, next }] as const;
  };
  const p = params;
  const { aux, grads } = valueAndGradAux(loss)({ params: p, x });
  return { y: aux.y, next: aux.next, params: grads.params, x: grads.x };
}

const shared = run(true, part(images), part(weights));
const whole = run(false, images, weights);
const difference = async (a: object, b: object) => {
  const others = treeLeaves(b);
  const each = treeLeaves(a).map(({ value }, i) => item(max(abs(sub(value as Tensor, others[i].value as Tensor)))));
  return Math.max(...await Promise.all(each));
};
const sums = averageGradients(shared.params);
// One element of each channel in all: 0.9 of the variance before, 0 of its own.
const layer = layers.batchNorm({ sync: true });
const { params, state } = layer.init(random.key(0), [3]);
const [, lone] = layer.apply(params, state, slice(ones([1, 3]), { stop: rank === 0 ? 1 : 0 }), mode);
console.log(JSON.stringify({
  rank,
  y: await difference({ y: shared.y }, { y: part(whole.y) }),
  state: await difference(shared.next, whole.next),
  x: await difference({ x: shared.x }, { x: part(whole.x) }),
  lone: await difference(lone, { runningMean: full([3], 0.1), runningVar: full([3], 0.9) }),
  params: await difference(sums, { weight: mul(whole.params.weight, 1 / size), bias: mul(whole.params.bias, 1 / size) }),
}));
