/**
 * Training of a network with a new last layer: its weights as one tree, the step and the test as compiled functions.
 *
 * @module
 */
import {
  add,
  applyUpdates,
  argmax,
  cast,
  crossEntropy,
  eq,
  item,
  jit,
  log,
  min,
  mul,
  optimizers,
  sum,
  type Tensor,
  treeMap,
  valueAndGrad,
} from "../../mod.ts";
import type { NamedTensors } from "../../onnx/mod.ts";
import type { Adapted } from "./new_head.ts";

/** Weights that learn. */
export interface Learning {
  readonly head: NamedTensors;
  /** None, if only the new layer learns. */
  readonly body: NamedTensors;
}

/** What changes from step to step. */
export interface Tuned {
  readonly learning: Learning;
  readonly optim: optimizers.OptimizerState;
}

/** Pictures as the network takes them, and their classes: [batch, ...] and i32[batch]. */
export interface Examples {
  readonly x: Tensor;
  readonly labels: Tensor;
}

/** How a network is tuned. */
export interface Tuner {
  readonly initial: Tuned;
  /** One step, and the mean loss before it. The old state is used up. */
  step(state: Tuned, examples: Examples): readonly [loss: Tensor, next: Tuned];
  /** How many examples are named rightly. */
  countRight(learning: Learning, examples: Examples): Tensor;
  /** The parameters of the network, all of them. */
  params(learning: Learning): NamedTensors;
  /** [batch, ...] becomes [batch, classes]: numbers of which the largest is that of the class. */
  logits(learning: Learning, x: Tensor): Tensor;
}

/** What is tuned, and how. */
export interface TuningOptions {
  readonly network: Adapted;
  /** Parameters that are to stay as they are: statistics. Undefined: all but the new layer. */
  readonly fixed: readonly string[] | undefined;
  readonly learningRate: number;
  /** Some pictures, to look at what the network gives. */
  readonly sample: Tensor;
}

/** A tuner: the new layer learns by Adam, the others a tenth as fast. */
export async function makeTuner({ network, fixed, learningRate, sample }: TuningOptions): Promise<Tuner> {
  const { head, body } = network;
  const stays = (name: string) => fixed === undefined || fixed.includes(name);
  const part = (isFixed: boolean): NamedTensors =>
    Object.fromEntries(Object.entries(body).filter(([name]) => stays(name) === isFixed));
  const frozen = part(true);
  const apply = await logitsOf(network, sample);
  const params = (learning: Learning) => ({ ...frozen, ...learning.body, ...learning.head });
  const logits = (learning: Learning, x: Tensor) => apply(params(learning), x);

  const optimizer = optimizers.adam({ learningRate });
  const start: Learning = { head, body: part(false) };
  const step = jit(({ learning, optim }: Tuned, { x, labels }: Examples) => {
    const [loss, grads] = valueAndGrad((p: Learning) => crossEntropy(logits(p, x), labels))(learning);
    const [updates, next] = optimizer.update(grads, optim, learning);
    const slower = { ...updates, body: treeMap((update: Tensor) => mul(0.1, update), updates.body) };
    return [loss, { learning: applyUpdates(learning, slower), optim: next }] as const;
  }, { donate: [0] });
  const countRight = jit((learning: Learning, { x, labels }: Examples) =>
    sum(cast(eq(argmax(logits(learning, x), { axis: 1 }), labels), "f32"))
  );
  return { initial: { learning: start, optim: optimizer.init(start) }, step, countRight, params, logits };
}

/** The network as one that gives logits: some files end with softmax, and the logarithms of its results are as good. */
async function logitsOf({ head, body, apply }: Adapted, sample: Tensor): Promise<Adapted["apply"]> {
  const y = apply({ ...body, ...head }, sample);
  const isProbability = await item(min(y)) >= 0 && Math.abs(await item(sum(y)) / y.shape[0] - 1) < 1e-3;
  return isProbability ? (params, x) => log(add(apply(params, x), 1e-9)) : apply;
}
