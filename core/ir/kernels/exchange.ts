/**
 * Exchanging values with other processes.
 *
 * @module
 */
import { type Access, contiguous, type KernelBase, type KernelKind } from "./base.ts";
import type { Exchange } from "../exchange.ts";

/** The host fills the target from the operand. The domain is [elements of the target]; there is no result, and no stores follow. */
export interface ExchangeKernel extends KernelBase {
  readonly kind: "exchange";
  readonly exchange: Exchange;
  /** Elements of the operand. */
  readonly size: number;
  readonly operands: readonly [source: Access];
  /** Contiguous: what is written. */
  readonly target: Access;
}

export const exchangeKind: KernelKind<ExchangeKernel> = {
  operands: ({ size }) => [contiguous(size)],
  target: ({ shape }) => shape,
  reduced: () => [],
  flops: () => 0,
  results: () => [],
  rank: 1,
  details: ({ exchange }) => ` ${exchange.label}`,
};
