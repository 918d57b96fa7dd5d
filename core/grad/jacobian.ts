/**
 * All first derivatives of a function, and all second ones of a scalar function.
 *
 * @module
 */
import { aFunction, argument } from "../kinds.ts";
import { checkOptions } from "../options.ts";
import { tangentType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { eye } from "../ops/creation.ts";
import { hasTangent, zeroTangent } from "../ops/constant.ts";
import { reshape } from "../ops/reshape.ts";
import { Tensor } from "../tensor.ts";
import { mapLeaves, treeLeaves } from "../tree.ts";
import { type Argnum, type Chosen, chosenOf, grad, type GradOptions, gradOptions, replaced } from "./grad.ts";
import { checkResult, vjp } from "./vjp.ts";
import { vmap } from "./vmap.ts";

/** A tree in which each tensor is replaced by a tree of the form `P`: the derivatives of one output by all inputs. */
export type Jacobian<R, P> = R extends Tensor ? P
  : R extends readonly unknown[] ? { readonly [K in keyof R]: Jacobian<R[K], P> }
  : R extends object ? { readonly [K in keyof R]: Jacobian<R[K], P> }
  : R;

/**
 * All derivatives of a function's outputs by one argument, as a function of the same arguments.
 *
 * For an output of shape [...m] and an argument of shape [...n] it is a tensor of shape [...m, ...n], whose element at (i, j) is the derivative
 * of output i by input j. It takes one backward pass for all outputs at once (a batch of them), so memory grows with their number.
 *
 * ```ts
 * import { jacobian, mul, tensor, toArray } from "../../mod.ts";
 * const square = (x: Tensor) => mul(x, x);
 * console.log(await toArray(jacobian(square)(tensor([1, 2])))); // [[2, 0], [0, 4]]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f From trees of tensors to a tree of floating tensors. Derivatives by floats for storage, and of them, are f32.
 * @returns For a tree of outputs a tree of the same form, in which each tensor is replaced by a tree like the argument.
 * @throws {DTypeError} When called: if an output, or a tensor of the argument, is not floating.
 */
export function jacobian<A extends unknown[], R, const N extends Argnum = 0>(
  f: (...args: A) => R,
  options: GradOptions<N> = {},
): (...args: A) => Jacobian<R, Chosen<A, N>> {
  const { argnum = 0 as N } = checkOptions(options, gradOptions, "jacobian");
  argument(f, aFunction(), "f", "jacobian");
  return (...args) => {
    const target = chosenOf<A, N>(args, argnum, "jacobian");
    checkFloating(target, "argument");
    const [value, pullback] = vjp((x: Chosen<A, N>) => {
      const result = f(...replaced(args, argnum, x));
      checkResult(result, "the jacobian");
      return result;
    }, target);
    checkFloating(value, "output");
    return mapLeaves(value, (output, path) => {
      if (!(output instanceof Tensor)) return output;
      const each = reshape(eye(output.size, { dtype: tangentType(output.dtype) }), [output.size, ...output.shape]);
      const rows = vmap((g: Tensor) =>
        pullback(mapLeaves(value, (y, other) => other === path ? g : y instanceof Tensor ? zeroTangent(y) : y) as R)[0]
      )(each);
      return mapLeaves(rows, (row) => row instanceof Tensor ? reshape(row, [...output.shape, ...row.shape.slice(1)]) : row);
    }) as Jacobian<R, Chosen<A, N>>;
  };
}

function checkFloating(tree: unknown, what: string): void {
  for (const { path, value } of treeLeaves(tree)) {
    if (!(value instanceof Tensor) || hasTangent(value)) continue;
    throw new DTypeError(
      `Cannot take the jacobian: the ${what}${path && ` "${path}"`} has type ${value.dtype}, it needs a floating one, ` +
        `use cast(x, "f32")`,
      { path, dtype: value.dtype },
    );
  }
}

/**
 * All second derivatives of a scalar function by one argument: the jacobian of its gradient.
 *
 * ```ts
 * import { hessian, prod, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(hessian((x: Tensor) => prod(x))(tensor([2, 3])))); // [[0, 1], [1, 0]]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f Returns a scalar.
 * @returns For an argument of shape [...n] a tensor of shape [...n, ...n]; for a tree a tree of trees.
 * @throws {TypeError} When called: if f does not return a scalar.
 */
export function hessian<A extends unknown[], const N extends Argnum = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => Jacobian<Chosen<A, N>, Chosen<A, N>> {
  checkOptions(options, gradOptions, "hessian");
  argument(f, aFunction(), "f", "hessian");
  return jacobian<A, Chosen<A, N>, N>(grad<A, N>(f, options), options);
}
