/**
 * Data-first functions as stages of a pipe.
 *
 * @module
 */
import { quoted } from "./quoted.ts";

/**
 * Fixes all arguments of a function except the first: `withArgs(f, ...rest)(x)` is `f(x, ...rest)`. The result keeps the name of
 * `f`.
 *
 * ```ts
 * import { maxPool2d, withArgs, zeros } from "../mod.ts";
 * const pool = withArgs(maxPool2d, { kernel: 2 });
 * console.log(pool(zeros([1, 1, 4, 4])).shape); // [1, 1, 2, 2]
 * ```
 */
export function withArgs<X, A extends unknown[], R>(f: (x: X, ...args: A) => R, ...args: A): (x: X) => R {
  if (typeof f !== "function") throw new TypeError(`Cannot call withArgs with ${quoted(f)}: it must be a function`);
  return Object.defineProperty((x: X) => f(x, ...args), "name", { value: f.name });
}
