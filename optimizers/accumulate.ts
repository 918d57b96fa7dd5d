/**
 * Gradients summed over several backward passes before one update.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { anOptimizer } from "./option_kinds.ts";
import { argument, oneOf } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { add, mul } from "../core/ops/arithmetic.ts";
import { ge } from "../core/ops/compare.ts";
import { zerosLike, zeroTangent } from "../core/ops/constant.ts";
import { where } from "../core/ops/select.ts";
import { integer } from "../core/ranges.ts";
import type { Tensor } from "../core/tensor.ts";
import { treeMap } from "../core/tree.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { firstStep, nextStep } from "./step.ts";

/** Options of `accumulateGradients`. */
export interface AccumulateGradientsOptions {
  /** What the optimizer gets: the "sum" of the gradients (default, what PyTorch's `backward` leaves in `grad`) or their "mean". */
  readonly reduction?: "sum" | "mean";
}

const accumulateGradientsOptions = optionTable<AccumulateGradientsOptions>({ reduction: oneOf("sum", "mean") });

interface AccumulationState {
  /** How many gradients are in the sums. */
  readonly count: Tensor;
  readonly sum: unknown;
  readonly inner: OptimizerState;
}

/**
 * Gradient accumulation: the optimizer makes a step after every `steps` gradients, with their sum or mean; updates are 0 in
 * between. So a large batch can be computed in small ones: the mean over `steps` batches of a mean loss is the gradient of the
 * whole.
 *
 * Whether a step is due is decided by numbers, not by JavaScript: a jitted step compiles once.
 *
 * ```ts
 * import { ones, optimizers, toArray } from "../mod.ts";
 * const optimizer = optimizers.accumulateGradients(optimizers.sgd({ learningRate: 0.1 }), 2);
 * const params = { weight: ones([1]) };
 * let state = optimizer.init(params);
 * for (let i = 0; i < 4; i++) {
 *   const [updates, next] = optimizer.update({ weight: ones([1]) }, state, params);
 *   state = next;
 *   console.log(await toArray(updates.weight)); // [0], [-0.2], [0], [-0.2]
 * }
 * ```
 *
 * @param optimizer Its schedules count its own steps, not the gradients.
 * @param steps The number of gradients per step.
 * @returns An optimizer. Its state holds `count` i32[], `sum`, a tree like the parameters, and the optimizer's own, `inner`.
 * @throws {RangeError} If `steps` is not an integer of at least 1.
 */
export function accumulateGradients(
  optimizer: Optimizer,
  steps: number,
  options: AccumulateGradientsOptions = {},
): Optimizer {
  const { reduction = "sum" } = checkOptions(options, accumulateGradientsOptions, "accumulateGradients");
  argument(optimizer, anOptimizer, "optimizer", "accumulateGradients");
  integer(steps, "steps");
  return checkedOptimizer("accumulateGradients", {
    init: (params) => ({ count: firstStep(), sum: treeMap(zeroTangent, params), inner: optimizer.init(params) }),
    update: <P extends object>(grads: P, state: OptimizerState, params: P): [P, OptimizerState] => {
      const last = state as unknown as AccumulationState;
      const count = nextStep(last.count);
      const due = ge(count, steps);
      const sum = treeMap((s: Tensor, g: Tensor) => add(s, g), last.sum as P, grads);
      const whole = reduction === "sum" ? sum : treeMap((s: Tensor) => mul(s, 1 / steps), sum);
      const [updates, inner] = optimizer.update(whole, last.inner, params);
      const ifDue = <T>(then: T, otherwise: T): T => treeMap((x: Tensor, y: Tensor) => where(due, x, y), then, otherwise);
      const restart = (x: Tensor) => where(due, zerosLike(x), x);
      return [
        treeMap((u: Tensor) => where(due, u, zerosLike(u)), updates),
        { count: restart(count), sum: treeMap(restart, sum), inner: ifDue(inner, last.inner) },
      ];
    },
  });
}
