/**
 * What a layer is: a record of two functions. It holds no numbers; parameters and state are made by one function and passed to the
 * other, so that any transform can see them.
 *
 * @module
 */
import { refusePromises } from "../core/tree.ts";
import { quoted } from "../core/quoted.ts";
import { aFunction, argument, tensors } from "../core/kinds.ts";
import { ShapeError } from "../core/errors.ts";
import { zeros } from "../core/ops/creation.ts";
import type { Key } from "../core/random.ts";
import { checkShape, type Shape, showShape } from "../core/shape.ts";
import { refuseForeign, Tensor } from "../core/tensor.ts";
import { recordEffects } from "../core/values/effects.ts";

/** The parameters or state of a layer that has none. */
export type Empty = Readonly<Record<never, Tensor>>;

/** Whether a layer is being trained, which needs a random key, or evaluated. */
export type Mode =
  | { readonly kind: "train"; readonly key: Key }
  | { readonly kind: "eval" };

/** The mode for using a model: no randomness, and running statistics do not change. */
export const evalMode: Mode = Object.freeze({ kind: "eval" });

/**
 * The mode for training a model; each step takes a key of its own.
 *
 * ```ts
 * import { layers, ones, random } from "../mod.ts";
 * const drop = layers.dropout(0.5);
 * const { params, state } = drop.init(random.key(0), [4]);
 * const step = 7;
 * const mode = layers.trainMode(random.foldIn(random.key(1), step));
 * const [y] = drop.apply(params, state, ones([2, 4]), mode);
 * ```
 */
export function trainMode(key: Key): Mode {
  argument(key, tensors, "key", "trainMode");
  return { kind: "train", key };
}

/** What `init` gives: the initial parameters and state, and the output shape. */
export interface Initial<P, S> {
  /** What is learned. */
  readonly params: P;
  /** What is carried from call to call without being learned, such as running statistics. */
  readonly state: S;
  /** The shape of the result, without the batch axis. */
  readonly output: Shape;
  /** The same of each part by name, if the layer is made of others (`compose`, `serial`): what `summary` prints. */
  readonly stages?: Readonly<Record<string, Initial<object, object>>>;
}

/**
 * A layer with parameters of form `P` and a state of form `S`.
 *
 * ```ts
 * import { layers, random, zeros } from "../mod.ts";
 * const head = layers.linear({ features: 10 });
 * const { params, state, output } = head.init(random.key(0), [784]);
 * console.log(output, params.weight.shape); // [10] [10, 784]
 * const [logits] = head.apply(params, state, zeros([64, 784]), layers.evalMode);
 * console.log(logits.shape); // [64, 10]
 * ```
 */
export interface Layer<P extends object = Empty, S extends object = Empty> {
  /** The kind of layer, shown in summaries: "conv2d". */
  readonly kind?: string;
  /** The parts by name, if the layer is made of others (`compose`, `serial`): what `namedStages` walks. */
  readonly stages?: Readonly<Record<string, Layer<object, object>>>;
  /**
   * Parameters and state for inputs of a shape. They are computed when they are needed; a loop without `jit` should call
   * `realize` on them first, or it draws them again every time.
   *
   * @param inputShape Without the batch axis: [1, 28, 28] for grey images.
   * @throws {ShapeError} If the layer cannot be applied to inputs of this shape.
   */
  init(key: Key, inputShape: Shape): Initial<P, S>;
  /**
   * The layer's result for a batch, and its new state: the same record if nothing changed.
   *
   * @param x [batch, ...inputShape]
   */
  apply(params: P, state: S, x: Tensor, mode: Mode): [Tensor, S];
}

/** Any layer, whatever its parameters and state: for code that works with all of them. */
export type AnyLayer = Layer<object, object>;

/** The form of a layer's parameters. */
export type ParamsOf<L> = L extends Layer<infer P, infer _S> ? P : never;

/** The form of a layer's state. */
export type StateOf<L> = L extends Layer<infer _P, infer S> ? S : never;

/**
 * The shape, without the batch axis, that a function on batches gives for inputs of a shape. Only the graph is built, nothing is
 * computed.
 *
 * ```ts
 * import { layers, maxPool2d } from "../mod.ts";
 * console.log(layers.outputShape((x) => maxPool2d(x, { kernel: 2 }), [8, 14, 14])); // [8, 7, 7]
 * ```
 *
 * @param f Must keep the first axis, which is the batch.
 * @throws {ShapeError} If the function fails for such inputs or does not keep the batch axis.
 */
export function outputShape(f: (x: Tensor) => Tensor, inputShape: Shape): Shape {
  argument(f, aFunction(), "f", "outputShape");
  const x = zeros([1, ...checkShape(inputShape, "apply a layer to inputs")]);
  // Only the shape counts: nobody wants to see these zeros, or what becomes of them.
  const [y] = recordEffects(() => f(x));
  refuseForeign(y);
  refusePromises(y, "use as layer");
  if (!(y instanceof Tensor)) {
    throw new TypeError(`Cannot use what is not a function from tensor to tensor: it gave ${quoted(y)}`);
  }
  if (y.shape[0] !== 1) {
    throw new ShapeError(
      `Cannot keep the batch axis: input ${showShape(x.shape)} became ${showShape(y.shape)}; a layer must keep the first axis ` +
        `(to flatten the others use layers.flatten())`,
      { shape: x.shape, output: y.shape },
    );
  }
  return y.shape.slice(1);
}
