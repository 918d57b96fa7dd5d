/**
 * Exchanging values with other processes: floats as the doubles that they are here.
 *
 * @module
 */
import type { ExchangeKernel } from "../../ir/kernel.ts";
import { sizeOf } from "../../shape.ts";
import type { Memory } from "./evaluate.ts";

/** Fills the target of an exchange. */
export function exchange(
  { exchange, size, shape, operands: [source], target }: ExchangeKernel,
  memories: readonly Memory[],
): void {
  const from = memories[source.buffer].subarray(source.offset, source.offset + size);
  const to = memories[target.buffer].subarray(target.offset, target.offset + sizeOf(shape));
  exchange.start(from, to).wait();
}
