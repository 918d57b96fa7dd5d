/**
 * How networks are made smaller.
 *
 * @module
 */
import { positive } from "../../core/ranges.ts";

/** Divides numbers of features by a ratio; at least 1 is left. */
export function divider(ratio: number): (features: number) => number {
  positive(ratio, "ratio");
  return (features) => Math.max(1, Math.floor(features / ratio));
}
