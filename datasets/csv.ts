/**
 * Tables of the user's: text with a row a line, its values separated by commas or otherwise.
 *
 * @module
 */
import { argument, aString, isRecord, type Kind, kindOf, stringList } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import type { DatasetTask } from "./errors.ts";
import type { ColumnType, CsvOptions, CsvSet } from "./tables/types.ts";

const columnTypes = ["f32", "i32", "category", "skip"];
const columnKind: Kind<Readonly<Record<string, ColumnType>>> = kindOf(
  'a record of "f32", "i32", "category", "skip" or a list of categories, by column',
  (value) =>
    isRecord(value) && Object.values(value).every((type) => columnTypes.includes(type as string) || stringList.holds(type)),
);
const headerKind: Kind<boolean | readonly string[]> = kindOf(
  "a boolean or a list of names",
  (value) => typeof value === "boolean" || stringList.holds(value),
);
const missingKind: Kind<"refuse" | "skip" | number> = kindOf(
  '"refuse", "skip" or a number',
  (value) => value === "refuse" || value === "skip" || typeof value === "number",
);
const delimiterKind: Kind<string> = kindOf(
  "text without quotes and ends of lines",
  (value) => typeof value === "string" && /^[^"\r\n]+$/.test(value),
  "string",
);
const sourceKind: Kind<string | { readonly text: string }> = kindOf(
  "a path, or { text }",
  (value) => typeof value === "string" || (isRecord(value) && typeof value.text === "string" && Object.keys(value).length === 1),
);

const csvOptions = optionTable<CsvOptions>({
  header: headerKind,
  columns: columnKind,
  label: aString,
  missing: missingKind,
  missingMarks: stringList,
  delimiter: delimiterKind,
});

/**
 * A table of comma-separated values as a set of arrays, for `split`, `batches` and `loader`.
 *
 * Columns of "f32" become the array `features` [rows, columns]; those of "i32" and of categories the i32 array `categories` [rows, columns], if
 * there are any; the label becomes `labels`. Categories are numbered in the order of their names (numbers by size), or of the list that is given
 * for their column: a second table needs the same list. Values may be in double quotes; spaces around them and empty lines do not count.
 *
 * @param source The path of a file in UTF-8, or `{ text }`.
 * @returns A task. It gives Left with the line and the column of what is no value of its column's type, is missing, or is one too many; or if the
 * file cannot be read.
 * @throws {OptionError} If there is no option of a name.
 * @throws {TypeError} If an option is of another kind.
 * @see RFC 4180
 * @example
 * ```ts
 * import { datasets } from "../mod.ts";
 * const text = "petal,color,species\n1.4,red,setosa\n4.7,blue,versicolor\n?,red,setosa\n";
 * const read = await datasets.csv({ text }, { label: "species", columns: { color: "category" }, missing: NaN })();
 * if (read._tag === "Left") throw new Error(read.left.message);
 * const { arrays, classNames, featureNames } = read.right;
 * console.log(featureNames, [...arrays.features]); // ["petal"] [1.4, 4.7, NaN]
 * console.log(classNames, [...arrays.labels]); // ["setosa", "versicolor"] [0, 1, 0]
 * console.log([...arrays.categories]); // [1, 0, 1]
 * ```
 */
export function csv<const O extends CsvOptions>(
  source: string | { readonly text: string },
  options: O = {} as O,
): DatasetTask<CsvSet<O>> {
  argument(source, sourceKind, "source", "csv");
  const checked: CsvOptions = checkOptions(options, csvOptions, "csv");
  return async () =>
    await (await import("./tables/read_table.ts")).readTable(source, checked) as Awaited<ReturnType<DatasetTask<CsvSet<O>>>>;
}
