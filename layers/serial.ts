/**
 * Layers one after the other.
 *
 * @module
 */
import { compose, type Stage, type StageParams, type Stages, type StageState } from "./compose.ts";
import type { Layer } from "./layer.ts";
import { inOrder } from "./in_order.ts";

/**
 * Stages one after the other, by name: PyTorch's `nn.Sequential`. It is a layer itself, so it nests.
 *
 * Parameters and state are records by the stages' names, without those that have none. Each stage gets a key that depends on its name
 * and not on its position. `init` finds the shapes between the stages without computing anything.
 *
 * ```ts
 * import { layers, maxPool2d, random, relu, treeLeaves, withArgs, zeros } from "../mod.ts";
 * const { conv2d, flatten, linear, serial } = layers;
 * const model = serial({
 *   conv1: conv2d({ features: 10, kernel: 5 }),
 *   pool1: withArgs(maxPool2d, { kernel: 2 }),
 *   act1: relu,
 *   flatten: flatten(),
 *   head: linear({ features: 10 }),
 * });
 * const { params, state, output } = model.init(random.key(0), [1, 28, 28]);
 * console.log(output, params.conv1.weight.shape); // [10] [10, 1, 5, 5]
 * console.log(treeLeaves(params).map(({ path }) => path)); // ["conv1.weight", "conv1.bias", "head.weight", "head.bias"]
 * const [logits] = model.apply(params, state, zeros([64, 1, 28, 28]), layers.evalMode);
 * ```
 *
 * @param stages Layers or functions by name, in the order they are applied.
 * @throws {RangeError} If a name holds a dot, or some are numbers and others not (JavaScript would reorder them).
 * @throws {TypeError} If a stage is neither a layer nor a function.
 * @throws {ShapeError} From `init` and `apply`, if a stage does not fit its input: the message has its path (`block.conv1`), and so
 * has the fact `layer`; the stage's own error is the cause.
 */
export function serial<T extends Stages>(stages: T): Layer<StageParams<T>, StageState<T>> {
  return compose(stages, inOrder, "serial");
}

/** Stages named by their positions: "0", "1", ...; by any number, if their count is not known to the type. */
export type Numbered<T extends readonly Stage[]> = number extends T["length"] ? { readonly [index: number]: T[number] }
  : { readonly [K in Exclude<keyof T, keyof readonly Stage[]>]: T[K] };

/**
 * Stages one after the other, named by their positions: 0, 1, ..., as in PyTorch's `nn.Sequential`.
 *
 * ```ts
 * import { layers, random, relu } from "../mod.ts";
 * const model = layers.sequential(layers.linear({ features: 8 }), relu, layers.linear({ features: 2 }));
 * const { params } = model.init(random.key(0), [4]);
 * console.log(params[0].weight.shape, params[2].weight.shape); // [8, 4] [2, 8]
 * ```
 *
 * @throws {ShapeError} As `serial`.
 */
export function sequential<T extends readonly Stage[]>(
  ...stages: T
): Layer<StageParams<Numbered<T>>, StageState<Numbered<T>>> {
  return serial(Object.fromEntries(stages.entries())) as unknown as Layer<
    StageParams<Numbered<T>>,
    StageState<Numbered<T>>
  >;
}
