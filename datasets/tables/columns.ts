/**
 * The values of one column of a table: numbers, or the numbers of categories.
 *
 * @module
 */
import { quoted } from "../../core/quoted.ts";
import type { ColumnType } from "./types.ts";

/** What is wrong with a table, and where. */
export class TableError extends Error {
  constructor(reason: string, readonly line?: number, readonly column?: string) {
    super(reason);
  }
}

/** A column that has been read. */
export interface Column {
  readonly name: string;
  readonly type: "f32" | "i32" | "skip";
  readonly values: readonly number[];
  /** The names of its categories in the order of their numbers; none, if it has numbers. */
  readonly names: readonly string[];
}

/** Reads a column value by value. */
export interface ColumnReader {
  /** Whether a value is missing. */
  lacks(value: string): boolean;
  /** Takes the value of the next row. */
  read(value: string, line: number): void;
  /** What has been read. */
  done(): Column;
}

/** A reader of a column of some type; `missing` is what stands for a missing value, if that is a number. */
export function columnReader(
  name: string,
  type: ColumnType,
  marks: ReadonlySet<string>,
  missing: "refuse" | "skip" | number,
): ColumnReader {
  if (type === "skip") return { lacks: () => false, read: () => {}, done: () => ({ name, type, values: [], names: [] }) };
  const known = typeof type === "string" ? undefined : new Map(type.map((category, i) => [category, i]));
  const lacks = (value: string) => marks.has(value) && !known?.has(value);
  const values: number[] = [];
  const found = new Map<string, number>();
  const fail = (reason: string, line: number) => new TableError(reason, line, name);

  function number(value: string, line: number): number {
    if (lacks(value)) {
      if (typeof missing === "number") return checkedNumber(missing, quoted(missing), line);
      throw fail("a value is missing", line);
    }
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?inf(inity)?$/i.test(value)) {
      throw fail(`${quoted(value)} is no number`, line);
    }
    return checkedNumber(
      /inf/i.test(value) ? (value.startsWith("-") ? -Infinity : Infinity) : Number(value),
      quoted(value),
      line,
    );
  }
  function checkedNumber(x: number, shown: string, line: number): number {
    if (type === "i32" && x !== (x | 0)) throw fail(`${shown} is no integer of 32 bits`, line);
    if (Number.isFinite(x) && !Number.isFinite(Math.fround(x))) throw fail(`${shown} is too large for f32`, line);
    return x;
  }
  function category(value: string, line: number): number {
    if (lacks(value)) {
      throw fail(
        `a category is missing${typeof missing === "number" ? ', for which no number stands: use missing: "skip"' : ""}`,
        line,
      );
    }
    const at = (known ?? found).get(value);
    if (at !== undefined) return at;
    if (known) throw fail(`${quoted(value)} is none of its categories ${quoted([...known.keys()])}`, line);
    found.set(value, found.size);
    return found.size - 1;
  }
  const isNumber = type === "f32" || type === "i32";
  return {
    lacks,
    read: (value, line) => values.push(isNumber ? number(value, line) : category(value, line)),
    done() {
      if (isNumber) return { name, type, values, names: [] };
      if (known) return { name, type: "i32", values, names: [...known.keys()] };
      const names = inOrder([...found.keys()]);
      const place = new Map(names.map((each, i) => [found.get(each)!, i]));
      return { name, type: "i32", values: values.map((value) => place.get(value)!), names };
    },
  };
}

/** Names in order: by size, if all are numbers. */
function inOrder(names: readonly string[]): readonly string[] {
  const areNumbers = names.every((name) => name !== "" && Number.isFinite(Number(name)));
  return areNumbers ? names.toSorted((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1)) : names.toSorted();
}
