/**
 * Penalties: what large parameters cost, to be added to a loss.
 *
 * @module
 */
import { argument, aTree, checkedInside } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { type Mask, selector } from "../mask.ts";
import { Tensor } from "../tensor.ts";
import { treeLeaves } from "../tree.ts";
import { abs, add, mul } from "./arithmetic.ts";
import { zeros } from "./creation.ts";
import { sum } from "./sum.ts";

/** Options of penalties. */
export interface PenaltyOptions {
  /** Which tensors count. Default all. */
  readonly mask?: Mask;
}

const penaltyOptions = optionTable<PenaltyOptions>({ mask: checkedInside() });

function total(params: object, { mask = true }: PenaltyOptions, cost: (x: Tensor) => Tensor): Tensor {
  const counts = selector(mask);
  const costs = treeLeaves(params).flatMap(({ path, value }) =>
    value instanceof Tensor && counts(path, value) ? [sum(cost(value))] : []
  );
  return costs.length === 0 ? zeros([]) : costs.reduce((all, each) => add(all, each));
}

/**
 * The sum of the absolute values of all tensors of a tree. Added to a loss it draws unimportant parameters to 0 (lasso).
 *
 * ```ts
 * import { add, item, l1Penalty, mul, tensor } from "../../mod.ts";
 * const params = { weight: tensor([[1, -2]]), bias: tensor([5]) };
 * const loss = tensor(0.5);
 * console.log(await item(add(loss, mul(0.01, l1Penalty(params))))); // 0.58
 * ```
 *
 * @returns A scalar; 0 if nothing counts.
 */
export function l1Penalty(params: object, options: PenaltyOptions = {}): Tensor {
  checkOptions(options, penaltyOptions, "l1Penalty");
  argument(params, aTree, "params", "l1Penalty");
  return total(params, options, abs);
}

/**
 * The sum of the squares of all tensors of a tree. Added to a loss with factor c it does what `weightDecay: 2 * c` does in `sgd`.
 *
 * ```ts
 * import { item, l2Penalty, tensor } from "../../mod.ts";
 * const params = { weight: tensor([[1, -2]]), bias: tensor([5]) };
 * console.log(await item(l2Penalty(params)), await item(l2Penalty(params, { mask: (_, x) => x.rank > 1 }))); // 30 5
 * ```
 *
 * @returns A scalar; 0 if nothing counts.
 */
export function l2Penalty(params: object, options: PenaltyOptions = {}): Tensor {
  checkOptions(options, penaltyOptions, "l2Penalty");
  argument(params, aTree, "params", "l2Penalty");
  return total(params, options, (x) => mul(x, x));
}
