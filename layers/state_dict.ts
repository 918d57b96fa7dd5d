/**
 * Parameters and state as one flat record by PyTorch's names, and back: `layer1.0.bn1.running_mean` is `layer1.0.bn1.runningMean` here.
 *
 * A state dict comes from outside and may be of another network, so that loading gives a value of what is wrong and throws nothing.
 *
 * @module
 */
import type { TypedArray } from "../core/dtype.ts";
import { cast } from "../core/ops/cast.ts";
import { tensor } from "../core/ops/from_values.ts";
import { sameShape, type Shape, showShape, sizeOf } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { mapLeaves } from "../core/tree.ts";
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

/** Why a state dict does not fit a network. */
export interface StateDictError {
  /** The kind of error: always this one, to tell it from others. */
  readonly kind: "StateDict";
  /** The whole error as a sentence. */
  readonly message: string;
  /** Names the network has and the dict has not. */
  readonly missing: readonly string[];
  /** Names the dict has and the network has not. */
  readonly unexpected: readonly string[];
  /** Tensors that do not fit: why, by name. */
  readonly mismatched: readonly { readonly name: string; readonly reason: string }[];
}

/** Parameters and state of a network: what `init` gives. */
export type Numbers<P, S> = Pick<Initial<P, S>, "params" | "state">;

/** Left with what is wrong, or Right with parameters and state: fp-ts's `Either`, spelled out for the documentation. */
export type Loaded<P, S> =
  | { readonly _tag: "Left"; readonly left: StateDictError }
  | { readonly _tag: "Right"; readonly right: Numbers<P, S> };

/** `layer1.0.bn1.runningMean` as `layer1.0.bn1.running_mean`. */
function snakeCase(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Parameters and state as one record by PyTorch's names.
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * const { params, state } = layers.serial({ bn1: layers.batchNorm() }).init(random.key(0), [4]);
 * console.log(Object.keys(layers.stateDict(params, state))); // ["bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"]
 * ```
 */
export function stateDict(params: object, state: object = {}): Record<string, Tensor> {
  const both = [...namedParameters(params), ...namedParameters(state)];
  return Object.fromEntries(both.map(([path, x]) => [snakeCase(path), x]));
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
 * @param like What the network's `init` gives for its inputs; nothing of it is computed.
 * @returns Left with all names that are missing, unexpected or do not fit, or Right with `params` and `state`.
 */
export function loadStateDict<P extends object, S extends object>(like: Numbers<P, S>, dict: StateDict): Loaded<P, S> {
  const used = new Set<string>();
  const missing: string[] = [];
  const mismatched: { name: string; reason: string }[] = [];
  const load = (old: unknown, path: string): unknown => {
    if (!(old instanceof Tensor)) return old;
    const name = [snakeCase(path), path].find((each) => Object.hasOwn(dict, each));
    if (name === undefined) {
      missing.push(snakeCase(path));
      return old;
    }
    used.add(name);
    const reason = misfit(dict[name], old.shape);
    if (reason === undefined) return asTensor(dict[name], old);
    mismatched.push({ name, reason });
    return old;
  };
  const right = { params: mapLeaves(like.params, load) as P, state: mapLeaves(like.state, load) as S };
  const unexpected = Object.keys(dict).filter((name) => !used.has(name) && !/(^|\.)num_batches_tracked$/.test(name));
  if (missing.length + unexpected.length + mismatched.length === 0) return { _tag: "Right", right };
  return {
    _tag: "Left",
    left: { kind: "StateDict", message: sentence(missing, unexpected, mismatched), missing, unexpected, mismatched },
  };
}

/** Why an entry cannot stand for a tensor of a shape, if so. Entries come from outside and may be anything. */
function misfit(entry: unknown, expected: Shape): string | undefined {
  const { shape, data } = (typeof entry === "object" && entry !== null ? entry : {}) as Partial<StoredTensor>;
  if (!Array.isArray(shape) || !(entry instanceof Tensor || isNumbers(data))) {
    return "is neither a tensor nor numbers with a shape";
  }
  if (!sameShape(shape, expected)) return `has shape ${showShape(shape)}, but must be ${showShape(expected)}`;
  if (entry instanceof Tensor) return undefined;
  const { length } = data as readonly number[];
  return length === sizeOf(expected)
    ? undefined
    : `has ${length} numbers, but its shape ${showShape(shape)} holds ${sizeOf(expected)}`;
}

function isNumbers(data: unknown): boolean {
  if (Array.isArray(data)) return data.every((value) => typeof value === "number");
  return ArrayBuffer.isView(data) &&
    !(data instanceof DataView || data instanceof BigInt64Array || data instanceof BigUint64Array);
}

function asTensor(entry: Tensor | StoredTensor, { dtype, shape }: Tensor): Tensor {
  return entry instanceof Tensor ? cast(entry, dtype) : tensor(entry.data, { shape, dtype });
}

function sentence(missing: readonly string[], unexpected: readonly string[], mismatched: StateDictError["mismatched"]): string {
  const parts = [
    listed("missing", missing),
    listed("unexpected", unexpected),
    listed("", mismatched.map(({ name, reason }) => `${name} ${reason}`)),
  ];
  return `Cannot load the state dict: ${parts.filter((part) => part !== "").join("; ")}`;
}

/** The first few of many names. */
function listed(what: string, items: readonly string[], most = 5): string {
  if (items.length === 0) return "";
  const more = items.length > most ? `, and ${items.length - most} more` : "";
  return `${what} ${items.slice(0, most).join(", ")}${more}`.trim();
}
