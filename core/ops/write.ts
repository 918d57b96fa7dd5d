/**
 * Writing rows over others at indices: the counterpart of `take`.
 *
 * The primitive writes rows [outer, count, inner] over those of x [outer, size, inner] that the indices [count] name, in their order: of
 * two rows at one index the last stays. Where nobody else needs x, as in a loop, only the rows are moved.
 *
 * @module
 */
import type { Tensor } from "../tensor.ts";
import { zerosLike } from "./creation.ts";
import { apply, batchAll, type Op } from "./define.ts";
import { reshape } from "./movement.ts";
import { survivors } from "./scatter.ts";
import { where } from "./select.ts";
import { joinRows, offsetByExample, splitRows, type TakeAttrs, takeOp } from "./take.ts";

export const writeOp: Op<TakeAttrs> = {
  name: "write",
  shape: ([x]) => x,
  dtype: ([x]) => x,
  vjp: (g, [, rows, indices], _, attrs) => {
    const taken = apply(takeOp, [g, indices], attrs);
    const stays = () => reshape(survivors(indices, attrs), [1, indices.size, 1]);
    const own = indices.size > 1 ? where(stays(), taken, zerosLike(rows)) : taken;
    return [apply(writeOp, [g, zerosLike(rows), indices], attrs), own, undefined];
  },
  jvp: ([tx, trows], [x, rows, indices], _, attrs) => {
    if (!tx && !trows) return undefined;
    return apply(writeOp, [tx ?? zerosLike(x), trows ?? zerosLike(rows), indices], attrs);
  },
  vmap: (inputs, [x, rows, indices], { size }, examples) => {
    const [all, written] = batchAll(inputs.slice(0, 2), [x, rows], examples);
    if (indices) {
      const attrs = { size: examples * size };
      return splitRows(apply(writeOp, [joinRows(all), joinRows(written), offsetByExample(inputs[2], size)], attrs), examples);
    }
    const merged = (each: Tensor) => reshape(each, [examples * each.shape[1], each.shape[2], each.shape[3]]);
    return reshape(apply(writeOp, [merged(all), merged(written), inputs[2]], { size }), all.shape);
  },
  lower: {
    kind: "kernel",
    over: true,
    build: ([source, indices], [[outer, size, inner], [, count]]) => ({
      kind: "write",
      shape: [outer, count, inner],
      outer,
      size,
      inner,
      count,
      source,
      indices,
    }),
  },
};
