/**
 * Kinds of values that arguments and options may have, for checks where values come in: programs without type checking may pass anything.
 *
 * @module
 */
import { checkDType, type DType, dtypes } from "./dtype.ts";
import { quoted } from "./quoted.ts";
import { isSharedBuffer } from "./runtime.ts";
import { refuseForeign, type Scalar, Tensor, type TensorLike } from "./tensor.ts";
import { ask, TracedNumber } from "./traced_number.ts";

/** A set of values. `T` is their type, exactly: a table of kinds by name fits only an interface with these types. */
export interface Kind<in out T> {
  /** What is needed, for messages: "a boolean". */
  readonly needs: string;
  /** Whether a value is of this kind. */
  holds(value: unknown): value is T;
  /** What `typeof` says of its values. One of that type that is not of the kind is out of range, another is of the wrong type. */
  readonly type?: "number" | "string";
}

/** A kind from its words and its test. */
export function kindOf<T>(needs: string, holds: (value: unknown) => boolean, type?: Kind<T>["type"]): Kind<T> {
  return { needs, holds: holds as (value: unknown) => value is T, type };
}

/** The error for a value that is not of a kind. */
export function notOfKind(value: unknown, kind: Kind<unknown>, call: string): Error {
  (Array.isArray(value) ? value : [value]).forEach(refuseForeign);
  // A traced number that is not even of the kind as a number.
  if (value instanceof TracedNumber && !ask(value, call, kind.holds)) {
    return ask(value, `${call} it`, (each) => notOfKind(each, kind, call));
  }
  const { needs, type } = kind;
  const given: string = typeof value;
  const error = given === type ? RangeError : TypeError;
  return new error(`Cannot call ${call} ${quoted(value)}: it must be ${needs}`);
}

const isReal = (value: unknown): boolean => typeof value === "number" && value === value;
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value);

/** Of an array, holes included, in which `every` skips. */
function all(value: unknown, holds: (item: unknown) => boolean): boolean {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) if (!holds(value[i])) return false;
  return true;
}

export const flag: Kind<boolean> = kindOf("a boolean", (value) => typeof value === "boolean");
export const real: Kind<number> = kindOf("a number, and not NaN", isReal, "number");
/** Also NaN, as elements of tensors may be. */
export const anyNumber: Kind<number> = kindOf("a number", (value) => typeof value === "number");
/** Part of arithmetic only, so that a traced number will do, or what has become of one. */
export const scalar: Kind<Scalar> = kindOf(
  "a number, and not NaN",
  (value) =>
    value instanceof TracedNumber
      ? ask(value, "is no NaN", isReal)
      : isReal(value) || value instanceof Tensor && value.weak && value.shape.length === 0,
  "number",
);
export const whole: Kind<number> = kindOf("an integer", isWhole, "number");
export const natural: Kind<number> = kindOf(
  "an integer of at least 0",
  (value) => isWhole(value) && (value as number) >= 0,
  "number",
);
export const naturalOrList: Kind<number | readonly number[]> = kindOf(
  "an integer of at least 0 or a list of them",
  (value) => natural.holds(value) || naturals.holds(value),
  "number",
);
export const wholes: Kind<number | readonly number[]> = kindOf(
  "an integer or a list of them",
  (value) => isWhole(value) || all(value, isWhole),
  "number",
);
export const wholeList: Kind<readonly number[]> = kindOf("a list of integers", (value) => all(value, isWhole));
export const numberList: Kind<readonly number[]> = kindOf(
  "a list of numbers",
  (value) => all(value, (item) => typeof item === "number" && item === item),
);
export const naturals: Kind<readonly number[]> = kindOf(
  "a list of integers of at least 0",
  (value) => all(value, (item) => isWhole(item) && (item as number) >= 0),
);
export const numberPair: Kind<readonly [number, number]> = kindOf(
  "two numbers",
  (value) => numberList.holds(value) && value.length === 2,
);
export const axisPair: Kind<readonly [number, number]> = kindOf(
  "two integers",
  (value) => all(value, isWhole) && (value as number[]).length === 2,
);
export const elementType: Kind<DType> = kindOf(dtypes.join(", "), (value) => {
  if (typeof value === "string") checkDType(value as DType);
  return typeof value === "string";
});
export const aString: Kind<string> = kindOf("a string", (value) => typeof value === "string");
export const stringList: Kind<readonly string[]> = kindOf(
  "a list of strings",
  (value) => all(value, (item) => typeof item === "string"),
);
export const tensors: Kind<Tensor> = kindOf("a tensor", (value) => value instanceof Tensor);
export const tensorLikes: Kind<TensorLike> = kindOf(
  "a tensor or a number",
  (value) => value instanceof Tensor || typeof value === "number" || value instanceof TracedNumber || typeof value === "boolean",
);

export const tensorList: Kind<readonly Tensor[]> = kindOf("a list of tensors", (value) => all(value, tensors.holds));
export const tensorLikeList: Kind<readonly TensorLike[]> = kindOf(
  "a list of tensors or numbers",
  (value) => all(value, tensorLikes.holds),
);
export const numbers: Kind<number | readonly number[]> = kindOf(
  "a number or a list of them",
  (value) => typeof value === "number" || all(value, (item) => typeof item === "number"),
);
export const arrayLike: Kind<ArrayLike<number>> = kindOf(
  "a list or typed array of numbers",
  (value) => ArrayBuffer.isView(value) && "length" in value || all(value, (item) => typeof item === "number"),
);
export const bytes: Kind<ArrayBufferLike | ArrayBufferView> = kindOf(
  "a buffer or a view of one",
  (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isSharedBuffer(value),
);

/** One of some values. */
export function oneOf<const T extends readonly unknown[]>(...values: T): Kind<T[number]> {
  return kindOf(
    values.map((value) => JSON.stringify(value)).join(" or "),
    (value) => values.includes(value),
    typeof values[0] === "string" ? "string" : "number",
  );
}

/** Any function of this type: what it takes and gives is found out when it is called. */
export function aFunction<F>(): Kind<F> {
  return kindOf("a function", (value) => typeof value === "function");
}

/** Whether a value is a record: an object of no class. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A record whose contents are checked where it is used. */
export function aRecord<R extends object>(): Kind<R> {
  return kindOf("a record", isRecord);
}

export const aList: Kind<readonly unknown[]> = kindOf("a list", Array.isArray);
export const aTree: Kind<object> = kindOf(
  "a tree of tensors: a record, a list or a tensor",
  (value) => value instanceof Tensor || Array.isArray(value) || isRecord(value),
);

/** What is checked, with a message of its own, where it is used. Nothing but `undefined` stands for a default. */
export function checkedInside<T>(): Kind<T> {
  return kindOf("something", (value) => value !== null);
}

/** Of a kind, or null, which means something. */
export function orNull<T>(kind: Kind<T>): Kind<T | null> {
  return kindOf(`${kind.needs} or null`, (value) => value === null || kind.holds(value), kind.type);
}

/**
 * An argument that is of a kind.
 *
 * @throws {TypeError} If it is not; `what` names the function and `name` the argument.
 */
export function argument<T>(value: T, kind: Kind<T>, name: string, what: string): T {
  if (kind.holds(value)) return value;
  throw notOfKind(value, kind as Kind<unknown>, `${what} with ${name}`);
}
