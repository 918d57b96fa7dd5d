/**
 * Reverse mode: cotangents are carried from a function's outputs back to its inputs, by more of the same operations. So it nests.
 *
 * @module
 */
import { quoted } from "../quoted.ts";
import { aFunction, argument, natural } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { tangentType } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { cast, variableOp } from "../ops/cast.ts";
import { onBehalf } from "../ops/watch.ts";
import { constantOf, hasTangent, zeroTangent } from "../ops/constant.ts";
import { insideTransform, type Op, Pending, pendingDepth, Tensor, type TensorLike, type Trace, withTrace } from "../tensor.ts";
import { sameShape, showShape } from "../shape.ts";
import { leavesLike, mapLeaves, refusePromises, treeLeaves, treeTensors } from "../tree.ts";
import { computeNow } from "../values/eager.ts";
import { checkDerivative } from "./border.ts";
import { addCotangents } from "./tuple.ts";
import { type Steps, stepsBetween } from "../walk.ts";

/** A fresh variable with the value of `x`. */
function variable(x: Tensor, trace: Trace): Tensor {
  return new Tensor(x.shape, x.dtype, new Pending(variableOp as Op, [x], undefined), false, trace);
}

/** Cotangents of `variables` from those of `outputs`, along recorded steps; undefined where no output depends on one. */
function pullBack(
  steps: Steps,
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  variables: readonly Tensor[],
): (Tensor | undefined)[] {
  const sums = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, g: Tensor) => {
    const sum = sums.get(tensor);
    sums.set(tensor, sum ? addCotangents(sum, g) : g);
  };
  outputs.forEach((output, i) => steps.has(output) && accumulate(output, cotangents[i]));
  for (const tensor of [...steps.keys()].reverse()) {
    const g = sums.get(tensor);
    const made = steps.get(tensor);
    if (!g || !made) continue;
    const { op, inputs, attrs } = made;
    const inner = onBehalf(
      "gradient",
      tensor,
      // Where a path comes to what is no float, it ends: that has no derivative.
      () => op.vjp(g, inputs, tensor, attrs).map((each, i) => steps.has(inputs[i]) && hasTangent(inputs[i]) ? each : undefined),
    );
    for (let i = 0; i < inputs.length; i++) {
      const each = inner[i];
      if (!each) continue;
      checkDerivative("vjp", op.name, each, inputs[i]);
      accumulate(inputs[i], each);
    }
  }
  return variables.map((each) => sums.get(each));
}

/** The tree's floating tensors replaced by fresh variables. */
function openVariables(tree: unknown, trace: Trace): { readonly tree: unknown; readonly variables: Tensor[] } {
  const variables: Tensor[] = [];
  const opened = mapLeaves(tree, (leaf) => {
    if (!(leaf instanceof Tensor) || !tangentType(leaf.dtype)) return leaf;
    variables.push(variable(leaf, trace));
    return variables.at(-1);
  });
  return { tree: opened, variables };
}

/** Puts cotangents where the variables were; what nothing depends on is zero. */
function closeVariables(tree: unknown, found: readonly (Tensor | undefined)[]): unknown {
  let next = 0;
  return mapLeaves(tree, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    if (!tangentType(leaf.dtype)) return zeroTangent(leaf);
    return found[next++] ?? zeroTangent(leaf);
  });
}

/**
 * A function's value and the map from a cotangent of it to cotangents of the arguments (the transposed derivative).
 *
 * ```ts
 * import { mul, tensor, toArray, vjp } from "../../mod.ts";
 * const [y, pullback] = vjp((x) => mul(x, x), tensor([1, 2]));
 * console.log(await toArray(pullback(tensor([1, 10]))[0])); // [2, 40]
 * ```
 *
 * @param f From trees of tensors to a tree of tensors.
 * @returns The value, and a function from a tree of its form to a list of trees, one of the form of each argument. Cotangents of
 * integers are not used.
 * @throws {ShapeError} From that function: if a cotangent is missing, belongs to no output or has another shape.
 */
export function vjp<A extends unknown[], R>(f: (...args: A) => R, ...args: A): [R, (cotangent: R) => A] {
  argument(f, aFunction(), "f", "vjp");
  return withTrace("vjp", (trace) => {
    const { tree, variables } = openVariables(args, trace);
    const value = f(...tree as A);
    checkResult(value, "vjp");
    const outputs = treeLeaves(value);
    const steps = stepsBetween(variables, outputs.flatMap((output) => output.value instanceof Tensor ? [output.value] : []));
    const pullback = (cotangent: R): A => {
      const given = leavesLike(value, cotangent, "Cannot pull back the cotangents of a function's outputs", {
        needed: hasTangent,
      });
      const pairs = outputs.flatMap(({ path, value: y }, i) => {
        const type = y instanceof Tensor && tangentType(y.dtype);
        if (!type) return [];
        const g = given[i] as Tensor;
        if (sameShape(y.shape, g.shape)) return [[y, cast(g, type)] as const];
        throw new ShapeError(
          `Cannot pull back a cotangent of shape ${showShape(g.shape)} for an output${path && ` "${path}"`} of ` +
            `shape ${showShape(y.shape)}`,
          { path, shape: y.shape, cotangent: g.shape },
        );
      });
      return closeVariables(args, pullBack(steps, pairs.map(([y]) => y), pairs.map(([, g]) => g), variables)) as A;
    };
    return [value, pullback];
  });
}

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

/** Checks that what a function returned has a derivative at all. */
export function checkResult(value: unknown, what: string): void {
  refusePromises(value, `take ${what} of`);
  if (treeTensors(value).length > 0) return;
  throw new TypeError(`Cannot take ${what} of a function that returned ${quoted(value)}: there is no tensor in it`);
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
