/**
 * Looking at values while a program runs, also inside transforms, where tensors have no values yet.
 *
 * @module
 */
import { aFunction, argument } from "../kinds.ts";
import "./deliver.ts";
import { Tensor } from "../tensor.ts";
import { TracedNumber } from "../traced_number.ts";
import { buildTree, flattenTree } from "../tree.ts";
import { emit, type NumberOf } from "../values/effects.ts";

/**
 * Calls a function with values at run time, wherever it is written: under `jit` after each run of the program, under `vmap` for
 * each example, under `scan` for each step, in the order that loops without any transform would give. The derivative does not see it.
 *
 * ```ts
 * import { debug, item, jit, mul, sum, tensor, type Tensor } from "../../mod.ts";
 * const seen: Promise<number>[] = [];
 * const f = jit((x: Tensor) => {
 *   debug.callback((norm) => seen.push(item(norm)), sum(mul(x, x)));
 *   return mul(x, 2);
 * });
 * f(tensor([1, 2]));
 * f(tensor([3, 4]));
 * console.log(await Promise.all(seen)); // [5, 25]
 * ```
 *
 * @param f Its tensors have values, which can be read. An error that it throws comes out of the call of the jitted function, whose
 * arguments are not donated then; where a device's values have to be waited for, out of the event loop.
 * @param args What f is called with: trees of tensors and anything else.
 * @see JAX's `jax.debug.callback`
 */
export function callback<A extends unknown[]>(f: (...args: NoInfer<A>) => unknown, ...args: A): void {
  argument(f, aFunction(), "f", "debug.callback");
  const leaves: unknown[] = [];
  const form = flattenTree(args, leaves);
  const run = (values: readonly Tensor[], numberOf?: NumberOf) => {
    let next = 0;
    const valueOf = (leaf: unknown) =>
      leaf instanceof Tensor ? values[next++] : leaf instanceof TracedNumber ? numberOf?.(leaf) : leaf;
    f(...buildTree(form, leaves.map(valueOf)) as A);
  };
  emit([{ tensors: leaves.filter((leaf) => leaf instanceof Tensor), run }]);
}

/**
 * `console.log` at run time, wherever it is written: see `callback`. (`console.log` itself prints inside `jit` only while the
 * function is traced, and then there are no values.)
 *
 * ```ts
 * import { debug, grad, jit, square, sum, tensor, type Tensor } from "../../mod.ts";
 * const loss = (x: Tensor) => {
 *   const terms = square(x);
 *   debug.print("terms:", terms);
 *   return sum(terms);
 * };
 * const step = jit(grad(loss));
 * step(tensor([1, 2])); // terms: tensor([1., 4.], f32[2])
 * ```
 *
 * @param things What to print: text, trees of tensors, anything else.
 * @see JAX's `jax.debug.print`
 */
export function print(...things: unknown[]): void {
  callback((...values: unknown[]) => console.log(...values), ...things);
}
