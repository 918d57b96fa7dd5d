/**
 * Just-in-time compilation: a function is traced once per form of its arguments and becomes one program.
 *
 * The form is the tree structure, the shapes and types of the tensors, and the static values. A number is not static unless it is named
 * so: it is traced (core/traced_number.ts), so that a new learning rate compiles nothing. The other way, to run the function again for every new
 * number, could take JavaScript's own arithmetic, but each step of a loop that passes its count would cost as much as without `jit`.
 *
 * @module
 */
import { aFunction, argument, naturals } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { firstRun } from "./tensor_program.ts";
import { mixHash, noHash } from "../hash.ts";
import { ProgramCache } from "./program_cache.ts";
import { Tensor, traceOf } from "../tensor.ts";
import { currentDevice } from "./current_device.ts";
import { execute, whileRealizing } from "./invoke.ts";
import { matches, type Specialization, specialize } from "./specialization.ts";
import { TracedNumber } from "../traced_number.ts";
import type { HoldsRefused, Refused } from "./refused.ts";
import { flattenTree, treeLeaves, treeTensors } from "../tree.ts";

/** Options of `jit`. */
export interface JitOptions<S extends readonly number[] = readonly number[]> {
  /**
   * Positions of arguments whose tensors the caller gives up: their memory is used for the results (the old training state for the new).
   * Using them afterwards is a DonatedError. Default none.
   */
  readonly donate?: readonly number[];
  /**
   * Positions of arguments whose numbers are part of the program: extents, axes, whole records of options. Inside they are JavaScript
   * numbers, and for each value there is a program of its own. Default none.
   */
  readonly static?: S;
}

const jitOptions = optionTable<JitOptions>({ donate: naturals, static: naturals });

/** Destroys the programs of a jitted function that was collected. */
const finalization = new FinalizationRegistry<ProgramCache<Specialization>>((specializations) => specializations.clear());

/** How many programs one jitted function keeps: forms of its arguments. */
const maxSpecializations = 256;

/** A function with parameters of type `number`: calls that pass these are refused by types. See the other form. */
export function jit<A extends unknown[], R, const S extends readonly number[] = []>(
  f: ((...args: A) => R) & HoldsRefused<A, S>,
  options?: JitOptions<S>,
): (...args: Refused<A, S>) => R;
/**
 * The same function, compiled: the first call with arguments of a new form traces it, later calls run the program. The form is the
 * shapes and types of tensors and the values of all that is no tensor and no number (strings, booleans, records of them; functions
 * and other objects by identity).
 *
 * A number is traced: a new value (of a learning rate, an index, a count of steps) compiles nothing. Operations take it as they take
 * the number without `jit`, exactly and in the type of what it meets. As a JavaScript number it cannot be used (`n + 1`, `n > 0`, `list[n]`,
 * a shape, an axis): that is an error. `n === 5`, `if (n)` and `typeof n` cannot be caught when they run, only by types: declare such
 * parameters as `Scalar`, not as `number`. What shall be a number inside is named in `static`.
 *
 * The function must be pure: its side effects (printing, pushing to an array) happen only while it is traced.
 * Tensors from outside are read again at each call, JavaScript variables are not. Of the programs of a function the 256 used last are kept.
 *
 * ```ts
 * import { jit, mul, type Scalar, sum, tensor, type Tensor, toArray } from "../../mod.ts";
 * const scale = jit((x: Tensor, by: Scalar) => mul(x, by));
 * console.log(await toArray(scale(tensor([1, 2]), 10))); // [10, 20]
 * // By the same program:
 * console.log(await toArray(scale(tensor([1, 2]), 0.5))); // [0.5, 1]
 * const sumAlong = jit((x: Tensor, axis: number) => sum(x, { axis }), { static: [1] });
 * console.log(await toArray(sumAlong(tensor([[1, 2], [3, 4]]), 1))); // [3, 7]
 * ```
 *
 * @param f From trees of tensors, numbers and static values (strings, booleans, functions) to a tree.
 * @throws {TraceError} When called, if f reads values, which do not exist while it is traced, or uses a traced number as a JavaScript one.
 * @throws {TypeError} When called with a typed array, a buffer, a Map or a Set, whose contents may change unnoticed; if f is async.
 */
export function jit<A extends unknown[], R, const S extends readonly number[] = []>(
  f: (...args: A) => R,
  options?: JitOptions<S>,
): (...args: A) => R;
export function jit<A extends unknown[], R>(
  f: (...args: A) => R,
  options: JitOptions = {},
): (...args: A) => R {
  const { donate = [], static: statics = [] } = checkOptions(options, jitOptions, "jit");
  argument(f, aFunction(), "f", "jit");
  const specializations = new ProgramCache<Specialization>(maxSpecializations);

  const compiled = (...args: A): R => {
    const device = currentDevice();
    let leaves: unknown[] = [];
    const { latest } = specializations;
    if (latest && matches(latest, device, args, leaves)) return execute(latest, leaves) as R;
    const matching = (each: Specialization) => matches(each, device, args, leaves = []);
    const known = specializations.find(matching, () => hashOf(args, statics));
    if (known) return execute(known, leaves) as R;
    flattenTree(args, leaves = []);
    // Inside another transform it is part of that one's graph.
    if (leaves.some((leaf) => leaf instanceof Tensor ? traceOf(leaf) : leaf instanceof TracedNumber)) return f(...args);
    const specialization = whileRealizing(
      leaves,
      () => specialize({ f: f as (...args: unknown[]) => unknown, args, donate, static: statics }, device),
    );
    if (!specialization) return f(...args);
    const result = firstRun(specialization.executable, () => execute(specialization, leaves));
    specializations.add(specialization, hashOf(args, statics));
    return result as R;
  };
  finalization.register(compiled, specializations);
  return compiled;
}

/** Equal for arguments of one specialization: the shapes of their tensors, in order, and the values of static ones. */
function hashOf(args: readonly unknown[], statics: readonly number[]): number {
  let hash = noHash;
  for (const { shape } of treeTensors(args)) {
    hash = mixHash(hash, shape.length);
    for (const extent of shape) hash = mixHash(hash, extent);
  }
  for (const position of statics) {
    for (const { value } of treeLeaves(args[position])) {
      if (typeof value === "number") hash = mixHash(hash, value);
      else if (typeof value === "string") { for (let i = 0; i < value.length; i++) hash = mixHash(hash, value.charCodeAt(i)); }
    }
  }
  return hash;
}
