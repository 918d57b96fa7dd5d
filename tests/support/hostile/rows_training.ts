/**
 * Optimizers and schedules: made, started and asked for a step.
 *
 * @module
 */
import { optimizers, tensor } from "../../../mod.ts";
import { each, row, type Rows, used } from "./rows.ts";
import { count, finitePositive, flag, lists, made, needed, options, share, word } from "./values.ts";

const params = () => ({ w: tensor([1, 2]) });
const grads = () => ({ w: tensor([0.5, 0.25]) });
const stepped = (optimizer: never) => {
  const { init, update } = optimizer as optimizers.Optimizer;
  return update(grads(), init(params()), params());
};
const asked = (schedule: never) => (schedule as optimizers.Schedule)(3);

/** A rate: a number from 0 on, or a function of the step. */
const rate = finitePositive(0.1);
const notNegative = finitePositive(0.1);
const mask = made(() => true, "true");
const decay = { weightDecay: notNegative, decayMask: mask };
const below1 = made(() => 0.5, "-0", "0.5");
const inside = made(() => 0.5, "0.5");
const finiteFactor = made(() => 0.5, "0.5", "2^31", "2^53");
const limit = made(() => 1, "0.5", "2^31", "2^53");
const optimizer = made(() => optimizers.sgd({ learningRate: 0.1 }));
const steps = made(() => 4, "2^31", "2^53");
const anyTree = made(params, "[]", ...lists, "{}", "{ a: 1 }", "like a tensor");

export const trainingRows: Rows = {
  "optimizers.sgd": used(
    stepped,
    needed({ learningRate: rate }, { ...decay, momentum: share(0.5), nesterov: flag(true), dampening: made(() => 0, "-0") }),
  ),
  "optimizers.adagrad": used(
    stepped,
    needed({ learningRate: rate }, { ...decay, initialAccumulatorValue: notNegative, epsilon: notNegative }),
  ),
  "optimizers.adadelta": used(stepped, options({ ...decay, learningRate: rate, rho: share(0.5), epsilon: notNegative })),
  ...each(
    "optimizers.adam optimizers.adamW",
    used(stepped, needed({ learningRate: rate }, { ...decay, beta1: below1, beta2: below1, epsilon: notNegative })),
  ),
  "optimizers.lion": used(stepped, needed({ learningRate: rate }, { ...decay, beta1: below1, beta2: below1 })),
  "optimizers.rmsprop": used(
    stepped,
    needed({ learningRate: rate }, {
      ...decay,
      alpha: share(0.5),
      epsilon: notNegative,
      momentum: share(0.5),
      centered: flag(true),
    }),
  ),
  "optimizers.addDecayedWeights": used(stepped, notNegative, options({ mask })),
  "optimizers.accumulateGradients": used(stepped, optimizer, steps, options({ reduction: word("mean") })),
  "optimizers.chain": used(stepped, optimizer, optimizer),
  ...each("optimizers.clipByGlobalNorm optimizers.clipByValue", used(stepped, limit)),
  "optimizers.globalNorm": row(anyTree),
  "optimizers.gradientNorms": row(anyTree, options({ per: word("tensor") })),
  "optimizers.partition": used(stepped, made(() => () => "a"), made(() => ({ a: optimizers.sgd({ learningRate: 0.1 }) }))),
  "optimizers.masked": used(stepped, optimizer, mask),
  "optimizers.setToZero": used(stepped),
  "optimizers.exponentialMovingAverage": used(
    (average: optimizers.ParameterAverage) => average.average(average.update(average.init(params()), params())),
    needed({ decay: below1 }, { debias: flag(true) }),
  ),
  // schedules
  "optimizers.schedules.constant": used(asked, rate),
  "optimizers.schedules.linear": used(asked, needed({ from: rate, to: rate, steps })),
  "optimizers.schedules.polynomial": used(asked, needed({ from: rate, to: rate, steps, power: limit })),
  "optimizers.schedules.exponentialDecay": used(asked, needed({ from: rate, factor: finiteFactor }, { steps })),
  "optimizers.schedules.stepDecay": used(asked, needed({ from: rate, every: steps }, { factor: finiteFactor })),
  "optimizers.schedules.multiStepDecay": used(
    asked,
    needed({ from: rate, milestones: made(() => [1, 2], "[]") }, { factor: finiteFactor }),
  ),
  "optimizers.schedules.cosineDecay": used(asked, needed({ from: rate, steps }, { to: rate })),
  "optimizers.schedules.cosineRestarts": used(
    asked,
    needed({ from: rate, steps }, { to: rate, factor: made(() => 1, "2^31", "2^53") }),
  ),
  "optimizers.schedules.oneCycle": used(
    asked,
    needed({ peak: rate, steps }, {
      pctStart: inside,
      divFactor: limit,
      finalDivFactor: limit,
      annealStrategy: word("linear"),
    }),
  ),
  "optimizers.schedules.warmup": used(asked, rate, needed({ steps }, { from: rate })),
  "optimizers.schedules.join": used(
    asked,
    made(() => [optimizers.schedules.constant(0.1), optimizers.schedules.constant(0.2)]),
    needed({ boundaries: made(() => [2]) }),
  ),
  "optimizers.schedules.reduceOnPlateau": used(
    (plateau: { init(): never; update(state: never, value: number): unknown }) => plateau.update(plateau.init(), 1),
    needed({ from: rate }, {
      factor: inside,
      patience: count(2).or("2^53"),
      threshold: notNegative,
      mode: word("max"),
      cooldown: count(2).or("2^53"),
      minRate: rate,
    }),
  ),
};

/** The makers of optimizers. */
export const optimizerPaths: readonly string[] = Object.keys(trainingRows).filter((path) =>
  !/schedules|Norms$|globalNorm|Average$/.test(path)
);
