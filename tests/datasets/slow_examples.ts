/** A module that a loader imports: examples that take their time, the earlier ones longer, and fail where the options say so. */
import process from "node:process";
import { randomStream, type Words } from "../../datasets/mod.ts";

/** What a test asks for. */
export interface SlowOptions {
  /** Milliseconds that the first example takes; later ones take less. */
  readonly slow?: number;
  /** The example that cannot be made. */
  readonly broken?: number;
  /** The example at which the thread ends. */
  readonly deadly?: number;
  /** Counts the examples that were begun. */
  readonly begun?: Int32Array;
}

/** An example: its number, and two draws from its key. */
export async function example(
  index: number,
  key: Words,
  { slow = 0, broken, deadly, begun }: SlowOptions = {},
): Promise<{ index: Int32Array; noise: Float64Array }> {
  if (begun) Atomics.add(begun, 0, 1);
  if (index === broken) throw new RangeError(`example ${index} is broken`);
  if (index === deadly) process.exit(0);
  if (slow > 0) await new Promise((resolve) => setTimeout(resolve, slow / (1 + index)));
  const random = randomStream(key);
  return { index: Int32Array.of(index), noise: Float64Array.of(random.uniform(), random.uniform()) };
}
