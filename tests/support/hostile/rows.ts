/**
 * The form of a table of functions with their parameters.
 *
 * @module
 */
import type { OptionParams, Param } from "./values.ts";

/** A function of the library by its path in `mod.ts`: `layers.zoo.vgg`. */
export interface Row {
  readonly params: readonly (Param | OptionParams)[];
  /** What is done with the result: a layer is applied, a schedule is asked for a rate. */
  readonly use?: (result: never) => unknown;
  /** What it does by default takes too long to be tried often. */
  readonly costly?: boolean;
}

/** Rows by path. */
export type Rows = Readonly<Record<string, Row>>;

/** A row from its parameters. */
export function row(...params: Row["params"]): Row {
  return { params };
}

/** A row whose result is used. */
export function used(use: Row["use"], ...params: Row["params"]): Row {
  return { params, use };
}

/** The same row for several functions. */
export function each(names: string, one: Row): Rows {
  return Object.fromEntries(names.trim().split(/\s+/).map((name) => [name, one]));
}

/** A row of a function whose defaults take long. */
export function costly(...params: Row["params"]): Row {
  return { params, costly: true };
}
