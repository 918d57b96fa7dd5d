/**
 * The bits of numbers: reading them as another type, and the Threefry hash that all randomness comes from.
 *
 * @module
 */
import * as expr from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import { deviceBytes, type DType, isBool } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import type { Op, Tensor } from "../tensor.ts";
import { broadcastAll } from "./arguments.ts";
import { apply, elementwise, type ElementwiseOp, noJvp, noVjp, sameDType } from "./define.ts";

export const bitcastOp: Op<{ readonly dtype: DType }> = {
  name: "bitcast",
  shape: ([x]) => x,
  dtype: ([x], { dtype }) => {
    if (![x, dtype].every((each) => deviceBytes(each) === 4 && !isBool(each))) {
      throw new DTypeError(`Cannot read the bits of ${x} as ${dtype}: both must have 32 bits`, { from: x, to: dtype });
    }
    return dtype;
  },
  vjp: noVjp,
  jvp: noJvp,
  vmap: ([x], _, { dtype }) => bitcast(x, dtype),
  lower: { kind: "elementwise", expr: ([x], { dtype }) => expr.bitcast(dtype as expr.ScalarType, x) },
};

/** The same 32 bits read as another type. */
export function bitcast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(bitcastOp, [x], { dtype });
}

/** The type of keys, counters and random bits. */
export const hashType = "u32";

const rotations = [[13, 15, 26, 6], [17, 29, 16, 24]];

/** Both words of Threefry-2x32 with 20 rounds, as scalar expressions. */
function threefryWords(k0: Expr, k1: Expr, c0: Expr, c1: Expr): readonly [Expr, Expr] {
  const add = (x: Expr, y: Expr | number) => expr.binary("add", x, y);
  const rotate = (x: Expr, by: number) => expr.binary("or", expr.binary("shl", x, by), expr.binary("shr", x, 32 - by));
  const keys = [k0, k1, expr.binary("xor", expr.binary("xor", k0, k1), 0x1bd11bda)];
  let [x, y] = [add(c0, k0), add(c1, k1)];
  for (let group = 0; group < 5; group++) {
    for (const by of rotations[group % 2]) {
      x = add(x, y);
      y = expr.binary("xor", rotate(y, by), x);
    }
    x = add(x, keys[(group + 1) % 3]);
    y = add(add(y, keys[(group + 2) % 3]), group + 1);
  }
  return [x, y];
}

function threefryWord(word: 0 | 1): ElementwiseOp {
  return elementwise({
    name: `threefry${word}`,
    domain: "integer",
    dtype: (inputs) => {
      if (sameDType(inputs) !== hashType) {
        throw new DTypeError(`Cannot hash tensors of type ${inputs[0]}: ${hashType} is needed`, { dtypes: inputs });
      }
      return hashType;
    },
    partials: [undefined, undefined, undefined, undefined],
    lower: (...args) => threefryWords(args[0], args[1], args[2], args[3])[word],
  });
}

export const threefry0Op: ElementwiseOp = threefryWord(0);
export const threefry1Op: ElementwiseOp = threefryWord(1);

/**
 * Threefry-2x32 with 20 rounds: hashes a 64-bit counter by a 64-bit key, both as two u32 tensors that broadcast.
 *
 * @see Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011
 */
export function threefry2x32(key: readonly [Tensor, Tensor], counter: readonly [Tensor, Tensor]): [Tensor, Tensor] {
  const inputs = broadcastAll([...key, ...counter], "hash");
  return [apply(threefry0Op, inputs, undefined), apply(threefry1Op, inputs, undefined)];
}
