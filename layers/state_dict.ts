/**
 * Parameters and state as one flat record by PyTorch's names, and back: `layer1.0.bn1.running_mean` is `layer1.0.bn1.runningMean` here.
 *
 * A state dict comes from outside and may be of another network, so that loading gives a value of what is wrong and throws nothing.
 *
 * @module
 */
import { firstFew } from "../core/quoted.ts";
import { aRecord, argument, flag } from "../core/kinds.ts";
import { dtypeOfArray, type TypedArray } from "../core/dtype.ts";
import { cast } from "../core/ops/cast.ts";
import { tensor } from "../core/ops/from_values.ts";
import { ShapeError } from "../core/errors.ts";
import type { Outcome } from "../core/or_throw.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { sameShape, type Shape, showShape, sizeOf } from "../core/shape.ts";
import { refuseForeign, Tensor } from "../core/tensor.ts";
import { dottedName, mapLeaves } from "../core/tree.ts";
import type { Initial } from "./layer.ts";
import { namedParameters } from "./named.ts";

/** Numbers that are not a tensor yet: flat, row by row, with their shape. */
export interface StoredTensor {
  /** The shape. */
  readonly shape: readonly number[];
  /** The numbers: as many as the shape has elements. */
  readonly data: readonly number[] | TypedArray;
}

/** Tensors by PyTorch's names. */
export type StateDict = Readonly<Record<string, Tensor | StoredTensor>>;

/** How a state dict differs from a network. */
export interface StateDictDifferences {
  /** Names the network has and the dict has not. */
  readonly missing: readonly string[];
  /** Names the dict has and the network has not. */
  readonly unexpected: readonly string[];
  /** Tensors that do not fit: why, by name. */
  readonly mismatched: readonly { readonly name: string; readonly reason: string }[];
}

/** Why a state dict does not fit a network. */
export interface StateDictError extends StateDictDifferences {
  /** The kind of error: always this one, to tell it from others. */
  readonly kind: "StateDict";
  /** The whole error as a sentence. */
  readonly message: string;
}

/** Options of `loadStateDict`. */
export interface LoadOptions {
  /** Whether all must fit. Otherwise what does not fit stays as it was, and is named beside the result. Default true. */
  readonly strict?: boolean;
}

/** Parameters and state of a network: what `init` gives. */
export type Numbers<P, S> = Pick<Initial<P, S>, "params" | "state">;

/** Left with what is wrong, or Right with parameters and state, and what was left as it was. */
export type Loaded<P, S> = Outcome<StateDictError, Numbers<P, S> & StateDictDifferences>;

const loadOptions = optionTable<LoadOptions>({ strict: flag });

/** `layer1.0.bn1.runningMean` as `layer1.0.bn1.running_mean`. */
function nameOf(path: string): string {
  return dottedName(path).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Parameters and state as one record by PyTorch's names.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params, state } = layers.serial({ bn1: layers.batchNorm() }).init(random.key(0), [4]);
 * console.log(Object.keys(layers.stateDict(params, state))); // ["bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"]
 * ```
 *
 * @throws {ShapeError} If two tensors would have one name: `runningMean` and `running_mean`, or "a.b" beside a b in an a.
 */
export function stateDict(params: object, state: object = {}): Record<string, Tensor> {
  const names = new Map<string, Tensor>();
  for (const [path, x] of [...namedParameters(params), ...namedParameters(state)]) {
    const name = nameOf(path);
    if (names.has(name)) {
      throw new ShapeError(`Cannot make a state dict: two tensors would be named "${name}"`, { name, path });
    }
    names.set(name, x);
  }
  return Object.fromEntries(names);
}

/**
 * The parameters and state of a network that a state dict holds.
 *
 * Names may be PyTorch's (`running_mean`) or ours (`runningMean`). Each tensor must have the shape that `init` gave; its type becomes that
 * of the one it replaces. `num_batches_tracked`, which only PyTorch needs, is passed over.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const model = layers.serial({ fc: layers.linear({ features: 1 }) });
 * const dict = { "fc.weight": { shape: [1, 2], data: [3, 4] }, "fc.bias": { shape: [1], data: [5] } };
 * const loaded = layers.loadStateDict(model.init(random.key(0), [2]), dict);
 * if (loaded._tag === "Left") throw new Error(loaded.left.message);
 * const { params, state } = loaded.right;
 * ```
 *
 * For fine-tuning a network with another head, `strict: false` loads what fits:
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const model = layers.serial({ body: layers.linear({ features: 4 }), head: layers.linear({ features: 2 }) });
 * const other = layers.serial({ body: layers.linear({ features: 4 }), head: layers.linear({ features: 9 }) });
 * const { params, state } = other.init(random.key(0), [3]);
 * const loaded = layers.loadStateDict(model.init(random.key(1), [3]), layers.stateDict(params, state), { strict: false });
 * console.log(loaded._tag === "Right" && loaded.right.mismatched.map(({ name }) => name)); // ["head.weight", "head.bias"]
 * ```
 *
 * @param like What the network's `init` gives for its inputs; nothing of it is computed.
 * @returns Left with all names that are missing, unexpected or do not fit, or Right with `params` and `state`; unless `strict`, Right with
 * these names beside them.
 */
export function loadStateDict<P extends object, S extends object>(
  like: Numbers<P, S>,
  dict: StateDict,
  options: LoadOptions = {},
): Loaded<P, S> {
  const { strict = true } = checkOptions(options, loadOptions, "loadStateDict");
  const names = namesOf(dict);
  argument<object>(like, aRecord(), "like", "loadStateDict");
  const used = new Set<string>();
  const missing: string[] = [];
  const mismatched: { name: string; reason: string }[] = [];
  const load = (old: unknown, path: string): unknown => {
    if (!(old instanceof Tensor)) return old;
    const name = [nameOf(path), dottedName(path)].find((each) => names.has(each));
    if (name === undefined) {
      missing.push(nameOf(path));
      return old;
    }
    const read = used.has(name) ? "is the name of two tensors of the network" : fitted(() => dict[name], old);
    used.add(name);
    if (read instanceof Tensor) return read;
    mismatched.push({ name, reason: read });
    return old;
  };
  const [params, state] = [mapLeaves(like.params, load) as P, mapLeaves(like.state, load) as S];
  const unexpected = [...names].filter((name) => !used.has(name) && !/(^|\.)num_batches_tracked$/.test(name));
  const differences = { missing, unexpected, mismatched };
  if (!strict || missing.length + unexpected.length + mismatched.length === 0) {
    return { _tag: "Right", right: { params, state, ...differences } };
  }
  return { _tag: "Left", left: { kind: "StateDict", message: sentence(missing, unexpected, mismatched), ...differences } };
}

/** The names in a dict: none if it is not a record at all. */
function namesOf(dict: unknown): ReadonlySet<string> {
  try {
    return new Set(typeof dict === "object" && dict !== null ? Object.keys(dict) : []);
  } catch {
    return new Set();
  }
}

/** An entry as the tensor that it stands for, or why it cannot. Entries come from outside and may be anything, even something that throws. */
function fitted(entry: () => unknown, like: Tensor): Tensor | string {
  try {
    const found = entry();
    if (found instanceof Tensor) return misshapen(found.shape, like.shape) ?? cast(found, like.dtype);
    refuseForeign(found);
    const { shape, data } = (typeof found === "object" && found !== null ? found : {}) as Partial<StoredTensor>;
    if (!Array.isArray(shape) || !(Array.isArray(data) || ArrayBuffer.isView(data))) {
      return "is neither a tensor nor numbers with a shape";
    }
    return misshapen(shape, like.shape) ?? strange(data, like.shape) ?? tensor(data, { shape, dtype: like.dtype });
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : "it throws"}`;
  }
}

/** Why a shape is not the one expected, if so. */
function misshapen(shape: Shape, expected: Shape): string | undefined {
  return sameShape(shape, expected) ? undefined : `has shape ${showShape(shape)}, but must be ${showShape(expected)}`;
}

/** Why something is not the numbers of a shape, if so. */
function strange(data: readonly unknown[] | ArrayBufferView, shape: Shape): string | undefined {
  if (!Array.isArray(data) && dtypeOfArray(data as ArrayBufferView) === undefined) {
    return `has its numbers in a ${data.constructor.name}, of which no tensor is made`;
  }
  const { length } = data as readonly unknown[];
  if (length !== sizeOf(shape)) return `has ${length} numbers, but its shape ${showShape(shape)} holds ${sizeOf(shape)}`;
  // A hole of a sparse array counts as undefined here.
  const at = Array.isArray(data) ? data.findIndex((value) => typeof value !== "number") : -1;
  return at < 0 ? undefined : `has no number at index ${at}, but ${typeof (data as readonly unknown[])[at]}`;
}

function sentence(missing: readonly string[], unexpected: readonly string[], mismatched: StateDictError["mismatched"]): string {
  const unfit = mismatched.map(({ name, reason }) => `${name} ${reason}`);
  const parts = [["missing ", missing], ["unexpected ", unexpected], ["", unfit]] as const;
  const shown = parts.flatMap(([what, items]) => items.length === 0 ? [] : [`${what}${firstFew(items)}`]);
  return `Cannot load the state dict: ${shown.join("; ")}`;
}
