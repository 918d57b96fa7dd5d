/**
 * Just-in-time compilation: a function is traced once per form of its arguments and becomes one program.
 *
 * The form is the tree structure, the shapes and types of the tensors, and the static values. A number is not static: it is a scalar
 * input, so that a new learning rate compiles nothing.
 *
 * @module
 */
import { naturals } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { firstRun } from "./tensor_program.ts";
import { mixHash, ProgramCache } from "./program_cache.ts";
import { Tensor, traceOf } from "../tensor.ts";
import { currentDevice } from "./current_device.ts";
import { execute } from "./invoke.ts";
import { matches, type Specialization, specialize } from "./specialization.ts";
import { flattenTree, type Form, treeTensors } from "../tree.ts";

/** Options of `jit`. */
export interface JitOptions {
  /**
   * Positions of arguments whose tensors the caller gives up: their memory is used for the results (the old training state for the new).
   * Using them afterwards is a DonatedError. Default none.
   */
  readonly donate?: readonly number[];
}

const jitOptions = optionTable<JitOptions>({ donate: naturals });

/** Destroys the programs of a jitted function that was collected. */
const finalization = new FinalizationRegistry<ProgramCache<Specialization>>((specializations) => specializations.clear());

/** How many programs one jitted function keeps: forms of its arguments. */
const maxSpecializations = 256;

/**
 * The same function, compiled: the first call with arguments of new shapes, types or static values traces it, later calls run the
 * program.
 *
 * The function must be pure: its side effects (printing, pushing to an array) happen only while it is traced.
 * Tensors from outside are read again at each call, JavaScript variables are not.
 *
 * ```ts
 * import { jit, mul, tensor, toArray } from "../../mod.ts";
 * const scale = jit((x: Tensor, by: number) => mul(x, by));
 * console.log(await toArray(scale(tensor([1, 2]), 10))); // [10, 20]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f From trees of tensors, numbers and static values (strings, booleans, functions) to a tree.
 * @throws {TraceError} When called, if f reads values, which do not exist while it is traced.
 */
export function jit<A extends unknown[], R>(f: (...args: A) => R, options: JitOptions = {}): (...args: A) => R {
  const { donate = [] } = checkOptions(options, jitOptions, "jit");
  const specializations = new ProgramCache<Specialization>(maxSpecializations);

  const compiled = (...args: A): R => {
    const device = currentDevice();
    let leaves: unknown[] = [];
    const { latest } = specializations;
    if (latest && matches(latest, device, args, leaves)) return execute(latest, leaves) as R;
    const matching = (each: Specialization) => matches(each, device, args, leaves = []);
    const known = specializations.find(matching, () => hashOf(args));
    if (known) return execute(known, leaves) as R;
    const form = flattenTree(args, leaves = []);
    // Inside another transform it is part of that one's graph.
    if (leaves.some((leaf) => leaf instanceof Tensor && traceOf(leaf))) return f(...args);
    const specialization = specialize(f as (...args: unknown[]) => unknown, form, leaves, donatedLeaves(form, donate), device);
    if (!specialization) return f(...args);
    const result = firstRun(specialization.executable, () => execute(specialization, leaves));
    specializations.add(specialization, hashOf(args));
    return result as R;
  };
  finalization.register(compiled, specializations);
  return compiled;
}

/** Equal for arguments of one specialization: the shapes of their tensors, in order. */
function hashOf(args: unknown): number {
  let hash = 0;
  for (const { shape } of treeTensors(args)) {
    hash = mixHash(hash, shape.length);
    for (const extent of shape) hash = mixHash(hash, extent);
  }
  return hash;
}

/** Which leaves belong to donated arguments. */
function donatedLeaves(form: Form, donate: readonly number[]): number[] {
  if (form.kind !== "array") return [];
  let next = 0;
  const count = (part: Form): number => part.kind === "leaf" ? 1 : part.items.reduce((sum, each) => sum + count(each), 0);
  return form.items.flatMap((part, position) => {
    const leaves = Array.from({ length: count(part) }, () => next++);
    return donate.includes(position) ? leaves : [];
  });
}
