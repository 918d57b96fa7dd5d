/**
 * Failures on purpose: chosen functions of the platform and of the devices throw at a chosen call.
 *
 * They are replaced from outside, so that what is tested knows nothing of it and pays nothing for it.
 *
 * @module
 */

/** A function to be made fail: a method, or a constructor that a namespace holds. */
export interface FaultPoint {
  readonly owner: object;
  readonly name: string;
  /** Makes the error to throw. */
  readonly error: () => Error;
  /** For functions that give promises: the promise is rejected. */
  readonly rejects?: boolean;
}

/** Of this many calls one is tried. `COTANGENT_FAULTS=all` tries each, which takes half an hour. */
export const stride = Deno.env.get("COTANGENT_FAULTS") === "all" ? 1 : 7;

// deno-lint-ignore no-explicit-any
type AnyFunction = (...args: any[]) => unknown;

/** Points of failure, counted and made fail together. Disposing it puts back what was there. */
export class Faults implements Disposable {
  readonly #originals: { readonly owner: object; readonly name: string; readonly value: AnyFunction }[] = [];
  #active = false;
  #calls = 0;
  #first = Infinity;
  #last = Infinity;

  constructor(points: readonly FaultPoint[]) {
    for (const { owner, name, error, rejects } of points) {
      const value = Reflect.get(owner, name) as AnyFunction;
      this.#originals.push({ owner, name, value });
      // A proxy, as some are constructors.
      const replaced = new Proxy(value, {
        apply: (target, self, args) => {
          if (!this.#fails()) return Reflect.apply(target, self, args);
          if (rejects) return Promise.reject(error());
          throw error();
        },
        construct: (target, args, made) => {
          if (this.#fails()) throw error();
          return Reflect.construct(target, args, made) as object;
        },
      });
      Reflect.set(owner, name, replaced);
    }
  }

  /** Whether the call that is made now is to fail. */
  #fails(): boolean {
    if (!this.#active) return false;
    const call = this.#calls++;
    return call >= this.#first && call <= this.#last;
  }

  /** How many calls of the points `run` makes. */
  async count(run: () => unknown): Promise<number> {
    await this.#during(Infinity, Infinity, run);
    return this.#calls;
  }

  /** Runs with the n-th call failing, from 0, or also all later ones; gives the error, if it was not caught inside. */
  async inject(n: number, all: boolean, run: () => unknown): Promise<unknown> {
    try {
      await this.#during(n, all ? Infinity : n, run);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #during(first: number, last: number, run: () => unknown): Promise<void> {
    this.#calls = 0;
    this.#first = first;
    this.#last = last;
    this.#active = true;
    try {
      await run();
    } finally {
      this.#active = false;
    }
  }

  [Symbol.dispose](): void {
    for (const { owner, name, value } of this.#originals) Reflect.set(owner, name, value);
  }
}
