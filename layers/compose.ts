/**
 * Layers made of named layers: a record of stages, and a function that joins them. The names are the keys of parameters
 * and state (`conv1.weight`), they choose the random keys, and errors name the one at which something did not fit.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { refusePromises } from "../core/tree.ts";
import { quoted } from "../core/quoted.ts";
import { aLayer } from "./option_kinds.ts";
import { aFunction, argument, aString, isRecord } from "../core/kinds.ts";
import { zeros } from "../core/ops/creation.ts";
import type { Key } from "../core/random.ts";
import type { Shape } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { keyFor } from "./init.ts";
import {
  type AnyLayer,
  type Empty,
  type Initial,
  type Layer,
  type Mode,
  outputShape,
  type ParamsOf,
  type StateOf,
  trainMode,
} from "./layer.ts";
import { fromFunction } from "./from_function.ts";
import { empty } from "./parameters.ts";
import { atLayer } from "./path.ts";

/** A stage: a layer, or a function on batches such as `relu` or `withArgs(softmax, { axis: 1 })`. */
export type Stage = AnyLayer | ((x: Tensor) => Tensor);

/** Stages by name. */
export type Stages = Readonly<Record<string, Stage>>;

/** The entries of a record, without those that are empty records: parameters or state of stages that have some. */
export type Filled<T> = { readonly [K in keyof T as T[K] extends object ? (keyof T[K] extends never ? never : K) : never]: T[K] };

/** The parameters of named stages: those of each layer under its name. Stages without parameters do not appear. */
export type StageParams<T> = Filled<{ [K in keyof T]: T[K] extends AnyLayer ? ParamsOf<T[K]> : Empty }>;

/** The state of named stages: that of each layer under its name. Stages without state do not appear. */
export type StageState<T> = Filled<{ [K in keyof T]: T[K] extends AnyLayer ? StateOf<T[K]> : Empty }>;

/** Named stages as functions of a batch: what the function that joins them gets. */
export type StageFunctions<T> = { readonly [K in keyof T]: (x: Tensor) => Tensor };

type Entries = Readonly<Record<string, object>>;
type Parts = Readonly<Record<string, AnyLayer>>;
type Join = (stages: StageFunctions<Stages>, x: Tensor) => Tensor;

/**
 * A layer whose stages are joined by a function, for networks that are not a simple sequence.
 *
 * Parameters and state are records by the stages' names, without those that have none. Each stage gets a key that depends on its name
 * and not on its position. The function sees its stages as functions of a batch; one that is used twice shares its parameters.
 *
 * ```ts
 * import { add, layers, random, relu } from "../mod.ts";
 * const { batchNorm, compose, conv2d } = layers;
 * const block = compose(
 *   { conv: conv2d({ features: 8, kernel: 3, padding: 1, bias: false }), norm: batchNorm() },
 *   ({ conv, norm }, x) => relu(add(x, norm(conv(x)))),
 * );
 * const { params, state, output } = block.init(random.key(0), [8, 14, 14]);
 * console.log(output, params.conv.weight.shape, state.norm.runningMean.shape); // [8, 14, 14] [8, 8, 3, 3] [8]
 * ```
 *
 * @param stages Layers or functions by name.
 * @param join The result for a batch. Must keep the first axis. `init` runs it on zeros to find the shapes; it computes nothing.
 * @param kind What to call it in summaries.
 * @throws {RangeError} If a name holds a dot, or some are numbers and others not (JavaScript would reorder them).
 * @throws {TypeError} If a stage is neither a layer nor a function.
 * @throws {ShapeError} From `init` and `apply`, if a stage does not fit its input: the message has its path (`block.conv1`), and so
 * has the fact `layer`; the stage's own error is the cause.
 */
export function compose<T extends Stages>(
  stages: T,
  join: (stages: StageFunctions<T>, x: Tensor) => Tensor,
  kind: string = "compose",
): Layer<StageParams<T>, StageState<T>> {
  argument(kind, aString, "kind", "compose");
  checkStages(stages, kind);
  argument(join, aFunction(), "join", "compose");
  checkNames(Object.keys(stages));
  const parts: Parts = mapRecord(stages as Stages, asLayer);
  const run = join as Join;
  const made: Layer<Entries, Entries> = checkedLayer({
    kind,
    stages: parts,
    init: (key, inputShape) => initAll(parts, run, key, inputShape),
    apply: (params, state, x, mode) => applyAll(parts, run, params, state, x, mode),
  });
  return made as unknown as Layer<StageParams<T>, StageState<T>>;
}

/** Runs the function on stages that only find out their own shapes: each gives zeros of what it will give. */
function initAll(parts: Parts, join: Join, key: Key, inputShape: Shape): Initial<Entries, Entries> {
  const found = new Map<string, Initial<object, object>>();
  const calls = mapRecord(parts, (layer, name) => (x: Tensor) => {
    const shape = checkInput(x, name).shape.slice(1);
    const initial = atLayer(name, shape, () => layer.init(keyFor(key, name), shape));
    if (!found.has(name)) found.set(name, initial);
    return zeros([1, ...initial.output]);
  });
  const output = outputShape((x) => join(calls, x), inputShape);
  // In the order of the stages, whatever the order of the calls.
  const stages = Object.fromEntries(
    Object.keys(parts).flatMap((name) => {
      const initial = found.get(name);
      return initial ? [[name, initial]] : [];
    }),
  );
  return { params: filled(stages, (each) => each.params), state: filled(stages, (each) => each.state), output, stages };
}

function applyAll(parts: Parts, join: Join, params: Entries, state: Entries, x: Tensor, mode: Mode): [Tensor, Entries] {
  const changed = new Map<string, object>();
  const calls = mapRecord(parts, (layer, name) => {
    let uses = 0;
    return (input: Tensor) => {
      checkInput(input, name);
      const old = changed.get(name) ?? state[name] ?? empty;
      const own = modeOf(mode, uses++ === 0 ? name : `${name}.${uses}`);
      const [output, after] = atLayer(name, input.shape, () => layer.apply(params[name] ?? empty, old, input, own));
      if (after !== old) changed.set(name, after);
      return output;
    };
  });
  const y = join(calls, x);
  return [y, changed.size === 0 ? state : { ...state, ...Object.fromEntries(changed) }];
}

/** What a stage is called with comes from a user's function. */
function checkInput(x: Tensor, name: string): Tensor {
  if (x instanceof Tensor) return x;
  refusePromises(x, "use as stage");
  throw new TypeError(`Cannot apply stage "${name}" to ${quoted(x)}: it takes a tensor`);
}

function mapRecord<A, B>(record: Readonly<Record<string, A>>, f: (value: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));
}

/** One record out of each stage's, without the empty ones. */
function filled<A>(stages: Readonly<Record<string, A>>, part: (stage: A) => object): Entries {
  return Object.fromEntries(Object.entries(mapRecord(stages, part)).filter(([, record]) => !isEmpty(record)));
}

/** A layer is a record, too, but not one of stages. */
function checkStages(stages: unknown, kind: string): void {
  const hint = "they are a record of layers and functions by name, { hidden: linear({ features: 8 }), act: relu }; " +
    "without names it is sequential(linear({ features: 8 }), relu)";
  if (isRecord(stages) && !aLayer.holds(stages)) return;
  throw new TypeError(`Cannot call ${kind} with ${aLayer.holds(stages) ? "a layer" : quoted(stages)} as stages: ${hint}`);
}

function asLayer(stage: Stage, name: string): AnyLayer {
  if (typeof stage === "function") return fromFunction(stage);
  if (aLayer.holds(stage)) return stage;
  const hint = Array.isArray(stage)
    ? ": of a list it is sequential(...stages)"
    : isRecord(stage)
    ? ": of a record of them it is serial"
    : "";
  throw new TypeError(`Cannot use ${quoted(stage)} as stage "${name}": it must be a layer or a function${hint}`);
}

function modeOf(mode: Mode, name: string): Mode {
  return mode.kind === "train" ? trainMode(keyFor(mode.key, name)) : mode;
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
