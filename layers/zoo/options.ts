/**
 * What the larger networks have in common.
 *
 * @module
 */

/** Options of the networks. */
export interface NetworkOptions {
  /** How many classes there are. Default 10. */
  readonly classes?: number;
  /** Divides the number of features of every layer but the last: 8 makes a network that trains on a small machine. Default 1. */
  readonly ratio?: number;
}
