/** A module that makes whole batches of parts of one array, which it must be able to keep. */
import type { Words } from "../../datasets/mod.ts";

const squares = Float32Array.from({ length: 100 }, (_, i) => i * i);

/** The squares of the indices, a part of all squares, and what else it was given. */
export function batch(indices: Uint32Array, key: Words, options: unknown): unknown {
  return { squares: Float32Array.from(indices, (index) => squares[index]), all: squares.subarray(2, 4), key, options };
}
