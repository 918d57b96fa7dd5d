/**
 * From results as values to errors that are thrown, for programs that have nothing to do but end when something is wrong.
 *
 * @module
 */
import { nameClasses } from "./quoted.ts";

/**
 * Left with what is wrong or Right with a value, as all that may fail for reasons outside of the program gives it. It has the form of
 * fp-ts's `Either`.
 */
export type Outcome<E, A> =
  | { readonly _tag: "Left"; readonly left: E }
  | { readonly _tag: "Right"; readonly right: A };

/** What a Left holds, thrown: its sentence is the message, and all of it the `cause`. */
export class OutcomeError extends Error {
  /** `cause`: what the Left holds. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

nameClasses({ OutcomeError });

/**
 * The value of a result, or its error thrown. A task is run first.
 *
 * ```ts
 * import { formats, ones, orThrow } from "../mod.ts";
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await orThrow(formats.safetensors.save(path, { weight: ones([2, 3]) }));
 * const { tensors } = await orThrow(formats.safetensors.load(path));
 * console.log(tensors.weight.shape); // [2, 3]
 * ```
 *
 * @throws {OutcomeError} If the result is Left.
 */
export function orThrow<E extends { readonly message: string }, A>(task: () => Promise<Outcome<E, A>>): Promise<A>;
/** The value of a result, or its error thrown. */
export function orThrow<E extends { readonly message: string }, A>(outcome: Outcome<E, A>): A;
export function orThrow<E extends { readonly message: string }, A>(
  given: Outcome<E, A> | (() => Promise<Outcome<E, A>>),
): A | Promise<A> {
  return typeof given === "function" ? run(given) : valueOf(given);
}

async function run<E extends { readonly message: string }, A>(task: () => Promise<Outcome<E, A>>): Promise<A> {
  return valueOf(await task());
}

function valueOf<E extends { readonly message: string }, A>(outcome: Outcome<E, A>): A {
  if (outcome?._tag === "Right") return outcome.right;
  if (outcome?._tag === "Left") throw new OutcomeError(outcome.left.message, { cause: outcome.left });
  throw new TypeError("Cannot call orThrow with something else than a result (Left or Right) or a task that gives one");
}
