/**
 * Different optimizers for different parameters.
 *
 * @module
 */
import { checkedOptimizer } from "./checked_optimizer.ts";
import { quoted } from "../core/quoted.ts";
import { anOptimizer } from "./option_kinds.ts";
import { aFunction, aRecord, argument } from "../core/kinds.ts";
import { ShapeError } from "../core/errors.ts";
import { type Mask, selector } from "../core/mask.ts";
import { zerosLike } from "../core/ops/constant.ts";
import { Tensor } from "../core/tensor.ts";
import { type Leaf, nestLeaves, treeLeaves, treeMap, treeMapWithPath } from "../core/tree.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";

/** Which part of a tree each optimizer gets, by its name. */
type Groups = Readonly<Record<string, object>>;

/**
 * An optimizer that assigns each parameter to one of several optimizers.
 *
 * ```ts
 * import { ones, optimizers, toArray } from "../mod.ts";
 * const { partition, setToZero, sgd } = optimizers;
 * const optimizer = partition((path) => path.startsWith("head.") ? "trained" : "frozen", {
 *   trained: sgd({ learningRate: 0.1 }),
 *   frozen: setToZero(),
 * });
 * const params = { conv1: { weight: ones([2]) }, head: { weight: ones([2]) } };
 * const [updates] = optimizer.update(params, optimizer.init(params), params);
 * console.log(await toArray(updates.conv1.weight), await toArray(updates.head.weight)); // [0, 0] [-0.1, -0.1]
 * ```
 *
 * @param nameOf The name of the optimizer for a parameter, by its dotted path and itself (type and shape, not values).
 * @param parts The optimizers by name. Each sees its own parameters only, by the same paths: `clipByGlobalNorm` takes their norm.
 * @returns An optimizer. Its state is a record of those of the parts by name. Its functions throw a RangeError if `nameOf` gives
 * a name that `parts` does not have.
 */
export function partition(
  nameOf: (path: string, x: Tensor) => string,
  parts: Readonly<Record<string, Optimizer>>,
): Optimizer {
  argument(nameOf, aFunction(), "nameOf", "partition");
  argument(parts, aRecord<typeof parts>(), "parts", "partition");
  for (const part of Object.values(parts)) argument(part, anOptimizer, "part", "partition");
  const names = Object.keys(parts);
  const membersOf = (params: object): Map<string, string> =>
    new Map(
      treeLeaves(params).flatMap(({ path, value }) =>
        value instanceof Tensor ? [[path, checked(nameOf(path, value), path)]] : []
      ),
    );
  const checked = (name: string, path: string): string => {
    if (names.includes(name)) return name;
    throw new RangeError(
      `Cannot give "${path}" to the optimizer ${quoted(name)}: there are ${names.map((each) => `"${each}"`).join(", ")}`,
    );
  };

  return checkedOptimizer("partition", {
    init: (params) => {
      const groups = split(params, membersOf(params), names);
      return Object.fromEntries(names.map((name) => [name, parts[name].init(groups[name])]));
    },
    update: <P extends object>(grads: P, state: OptimizerState, params: P): [P, OptimizerState] => {
      const members = membersOf(params);
      const [ours, theirs] = [split(grads, members, names), split(params, members, names)];
      const states = state as Readonly<Record<string, OptimizerState>>;
      const found = new Map<string, Tensor>();
      const next = names.map((name) => {
        const [own, after] = parts[name].update(ours[name], states[name], theirs[name]);
        for (const { path, value } of treeLeaves(own)) found.set(path, value as Tensor);
        return [name, after];
      });
      return [treeMapWithPath((path) => found.get(path)!, grads), Object.fromEntries(next)];
    },
  });
}

/** @throws {ShapeError} If the tree has a tensor where the parameters have none. */
function split(tree: object, members: ReadonlyMap<string, string>, names: readonly string[]): Groups {
  const groups = new Map<string, Leaf[]>(names.map((name) => [name, []]));
  for (const leaf of treeLeaves(tree)) {
    if (!(leaf.value instanceof Tensor)) continue;
    const name = members.get(leaf.path);
    if (name === undefined) throw new ShapeError(`Cannot update "${leaf.path}": there is no such parameter`, { path: leaf.path });
    groups.get(name)!.push(leaf);
  }
  return Object.fromEntries(Array.from(groups, ([name, leaves]) => [name, nestLeaves(leaves) as object]));
}

/**
 * An optimizer, or a part of one, for some of the parameters. The gradients of the others pass unchanged: this is for parts of a
 * `chain`. To freeze parameters use `partition` with `setToZero`.
 *
 * ```ts
 * import { ones, optimizers, tensor, toArray } from "../mod.ts";
 * const { chain, clipByValue, masked, sgd } = optimizers;
 * const optimizer = chain(masked(clipByValue(1), { head: true, body: false }), sgd({ learningRate: 1 }));
 * const params = { head: ones([1]), body: ones([1]) };
 * const [updates] = optimizer.update({ head: tensor([9]), body: tensor([9]) }, optimizer.init(params), params);
 * console.log(await toArray(updates.head), await toArray(updates.body)); // [-1] [-9]
 * ```
 *
 * @returns An optimizer, whose state is that of a `partition`.
 */
export function masked(part: Optimizer, mask: Mask): Optimizer {
  const selects = selector(mask);
  const pass: Optimizer = { init: () => ({}), update: (grads, state) => [grads, state] };
  return partition((path, x) => selects(path, x) ? "selected" : "others", { selected: part, others: pass });
}

/**
 * The optimizer whose updates are all 0, for frozen parameters: see `partition`.
 *
 * ```ts
 * import { ones, optimizers, toArray } from "../mod.ts";
 * const params = { weight: ones([2]) };
 * const optimizer = optimizers.setToZero();
 * const [updates] = optimizer.update({ weight: ones([2]) }, optimizer.init(params), params);
 * console.log(await toArray(updates.weight)); // [0, 0]
 * ```
 *
 * @returns An optimizer without a state.
 */
export function setToZero(): Optimizer {
  return checkedOptimizer("setToZero", {
    init: () => ({}),
    update: (grads, state) => [treeMap(zerosLike, grads), state],
  });
}
