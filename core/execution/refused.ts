/**
 * What types can say about numbers in a jitted function: where its parameters are declared as `number`, JavaScript could compare and index with
 * them, which a traced number does not allow. So a call that passes one is refused, unless the argument is static.
 *
 * @module
 */
import type { Tensor } from "../tensor.ts";
import type { TracedNumber } from "../traced_number.ts";

/** Why a call of a jitted function has a type error. */
export type Refusal =
  "a number is traced inside jit: declare it as Scalar or TensorLike, or name the argument in { static: [...] }";

/** The arguments of a jitted function, those that hold numbers it could not see as such refused. */
export type Refused<A extends unknown[], S extends readonly number[]> = {
  [K in keyof A]: K extends `${S[number]}` ? A[K] : true extends HoldsNumber<A[K]> ? Refusal : A[K];
};

/** Nothing is required of a function that some arguments are refused for, what cannot be given of all others. */
export type HoldsRefused<A extends unknown[], S extends readonly number[]> = true extends
  { [K in keyof A]: K extends `${S[number]}` ? false : HoldsNumber<A[K]> }[number] ? unknown : never;

/**
 * Whether a type, or a member of a union, holds `number` where neither a traced number nor a tensor may be, as far as a few levels down.
 * Where one of these may be, too, types do not let JavaScript calculate.
 */
export type HoldsNumber<X, Traced = MayBeTraced<X>, Depth extends 0[] = []> = 0 extends 1 & X ? false // any
  : Depth["length"] extends 4 ? false
  : X extends number ? (Traced extends true ? false : true)
  : X extends string | boolean | bigint | symbol | null | undefined ? false
  : X extends Tensor | TracedNumber<Tensor> | ((...args: never[]) => unknown) ? false
  : X extends readonly (infer Item)[] ? HoldsNumber<Item, MayBeTraced<Item>, [...Depth, 0]>
  : true extends { [K in keyof X]-?: HoldsNumber<X[K], MayBeTraced<X[K]>, [...Depth, 0]> }[keyof X] ? true
  : false;

/** Whether a traced number or a tensor may be in this place. */
export type MayBeTraced<X> = TracedNumber<Tensor> extends X ? true : Tensor extends X ? true : false;
