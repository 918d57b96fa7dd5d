/**
 * Checks of the options by which data sets are loaded.
 *
 * @module
 */
import type { DatasetOptions } from "./options.ts";

/** The longest time that a timer can wait, in milliseconds. */
const longest = 2 ** 31 - 1;

/** The options. Throws a RangeError if one is out of its range. */
export function checkedOptions(options: DatasetOptions): DatasetOptions {
  const { stallTimeout = 1 } = options;
  if (!(stallTimeout >= 1 && stallTimeout <= longest)) {
    throw new RangeError(`stallTimeout must be from 1 to ${longest} milliseconds, but is ${stallTimeout}`);
  }
  return options;
}
