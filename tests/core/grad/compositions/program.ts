/**
 * Random programs: transforms inside each other, with operations before, within and after, on arguments that are batched, shared or
 * captured, in lists and records.
 *
 * A program is numbers only, and every number means something whatever the others are (a variable is chosen by a remainder, what does not
 * fit is made to), so a failing program can be made smaller.
 *
 * @module
 */
import { fc } from "../../../../dev_deps.ts";

/** One operation: which, on which variables (counted from the newest), and a number for its details. */
export interface Step {
  readonly op: number;
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

/** The transforms that a program may have. */
export const transforms = ["jit", "checkpoint", "custom", "vmap", "scan", "vjp", "jvp", "grad", "jacobian", "hessian"] as const;
export type Transform = typeof transforms[number];

/** The body of a function: operations, then a transform of a function, if any, and operations on its results. */
export interface Body {
  readonly before: readonly Step[];
  /** What is returned beside the result: nothing, a constant, or a variable as it is (an argument, something captured, the result again). */
  readonly beside: number;
  readonly inner?: Inner;
}

/** A transform, how it is called and what its function does. */
export interface Inner {
  readonly transform: Transform;
  /** The variables that are its arguments. */
  readonly picks: readonly number[];
  /** Whether an integer, and a stored number, are arguments and results, too. */
  readonly integer: boolean;
  readonly stored: boolean;
  /** How arguments and results lie in trees. */
  readonly forms: readonly [number, number];
  /** For its axes, lengths, factors. */
  readonly k: number;
  readonly m: number;
  readonly body: Body;
  readonly after: readonly Step[];
}

/** A program and whether derivatives of its results are results, too. */
export interface Program {
  readonly body: Body;
  readonly gradient: boolean;
}

const number = fc.nat(11);
const step: fc.Arbitrary<Step> = fc.record({ op: fc.nat(99), x: number, y: number, k: number });

/** Programs with these transforms inside each other, the outermost first. */
export function programs(names: readonly Transform[]): fc.Arbitrary<Program> {
  return fc.record({ body: bodies(names), gradient: fc.boolean() });
}

function bodies([transform, ...rest]: readonly Transform[]): fc.Arbitrary<Body> {
  const before = fc.array(step, { minLength: transform ? 0 : 1, maxLength: transform ? 2 : 5 });
  if (!transform) return fc.record({ before, beside: number });
  const inner = fc.record({
    transform: fc.constant(transform),
    picks: fc.array(number, { minLength: 1, maxLength: 3 }),
    integer: fc.boolean(),
    stored: fc.boolean(),
    forms: fc.tuple(number, number),
    k: number,
    m: number,
    body: bodies(rest),
    after: fc.array(step, { maxLength: 2 }),
  });
  return fc.record({ before, beside: number, inner });
}
