/**
 * Layers one after the other, each with a name. The names are the keys of parameters and state (`conv1.weight`), they choose the random
 * keys, and errors say at which one something did not fit.
 *
 * @module
 */
import type { Key } from "../core/random.ts";
import type { Shape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { keyFor } from "./init.ts";
import { type Empty, empty, fromFunction, type Layer, type Mode, type ParamsOf, type StateOf, training } from "./layer.ts";
import { atLayer } from "./path.ts";

/** What `serial` takes as a stage: a layer, or a function on batches such as `relu` or `withArgs(softmax, { axis: 1 })`. */
export type Stage = Layer<object, object> | ((x: Tensor) => Tensor);

/** The entries of a record that are not empty records. */
type Filled<T> = { readonly [K in keyof T as T[K] extends object ? (keyof T[K] extends never ? never : K) : never]: T[K] };

/** The parameters of named stages: those of each layer under its name. Stages without parameters do not appear. */
export type SerialParams<T> = Filled<{ [K in keyof T]: T[K] extends Layer<object, object> ? ParamsOf<T[K]> : Empty }>;

/** The state of named stages: that of each layer under its name. Stages without state do not appear. */
export type SerialState<T> = Filled<{ [K in keyof T]: T[K] extends Layer<object, object> ? StateOf<T[K]> : Empty }>;

type AnyLayer = Layer<object, object>;
type Entries = Readonly<Record<string, object>>;

/**
 * Stages one after the other. It is a layer itself, so it nests.
 *
 * Parameters and state are records by the stages' names, without those that have none. Each stage gets a key that depends on its name
 * and not on its place. `init` finds the shapes between the stages without computing anything.
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
 * console.log(treeLeaves(params).map(({ path }) => path)); // conv1.weight, conv1.bias, head.weight, head.bias
 * const [logits] = model.apply(params, state, zeros([64, 1, 28, 28]), layers.evaluate);
 * ```
 *
 * @param stages Layers or functions by name, in the order they are applied.
 * @throws {RangeError} If a name holds a dot, or some are numbers and others not (JavaScript would reorder them).
 * @throws {ShapeError} From `init` and `apply`, if a stage does not fit its input: the message has its path (`block.conv1`), and so
 * has the fact `layer`; the stage's own error is the cause.
 */
export function serial<T extends Readonly<Record<string, Stage>>>(stages: T): Layer<SerialParams<T>, SerialState<T>> {
  checkNames(Object.keys(stages));
  const parts = Object.entries(stages).map(([name, stage]) => ({ name, layer: asLayer(stage) }));
  const made: Layer<Entries, Entries> = {
    init: (key, inputShape) => initAll(parts, key, inputShape),
    apply: (params, state, x, mode) => applyAll(parts, params, state, x, mode),
  };
  return made as unknown as Layer<SerialParams<T>, SerialState<T>>;
}

interface Part {
  readonly name: string;
  readonly layer: AnyLayer;
}

function initAll(parts: readonly Part[], key: Key, inputShape: Shape) {
  const params: Record<string, object> = {};
  const state: Record<string, object> = {};
  let shape = inputShape;
  for (const { name, layer } of parts) {
    const initial = atLayer(name, shape, () => layer.init(keyFor(key, name), shape));
    if (!isEmpty(initial.params)) params[name] = initial.params;
    if (!isEmpty(initial.state)) state[name] = initial.state;
    shape = initial.output;
  }
  return { params, state, output: shape };
}

function applyAll(parts: readonly Part[], params: Entries, state: Entries, x: Tensor, mode: Mode): [Tensor, Entries] {
  const changed: Record<string, object> = {};
  let y = x;
  for (const { name, layer } of parts) {
    const old = state[name] ?? empty;
    const [next, after] = atLayer(name, y.shape, () => layer.apply(params[name] ?? empty, old, y, modeOf(mode, name)));
    if (after !== old) changed[name] = after;
    y = next;
  }
  return [y, isEmpty(changed) ? state : { ...state, ...changed }];
}

function asLayer(stage: Stage): AnyLayer {
  return typeof stage === "function" ? fromFunction(stage) : stage;
}

function modeOf(mode: Mode, name: string): Mode {
  return mode.kind === "train" ? training(keyFor(mode.key, name)) : mode;
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}

function checkNames(names: readonly string[]): void {
  const dotted = names.find((name) => name.includes("."));
  if (dotted !== undefined) {
    throw new RangeError(`Cannot name a stage ${JSON.stringify(dotted)}: dots separate the names of nested stages`);
  }
  const numbers = names.filter((name) => /^(0|[1-9]\d*)$/.test(name));
  if (numbers.length > 0 && numbers.length < names.length) {
    throw new RangeError(
      `Cannot mix the stage name "${numbers[0]}" with names that are not numbers: JavaScript moves numbers to the front`,
    );
  }
}
