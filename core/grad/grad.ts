/**
 * Gradients of functions that return one number, with respect to one of their arguments.
 *
 * @module
 */
import { tangentType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { aFunction, argument, naturalOrList } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { constantOf, hasTangent } from "../ops/constant.ts";
import { quoted } from "../quoted.ts";
import { showShape } from "../shape.ts";
import { insideTransform, pendingDepth, Tensor, type TensorLike, withTrace } from "../tensor.ts";
import { TracedNumber } from "../traced_number.ts";
import { refusePromises, treeLeaves, treeTensors } from "../tree.ts";
import { computeNow } from "../values/eager.ts";
import { stepsBetween } from "../walk.ts";
import { closeVariables, openVariables, pullBack } from "./vjp.ts";

/** The number of an argument, or of several. */
export type Argnum = number | readonly number[];

/** The argument of a number; of a list of numbers the list of their arguments. */
export type Chosen<A extends readonly unknown[], N extends Argnum> = N extends number ? A[N]
  : N extends readonly number[] ? { -readonly [K in keyof N]: A[N[K] & number] }
  : never;

/** Options of `grad`, `valueAndGrad`, `valueAndGradAux`, `jacobian` and `hessian`. */
export interface GradOptions<N extends Argnum> {
  /** Which argument to differentiate by, or a list of several, by which the result is a list, too. Default 0, the first. */
  readonly argnum?: N;
}

export const gradOptions = optionTable<GradOptions<Argnum>>({ argnum: naturalOrList });

/** The function's value, what it returned beside it, and the gradient. */
export interface ValueAuxGrads<X, P> {
  /** The scalar. */
  readonly value: Tensor;
  /** What came beside it. */
  readonly aux: X;
  /** The gradient, in the form of the argument. */
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
    const closed = leaves.find(({ value }) => typeof value === "object" && value !== null && !(value instanceof TracedNumber));
    const remedy = closed
      ? `${quoted(closed.value)} is no plain record or list, and is not looked into`
      : "make numbers tensors with tensor(x)";
    throw new TypeError(`Cannot take ${what} with respect to an argument without tensors: ${remedy}`);
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

function numbersOf(argnum: Argnum): readonly number[] {
  return typeof argnum === "number" ? [argnum] : argnum;
}

/**
 * The argument of a number, or the list of those of several.
 *
 * @throws {RangeError} If there is none, or a list names one twice or none at all.
 */
export function chosenOf<A extends readonly unknown[], N extends Argnum>(args: A, argnum: N, what: string): Chosen<A, N> {
  const numbers = numbersOf(argnum);
  if (numbers.length === 0) throw new RangeError(`Cannot take ${what} with respect to no argument: argnum is an empty list`);
  for (const [i, number] of numbers.entries()) {
    if (!(number in args)) {
      throw new RangeError(
        `Cannot take ${what} with respect to argument ${number}: the function is called with ${args.length}, from 0 on`,
      );
    }
    if (numbers.indexOf(number) < i) throw new RangeError(`Cannot take ${what} with respect to argument ${number} twice`);
  }
  const chosen = numbers.map((number) => args[number]);
  return (typeof argnum === "number" ? chosen[0] : chosen) as Chosen<A, N>;
}

/** The arguments with others in place of those that `chosenOf` gives. */
export function replaced<A extends readonly unknown[], N extends Argnum>(args: A, argnum: N, by: Chosen<A, N>): A {
  const numbers = numbersOf(argnum);
  const others = (typeof argnum === "number" ? [by] : by) as readonly unknown[];
  return args.map((arg, i) => numbers.includes(i) ? others[numbers.indexOf(i)] : arg) as unknown as A;
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
  argnum: Argnum,
  what: string,
): ValueAuxGrads<X, unknown> {
  const target: unknown = chosenOf(args, argnum, what);
  checkVariables(target, what);
  const result = withTrace(what, (trace) => {
    const { tree, variables } = openVariables(target, trace);
    const [value, aux] = pairOf(f(...replaced<A, Argnum>(args, argnum, tree as never)), what);
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
 * import { add, grad, item, mul, pow, tensor } from "../../mod.ts";
 * const f = (p: { a: Tensor; b: Tensor }) => add(pow(p.a, 3), p.b);
 * const { a, b } = grad(f)({ a: tensor(1), b: tensor(4) });
 * console.log(await item(a), await item(b)); // 3 1
 *
 * const [x, y] = grad((x: Tensor, y: Tensor) => mul(x, pow(y, 2)), { argnum: [0, 1] })(tensor(5), tensor(3));
 * console.log(await item(x), await item(y)); // 9 30
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f Returns a scalar. Gradients by floats for storage are f32.
 * @throws {TypeError} When the returned function is called: if f does not return a scalar.
 * @throws {DTypeError} If a tensor of the argument is not floating.
 * @throws {RangeError} If there is no argument `argnum`, it is named twice, or the list is empty.
 */
export function grad<A extends unknown[], const N extends Argnum = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N>,
): (...args: A) => Chosen<A, N>;
export function grad<A extends unknown[], const N extends Argnum = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => Chosen<A, N> {
  const { argnum = 0 } = checkOptions(options, gradOptions, "grad");
  argument(f, aFunction(), "f", "grad");
  return (...args) =>
    differentiate<A, undefined>((...inner) => [f(...inner), undefined], args, argnum, "grad").grads as Chosen<A, N>;
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
export function valueAndGrad<A extends unknown[], const N extends Argnum = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N>,
): (...args: A) => [Tensor, Chosen<A, N>];
export function valueAndGrad<A extends unknown[], const N extends Argnum = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => [Tensor, Chosen<A, N>] {
  const { argnum = 0 } = checkOptions(options, gradOptions, "valueAndGrad");
  argument(f, aFunction(), "f", "valueAndGrad");
  return (...args) => {
    const { value, grads } = differentiate<A, undefined>((...inner) => [f(...inner), undefined], args, argnum, "grad");
    return [value, grads as Chosen<A, N>];
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
export function valueAndGradAux<A extends unknown[], X, const N extends Argnum = 0>(
  f: (...args: A) => readonly [Tensor, X],
  options: GradOptions<N> = {},
): (...args: A) => ValueAuxGrads<X, Chosen<A, N>> {
  const { argnum = 0 } = checkOptions(options, gradOptions, "valueAndGradAux");
  argument(f, aFunction(), "f", "valueAndGradAux");
  return (...args) => differentiate<A, X>(f, args, argnum, "grad") as ValueAuxGrads<X, Chosen<A, N>>;
}
