/**
 * What an example is to a loader.
 *
 * @module
 */
import type { TypedArray } from "../../core/dtype.ts";

/** One example: typed arrays by name. */
export type Example = Readonly<Record<string, TypedArray>>;
