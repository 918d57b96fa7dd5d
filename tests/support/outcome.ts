/**
 * What comes of a call, as text: results with their types, shapes and values, or the error; to compare two ways of calling.
 *
 * @module
 */
import { data, Tensor } from "../../mod.ts";

/** The outcome of a call; `write` says how numbers are written (by default all their digits, NaN and -0 as such). */
export async function outcomeOf(call: () => unknown, write = exactly): Promise<string> {
  try {
    return await described(call(), write);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `${error.name}: ${error.message}`;
  }
}

/** All digits. */
export function exactly(value: number): string {
  return Object.is(value, -0) ? "-0" : `${value}`;
}

/** As many digits as two programs for one function have in common. */
export function roughly(value: number): string {
  return Math.abs(value) < 1e-30 ? "0" : value.toPrecision(5);
}

async function described(result: unknown, write: (value: number) => string): Promise<string> {
  if (result instanceof Tensor) {
    const values = Array.from(await data(result), write);
    return `${result.dtype}[${result.shape}] ${values}`;
  }
  if (typeof result === "number") return exactly(result);
  if (Array.isArray(result)) return `[${(await Promise.all(result.map((each) => described(each, write)))).join("; ")}]`;
  if (typeof result === "object" && result !== null) {
    const entries = Object.entries(result).map(async ([key, value]) => `${key}: ${await described(value, write)}`);
    return `{ ${(await Promise.all(entries)).join("; ")} }`;
  }
  return `${typeof result} ${String(result)}`;
}
