/**
 * What the larger networks have in common.
 *
 * @module
 */
import { positive } from "../../core/ranges.ts";

/** Options of the networks. */
export interface NetworkOptions {
  /** How many classes there are. Default 10. */
  readonly classes?: number;
  /** Divides the number of features of every layer but the last: 8 makes a network that trains on a small machine. Default 1. */
  readonly ratio?: number;
}

/** Divides numbers of features by a ratio; at least 1 is left. */
export function divider(ratio: number): (features: number) => number {
  positive(ratio, "ratio");
  return (features) => Math.max(1, Math.floor(features / ratio));
}
