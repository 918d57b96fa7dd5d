/**
 * Checks of the options by which data sets are loaded.
 *
 * @module
 */
import { aFunction, aString, flag, real, stringList } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import type { DatasetOptions } from "./options.ts";

const datasetOptions = optionTable<DatasetOptions>({
  folder: aString,
  download: flag,
  onProgress: aFunction(),
  mirrors: stringList,
  stallTimeout: real,
});

/** The longest time that a timer can wait, in milliseconds. */
const longest = 2 ** 31 - 1;

/** The options. Throws if there is no option of a name, or a value is of another kind or out of its range. */
export function checkedOptions(options: DatasetOptions, what: string): DatasetOptions {
  const { stallTimeout = 1 } = checkOptions(options, datasetOptions, what);
  if (!(stallTimeout >= 1 && stallTimeout <= longest)) {
    throw new RangeError(`stallTimeout must be from 1 to ${longest} milliseconds, but is ${stallTimeout}`);
  }
  return options;
}
