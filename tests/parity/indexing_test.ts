/**
 * Indexing by NumPy's rules with PyTorch's gradients, and PyTorch's functions that move elements, on every device.
 *
 * @module
 */
import { addAt, at, type Indices, pad, type PadOptions, repeat, roll, setAt, tensor, tile } from "../../mod.ts";
import stored from "../fixtures/indexing.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, testParity } from "./run.ts";

type Numbers = number | readonly number[];

/** The stored index; with `tensors` its lists as tensors of integers. */
function indicesOf({ indices, tensors }: OperationFixture["options"]): Indices {
  const list = indices as readonly (number[] | null)[];
  if (!tensors) return list;
  return list.map((entry) => Array.isArray(entry) ? tensor(entry, { dtype: "i32" }) : entry);
}

const calls: Readonly<Record<string, Call>> = {
  at: ({ x }, options) => at(x, indicesOf(options)),
  setAt: ({ x, value }, options) => setAt(x, indicesOf(options), value),
  addAt: ({ x, value }, options) => addAt(x, indicesOf(options), value),
  pad: ({ x }, options) => pad(x, options as unknown as PadOptions),
  roll: ({ x }, { shift, ...rest }) => roll(x, shift as Numbers, rest),
  repeat: ({ x }, { counts, ...rest }) => repeat(x, counts as Numbers, rest),
  tile: ({ x }, { counts }) => tile(x, counts as Numbers),
};

for (const section of ["indexing", "updates", "moves"] as const) {
  testParity(`${section} as in NumPy and PyTorch`, stored[section] as unknown as readonly OperationFixture[], {
    f32: 1e-6,
    calls,
  });
}
