/**
 * Gradients of functions that return one number, with respect to one of their arguments.
 *
 * @module
 */
import { tangentType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { aFunction, argument, natural } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { constantOf, hasTangent } from "../ops/constant.ts";
import { quoted } from "../quoted.ts";
import { showShape } from "../shape.ts";
import { insideTransform, pendingDepth, Tensor, type TensorLike, withTrace } from "../tensor.ts";
import { refusePromises, treeLeaves, treeTensors } from "../tree.ts";
import { computeNow } from "../values/eager.ts";
import { stepsBetween } from "../walk.ts";
import { closeVariables, openVariables, pullBack } from "./vjp.ts";

/** Options of `grad` and `valueAndGrad`. */
export interface GradOptions<N extends number> {
  /** Which argument to differentiate by. Default 0, the first. */
  readonly argnum?: N;
}

export const gradOptions = optionTable<GradOptions<number>>({ argnum: natural });

/** The function's value, what it returned beside it, and the gradient. */
export interface ValueAuxGrads<X, P> {
  /** The scalar. */
  readonly value: Tensor;
  /** What came beside it. */
  readonly aux: X;
  /** The gradient, in the form of the first argument. */
  readonly grads: P;
}

function checkVariables(tree: unknown, what: string): void {
  const leaves = treeLeaves(tree);
  for (const { path, value } of leaves) {
    if (value instanceof Tensor && !tangentType(value.dtype)) {
      throw new DTypeError(
        `Cannot take ${what} with respect to a tensor of type ${value.dtype}${
          path && ` at "${path}"`
        }: it needs a floating type, ` +
          `use cast(x, "f32")`,
        { path, dtype: value.dtype },
      );
    }
  }
  if (!leaves.some(({ value }) => value instanceof Tensor)) {
    throw new TypeError(`Cannot take ${what} with respect to an argument without tensors: make numbers tensors with tensor(x)`);
  }
}

function checkScalar(value: unknown, what: string): asserts value is Tensor {
  refusePromises(value, `take ${what} of`);
  if (!(value instanceof Tensor)) {
    throw new TypeError(
      `Cannot take ${what} of a function returning ${Array.isArray(value) ? "an array" : typeof value}: ` +
        `the output must be a scalar tensor; to return more beside it use valueAndGradAux`,
    );
  }
  if (value.rank !== 0) {
    throw new TypeError(
      `Cannot take ${what} of a function returning shape ${showShape(value.shape)}: the output must be a scalar, ` +
        `reduce it with mean or use vjp`,
    );
  }
  if (!hasTangent(value)) {
    throw new DTypeError(`Cannot take ${what} of a function returning ${value.dtype}: the output must be floating`, {
      dtype: value.dtype,
    });
  }
}

/**
 * Outside any transform, a derivative at what is still to be computed is a step of a loop that has computed nothing yet (new parameters
 * from old ones). Its graph must not become part of the next step's, which would make each step a new program, longer than the one
 * before; computed now, all steps run the same one.
 */
function computeLoop(args: unknown, result: unknown): void {
  if (insideTransform()) return;
  const pending = treeTensors(args).filter((tensor) => pendingDepth(tensor) > 0);
  if (pending.length > 0) computeNow([...pending, ...treeTensors(result)]);
}

/** Checks that there is an argument of this number. */
export function checkArgnum(argnum: number, args: readonly unknown[], what: string): void {
  if (argnum in args) return;
  throw new RangeError(
    `Cannot take ${what} with respect to argument ${argnum}: the function is called with ${args.length}, from 0 on`,
  );
}

/** The value and what came beside it. */
function pairOf<X>(result: readonly [Tensor, X], what: string): readonly [Tensor, X] {
  refusePromises(result, `take ${what} of`);
  if (Array.isArray(result) && result.length === 2) return result;
  throw new TypeError(`Cannot take ${what} of a function that returned ${quoted(result)}: it must return [value, aux]`);
}

function differentiate<A extends unknown[], X>(
  f: (...args: A) => readonly [Tensor, X],
  args: A,
  argnum: number,
  what: string,
): ValueAuxGrads<X, unknown> {
  checkArgnum(argnum, args, what);
  const target = args[argnum];
  checkVariables(target, what);
  const result = withTrace(what, (trace) => {
    const { tree, variables } = openVariables(target, trace);
    const [value, aux] = pairOf(f(...args.map((arg, i) => i === argnum ? tree : arg) as A), what);
    checkScalar(value, what);
    const grads = pullBack(stepsBetween(variables, [value]), [value], [constantOf(1, tangentType(value.dtype)!)], variables);
    return { value, aux, grads: closeVariables(target, grads) };
  });
  computeLoop(args, result);
  return result;
}

/** The gradient of a function that takes a tensor or a number, such as `sum`: by a tensor. */
export function grad<R extends unknown[]>(f: (x: TensorLike, ...rest: R) => Tensor): (x: Tensor, ...rest: R) => Tensor;
/**
 * The gradient of a scalar function, as a function of the same arguments.
 *
 * It nests: `grad(grad(f))` is the second derivative. The result has the form of the argument: a record of gradients for a record
 * of parameters.
 *
 * ```ts
 * import { add, grad, item, pow, tensor } from "../../mod.ts";
 * const f = (p: { a: Tensor; b: Tensor }) => add(pow(p.a, 3), p.b);
 * const { a, b } = grad(f)({ a: tensor(1), b: tensor(4) });
 * console.log(await item(a), await item(b)); // 3 1
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f Returns a scalar. Gradients by floats for storage are f32.
 * @throws {TypeError} When the returned function is called: if f does not return a scalar.
 * @throws {DTypeError} If a tensor of the argument is not floating.
 * @throws {RangeError} If there is no argument `argnum`.
 */
export function grad<A extends unknown[], N extends number = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N>,
): (...args: A) => A[N];
export function grad<A extends unknown[], N extends number = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => A[N] {
  const { argnum = 0 as N } = checkOptions(options, gradOptions, "grad");
  argument(f, aFunction(), "f", "grad");
  return (...args) => differentiate<A, undefined>((...inner) => [f(...inner), undefined], args, argnum, "grad").grads as A[N];
}

/** Value and gradient of a function that takes a tensor or a number. */
export function valueAndGrad<R extends unknown[]>(
  f: (x: TensorLike, ...rest: R) => Tensor,
): (x: Tensor, ...rest: R) => [Tensor, Tensor];
/**
 * A scalar function's value and gradient together, as [value, grads]: the forward pass is shared.
 *
 * ```ts
 * import { item, square, sum, tensor, type Tensor, toArray, valueAndGrad } from "../../mod.ts";
 * const [value, gradient] = valueAndGrad((x: Tensor) => sum(square(x)))(tensor([1, 2]));
 * console.log(await item(value), await toArray(gradient)); // 5 [2, 4]
 * ```
 *
 * @throws {TypeError} When the returned function is called: if f does not return a scalar.
 * @throws {DTypeError} If a tensor of the argument is not floating.
 */
export function valueAndGrad<A extends unknown[], N extends number = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N>,
): (...args: A) => [Tensor, A[N]];
export function valueAndGrad<A extends unknown[], N extends number = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => [Tensor, A[N]] {
  const { argnum = 0 as N } = checkOptions(options, gradOptions, "valueAndGrad");
  argument(f, aFunction(), "f", "valueAndGrad");
  return (...args) => {
    const { value, grads } = differentiate<A, undefined>((...inner) => [f(...inner), undefined], args, argnum, "grad");
    return [value, grads as A[N]];
  };
}

/**
 * As `valueAndGrad`, for a function that returns [scalar, anything else]: the rest (new batch statistics, predictions) is `aux`.
 *
 * ```ts
 * import { item, mul, square, sum, tensor, type Tensor, toArray, valueAndGradAux } from "../../mod.ts";
 * const model = (w: Tensor, x: Tensor) => {
 *   const y = mul(w, x);
 *   return [sum(square(y)), y] as const;
 * };
 * const { value, aux, grads } = valueAndGradAux(model)(tensor([1, 2]), tensor([3, 1]));
 * console.log(await item(value), await toArray(aux), await toArray(grads)); // 13 [3, 2] [18, 4]
 * ```
 *
 * @throws {TypeError} When the returned function is called: if the first of the pair is not a scalar.
 * @throws {DTypeError} If a tensor of the first argument is not floating.
 */
export function valueAndGradAux<A extends unknown[], X>(
  f: (...args: A) => readonly [Tensor, X],
): (...args: A) => ValueAuxGrads<X, A[0]> {
  argument(f, aFunction(), "f", "valueAndGradAux");
  return (...args) => differentiate<A, X>(f, args, 0, "grad") as ValueAuxGrads<X, A[0]>;
}
