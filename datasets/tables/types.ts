/**
 * What a table is read by, and what it becomes.
 *
 * @module
 */
import type { ArraySet } from "../arrays.ts";

/**
 * What is in a column: numbers for the features, whole numbers, names of categories (also a list of all that may be, in the order of their
 * numbers), or nothing of interest.
 */
export type ColumnType = "f32" | "i32" | "category" | "skip" | readonly string[];

/** Options of `csv`. */
export interface CsvOptions {
  /** Whether the first row has the names of the columns; without one they are "0", "1", ... or the names given here. Default true. */
  readonly header?: boolean | readonly string[];
  /** What is in the columns, by name. Default "f32", and "category" for the label. */
  readonly columns?: Readonly<Record<string, ColumnType>>;
  /** The column that is to be learned. Default: none. */
  readonly label?: string;
  /**
   * What to do about a missing value: nothing can be read then ("refuse"), its row is left out ("skip"), or this number stands for it, NaN say,
   * which no category does. Default "refuse".
   */
  readonly missing?: "refuse" | "skip" | number;
  /** How a missing value is written. Default nothing, "NA", "NaN", "nan", "null" and "?". */
  readonly missingMarks?: readonly string[];
  /** What is between values. Default ",". */
  readonly delimiter?: string;
}

/** No arrays. */
export type CsvNone = Readonly<Record<never, never>>;

/** The labels, if there are some: f32 if their column is of that type, otherwise i32. */
export type CsvLabels<O> = O extends { readonly label: infer L extends string }
  ? O extends { readonly columns: { readonly [K in L]: "f32" } } ? { readonly labels: Float32Array }
  : { readonly labels: Int32Array }
  : CsvNone;

/** The columns of whole numbers and categories other than the label. */
export type CsvCategoryColumns<O> = O extends { readonly columns: infer C }
  ? { [K in keyof C]: O extends { readonly label: K } ? never : C[K] extends "f32" | "skip" ? never : K }[keyof C]
  : never;

/** Those columns, if there are some. */
export type CsvCategories<O> = [CsvCategoryColumns<O>] extends [never] ? CsvNone : { readonly categories: Int32Array };

/** What of a table is to be learned from, and what is to be learned. */
export type CsvArrays<O> = { readonly features: Float32Array } & CsvLabels<O> & CsvCategories<O>;

/** A table as arrays, and what is in them. */
export interface CsvSet<O> extends ArraySet<CsvArrays<O>> {
  /** The columns of `features`. */
  readonly featureNames: readonly string[];
  /** The columns of `categories`, each with the names of its categories in the order of their numbers (none, if it has whole numbers). */
  readonly categoryNames: readonly { readonly column: string; readonly names: readonly string[] }[];
  /** The names of the classes, in the order of their labels; none, if labels are numbers. */
  readonly classNames: readonly string[];
}
