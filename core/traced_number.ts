/**
 * A number that a jitted function was called with, while it is traced: it stands for every number that may be passed in its place.
 *
 * Operations take it as the literal that it is without `jit`: it becomes a scalar of the type that it meets, converted from the number
 * itself at each call. What follows from the value (whether it is whole, whether there is such a position) is asked here, and the program
 * is one for numbers with the same answers. To JavaScript it must not look like a number at all: what is computed from it
 * outside of operations would be computed once and for all.
 *
 * @module
 */
import type { DType } from "./dtype.ts";
import { TraceError } from "./errors.ts";
import { nameClasses } from "./quoted.ts";

/** Something asked about a number, and what the answer was when the function was traced. */
interface Asked {
  readonly question: (value: number) => unknown;
  readonly answer: unknown;
}

/** What a specialization requires of a number: the same answers to all that was asked. */
export type Questions = readonly Asked[];

/** Makes the scalar of a type that holds the number in the traced function. */
type MakeScalar<T> = (dtype: DType, weak: boolean) => T;

export let scalarOf: <T>(number: TracedNumber<T>, dtype: DType, weak?: boolean) => T;
export let questionsOf: (number: TracedNumber<unknown>) => Questions;
let answerOf: <A>(number: TracedNumber<unknown>, name: string, question: (value: number) => A) => A;

/**
 * What stands for a number argument inside a jitted function. Every operation that takes a number takes it; as a JavaScript
 * number it cannot be used.
 */
export class TracedNumber<T> {
  readonly #value: number;
  readonly #argument: number;
  readonly #path: string;
  readonly #make: MakeScalar<T>;
  readonly #scalars = new Map<string, T>();
  readonly #questions = new Map<string, Asked>();

  static {
    scalarOf = (number, dtype, weak = false) => {
      const key = `${dtype} ${weak}`;
      const known = number.#scalars.get(key);
      if (known) return known;
      const made = number.#make(dtype, weak);
      number.#scalars.set(key, made);
      return made;
    };
    questionsOf = (number) => [...number.#questions.values()];
    answerOf = <A>(number: TracedNumber<unknown>, name: string, question: (value: number) => A): A => {
      const asked = number.#questions.get(name);
      if (asked) return asked.answer as A;
      const answer = question(number.#value);
      number.#questions.set(name, { question, answer });
      return answer;
    };
    // Whatever a number has (toFixed), or a list that might stand in its place (map).
    Object.setPrototypeOf(
      this.prototype,
      new Proxy({}, {
        get(_, key, receiver) {
          if (receiver instanceof TracedNumber) receiver.#refuse(`${String(key)} of`);
          return undefined;
        },
      }),
    );
  }

  /** For `jit` only. */
  constructor(value: number, argument: number, path: string, make: MakeScalar<T>) {
    this.#value = value;
    this.#argument = argument;
    this.#path = path;
    this.#make = make;
    Object.freeze(this);
  }

  #refuse(what: string): never {
    const place = `argument ${this.#argument}${this.#path && ` at "${this.#path}"`}`;
    throw new TraceError(
      `Cannot use ${what} ${place} of a jitted function as of a JavaScript number: it is traced, so that another number compiles ` +
        `nothing. Compute with operations (add, gt, where, take, ...), or make it part of the program, which is then compiled for each ` +
        `value: jit(f, { static: [${this.#argument}] })`,
      { transform: "jit", argument: this.#argument, path: this.#path },
    );
  }

  /** Guards against `n + 1`, `n > 0`, `list[n]` and text. */
  [Symbol.toPrimitive](): never {
    this.#refuse("the value of");
  }

  /** Guards against its disappearing in JSON. */
  toJSON(): never {
    this.#refuse("the value of");
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return `TracedNumber(argument ${this.#argument}${this.#path && ` at "${this.#path}"`})`;
  }
}

nameClasses({ TracedNumber });

/**
 * The answer to a question about a number. If it is a traced one, the program is for those with the same answer only, so ask for no
 * more than is needed: whether, not which.
 *
 * @param name Of the question, with all that it depends on: what was asked before is not asked again.
 * @param question May throw: then no program comes about.
 */
export function ask<A>(x: number | TracedNumber<unknown>, name: string, question: (value: number) => A): A {
  return x instanceof TracedNumber ? answerOf(x, name, question) : question(x);
}

/** Whether a number gives the same answers. */
export function answersEqually(questions: Questions, value: number): boolean {
  for (const { question, answer } of questions) {
    try {
      if (!Object.is(question(value), answer)) return false;
    } catch {
      return false;
    }
  }
  return true;
}
