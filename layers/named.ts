/**
 * Walks over models and their parameters by dotted name.
 *
 * @module
 */
import { aRecord, argument, aTree } from "../core/kinds.ts";
import { checkOptions } from "../core/options.ts";
import { walkOptions } from "./option_kinds.ts";
import { Tensor } from "../core/tensor.ts";
import { treeLeaves } from "../core/tree.ts";

/** How far a walk goes. */
export interface WalkOptions {
  /** How many levels of names: 1 for the outermost only. Default all. */
  readonly depth?: number;
}

/** Something that may have named parts: a layer, or what its `init` gives. */
export interface Staged<S> {
  /** The parts, if there are any. */
  readonly stages?: Readonly<Record<string, S>>;
}

/**
 * Every stage of a model with its dotted name, those inside another after it: PyTorch's `named_modules`, and with `depth: 1` its
 * `named_children`. The same walk over what `init` gives finds output shape and parameters of each stage.
 *
 * ```ts
 * import { layers, random, relu } from "../mod.ts";
 * const { linear, namedStages, serial } = layers;
 * const model = serial({ body: serial({ fc: linear({ features: 4 }), act: relu }), head: linear({ features: 2 }) });
 * console.log(namedStages(model).map(([name, { kind }]) => `${name}: ${kind}`));
 * // ["body: serial", "body.fc: linear", "body.act: relu", "head: linear"]
 * console.log(namedStages(model, { depth: 1 }).map(([name]) => name)); // ["body", "head"]
 * const initial = model.init(random.key(0), [3]);
 * for (const [name, { output }] of namedStages(initial, { depth: 1 })) console.log(name, output); // body [4], head [2]
 * ```
 */
export function namedStages<S extends Staged<S>>(of: Staged<S>, options: WalkOptions = {}): [string, S][] {
  const { depth = Infinity } = checkOptions(options, walkOptions, "namedStages");
  argument<object>(of, aRecord(), "of", "namedStages");
  if (depth < 1) return [];
  return Object.entries(of.stages ?? {}).flatMap(([name, stage]) => {
    const below = namedStages(stage, { depth: depth - 1 });
    return [[name, stage] as [string, S], ...below.map(([path, part]): [string, S] => [`${name}.${path}`, part])];
  });
}

/**
 * Every tensor of parameters (or of a state) with its dotted name, in order: PyTorch's `named_parameters`; with `depth: 1` only those
 * that belong to the model itself, not to a part of it.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params } = layers.serial({ fc: layers.linear({ features: 4 }) }).init(random.key(0), [3]);
 * for (const [name, { shape }] of layers.namedParameters(params)) console.log(name, shape); // fc.weight [4, 3], fc.bias [4]
 * console.log(layers.namedParameters(params.fc, { depth: 1 }).map(([name]) => name)); // ["weight", "bias"]
 * ```
 */
export function namedParameters(params: object, options: WalkOptions = {}): [string, Tensor][] {
  const { depth = Infinity } = checkOptions(options, walkOptions, "namedParameters");
  argument(params, aTree, "params", "namedParameters");
  return treeLeaves(params).flatMap(({ path, value }): [string, Tensor][] =>
    value instanceof Tensor && path.split(".").length <= depth ? [[path, value]] : []
  );
}
