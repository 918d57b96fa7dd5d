/**
 * From text to arrays: what `csv` does when its task is run.
 *
 * @module
 */
import { Either } from "../../deps.ts";
import { quoted, reasonOf } from "../../core/quoted.ts";
import { arrays, type ArraySet } from "../arrays.ts";
import type { ColumnType, CsvOptions } from "./types.ts";
import type { DatasetError } from "../errors.ts";
import { badTable, readFailed, tableNotFound } from "../failures.ts";
import { permitted, reading } from "../../core/permissions.ts";
import { type Column, columnReader, TableError } from "./columns.ts";

/** The rows of a table with the lines in which they end. */
interface Rows {
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly number[];
}

/** A set of arrays with the names of what is in them. */
interface Table extends ArraySet {
  readonly featureNames: readonly string[];
  readonly categoryNames: readonly { readonly column: string; readonly names: readonly string[] }[];
  readonly classNames: readonly string[];
}

/** See `csv`. */
export async function readTable(
  source: string | { readonly text: string },
  options: CsvOptions,
): Promise<Either.Either<DatasetError, Table>> {
  const file = typeof source === "string" ? source : "that is given as text";
  const text = typeof source === "string" ? await textOf(source) : Either.right(source.text);
  if (Either.isLeft(text)) return text;
  try {
    return Either.right(tableOf(await rowsOf(text.right, options.delimiter ?? ","), options));
  } catch (error) {
    if (error instanceof TableError) return Either.left(badTable(file, error.message, error.line, error.column));
    throw error;
  }
}

async function textOf(path: string): Promise<Either.Either<DatasetError, string>> {
  const allowed = permitted([reading(path)], `read the table ${path}`);
  if (Either.isLeft(allowed)) return allowed;
  try {
    return Either.right(new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path)));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return Either.left(tableNotFound(path));
    return Either.left(cause instanceof TypeError ? badTable(path, "it is not text in UTF-8") : readFailed(path, cause));
  }
}

async function rowsOf(text: string, delimiter: string): Promise<Rows> {
  const { parseCsv } = await import("./deps.ts");
  const lines: number[] = [];
  try {
    const rows = parseCsv(text, {
      bom: true,
      delimiter,
      skip_empty_lines: true,
      trim: true,
      on_record: (row: string[], { lines: line }: { lines: number }) => (lines.push(line), row),
    });
    return { rows, lines };
  } catch (error) {
    // The line is among the facts, and once more at the end of the sentence.
    const line = (error as { lines?: unknown }).lines;
    throw new TableError(reasonOf(error).replace(/ (on|at) line \d+/, ""), typeof line === "number" ? line : undefined);
  }
}

function tableOf({ rows, lines }: Rows, options: CsvOptions): Table {
  const { header = true, missing = "refuse", missingMarks = ["", "NA", "NaN", "nan", "null", "?"] } = options;
  if (rows.length === 0) throw new TableError("it has no rows");
  const width = rows[0].length;
  const names = header === true ? rows[0] : header === false ? rows[0].map((_, i) => String(i)) : header;
  if (names.length !== width) throw new TableError(`${names.length} columns are named, but there are ${width}`, lines[0]);
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) throw new TableError("two columns have one name", header === true ? lines[0] : undefined, twice);
  const types = typesOf(names, options);
  const first = header === true ? 1 : 0;
  if (rows.length === first) throw new TableError("it has no rows below the names of its columns");

  const isMissing = new Set(missingMarks);
  const readers = names.map((name, i) => columnReader(name, types[i], isMissing, missing));
  const kept: number[] = [];
  for (let row = first; row < rows.length; row++) {
    if (missing === "skip" && readers.some((reader, i) => reader.lacks(rows[row][i]))) continue;
    readers.forEach((reader, i) => reader.read(rows[row][i], lines[row]));
    kept.push(row);
  }
  if (kept.length === 0) throw new TableError(`each of its ${rows.length - first} rows lacks a value`);

  const columns = readers.map((reader) => reader.done());
  const others = columns.filter(({ name }) => name !== options.label);
  const features = others.filter(({ type }) => type === "f32");
  const whole = others.filter(({ type }) => type === "i32");
  const label = columns.find(({ name }) => name === options.label);
  const set = arrays({
    features: matrix(features, kept.length, Float32Array),
    ...(whole.length > 0 ? { categories: matrix(whole, kept.length, Int32Array) } : {}),
    ...(label ? { labels: label.type === "f32" ? Float32Array.from(label.values) : Int32Array.from(label.values) } : {}),
  });
  return {
    ...set as unknown as ArraySet,
    featureNames: features.map(({ name }) => name),
    categoryNames: whole.map(({ name, names }) => ({ column: name, names })),
    classNames: label?.names ?? [],
  };
}

/** The type of each column. */
function typesOf(names: readonly string[], { columns = {}, label }: CsvOptions): readonly ColumnType[] {
  const given = new Map(Object.entries(columns));
  const known = new Set(names);
  for (const name of [...given.keys(), ...(label === undefined ? [] : [label])]) {
    if (!known.has(name)) throw new TableError(`it has no such column, but ${quoted(names)}`, undefined, name);
  }
  if (label !== undefined && given.get(label) === "skip") throw new TableError("the label cannot be skipped", undefined, label);
  return names.map((name) => given.get(name) ?? (name === label ? "category" : "f32"));
}

/** Columns side by side: [rows, columns]. */
function matrix<A extends Float32Array | Int32Array>(columns: readonly Column[], rows: number, make: new (length: number) => A) {
  const data = new make(rows * columns.length);
  columns.forEach(({ values }, j) => {
    for (let i = 0; i < rows; i++) data[i * columns.length + j] = values[i];
  });
  return { shape: [rows, columns.length], data };
}
