/**
 * The options that all convolution layers have.
 *
 * @module
 */
import type { InitOptions } from "./init.ts";

/** Options that all convolution layers have. */
export interface ChannelOptions<B extends boolean = true> extends InitOptions {
  /** How many channels come out. */
  readonly features: number;
  /**
   * Number of independent groups that the channels are split into; input and output channels must be divisible by it. Default 1.
   */
  readonly groups?: number;
  /** Whether a number is added to each output channel. Default true. */
  readonly bias?: B;
}
