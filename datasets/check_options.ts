/**
 * Checks of the options by which data sets are loaded.
 *
 * @module
 */
import { aFunction, aString, flag, type Kind, kindOf, stringList } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import type { DatasetOptions } from "./options.ts";

/** The longest time that a timer can wait, in milliseconds. */
const longest = 2 ** 31 - 1;

const timeout: Kind<number> = kindOf(
  `from 1 to ${longest} milliseconds`,
  (value) => typeof value === "number" && value >= 1 && value <= longest,
  "number",
);

const datasetOptions = optionTable<DatasetOptions>({
  folder: aString,
  download: flag,
  onProgress: aFunction(),
  mirrors: stringList,
  stallTimeout: timeout,
});

/** The options. Throws if there is no option of a name, or a value is of another kind or out of its range. */
export function checkedOptions(options: DatasetOptions, what: string): DatasetOptions {
  return checkOptions(options, datasetOptions, what);
}
