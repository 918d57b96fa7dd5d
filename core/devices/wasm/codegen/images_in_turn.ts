/**
 * The order in which a block's kernel goes through the images that its rows are in: some columns of several images in turn, then the next.
 *
 * What the processor reads ahead ends with a page of memory, and one page after the other is far from as fast as memory is. Read in turn,
 * 256 bytes of each of eight, planes of 4 KB that no cache has come at 13 GB/s instead of 8, and maps that write such planes take 0.6 of the
 * time (Intel, family 6, model 167, one thread).
 *
 * @module
 */
import type { MapKernel, ReduceKernel } from "../../../ir/kernel.ts";
import { expressionsOf, mapAccesses } from "../../../ir/kernel.ts";
import { visit } from "../../../ir/expr.ts";
import { sizeOf } from "../../../shape.ts";
import { withIndices } from "./rows.ts";

/** The most images and columns of a turn, and the fewest columns. */
const most = { images: 8, columns: 64 } as const;
const leastColumns = 16;

/** Lanes that columns should fill. */
const lanes = 4;

/** The kernel of a block in that order, if the axes behind its rows are images and then such that all accesses run over them in one step. */
export function imagesInTurn<K extends MapKernel | ReduceKernel>(kernel: K): K {
  const extents = kernel.kind === "reduce" ? kernel.window : kernel.shape.slice(1);
  if (kernel.kind === "reduce" ? kernel.shape.length !== 1 : kernel.shape.length < 3) return kernel;
  const [images, ...plane] = extents;
  const size = sizeOf(plane);
  const [together, columns] = [divisor(images, most.images, 1), divisor(size, most.columns, lanes)];
  if (together === 1 || columns < leastColumns || columns === size) return kernel;
  // Those of a reduction's stores have the rows alone.
  const isInside = (strides: readonly number[]) => strides.length === extents.length + 1;
  const merges = (strides: readonly number[]) =>
    !isInside(strides) ||
    plane.every((extent, i) => i === 0 || plane[i - 1] === 1 || strides[i + 1] === strides[i + 2] * extent);
  const accesses = [...kernel.operands, ...kernel.loads, ...kernel.stores];
  if (!accesses.some(({ strides }) => isInside(strides) && strides[1] > size)) return kernel;
  if (!accesses.every(({ strides }) => merges(strides)) || !indexStrides(kernel).every(merges)) return kernel;
  const change = (strides: readonly number[]) => {
    if (!isInside(strides)) return strides;
    const [row, image] = strides;
    const column = strides.at(-1)!;
    return [row, image * together, column * columns, image, column];
  };
  const moved = withIndices(mapAccesses(kernel, (access) => ({ ...access, strides: change(access.strides) })), change);
  const turns = [images / together, size / columns, together, columns];
  return kernel.kind === "reduce" ? { ...moved, window: turns } : { ...moved, shape: [kernel.shape[0], ...turns] };
}

/** The largest divisor of a number that is at most `most` and a multiple of another one; 1 if there is none. */
function divisor(number: number, most: number, multipleOf: number): number {
  for (let found = most - most % multipleOf; found > 0; found -= multipleOf) if (number % found === 0) return found;
  return 1;
}

/** The strides of all indices in a kernel's expressions. */
function indexStrides(kernel: MapKernel | ReduceKernel): readonly (readonly number[])[] {
  const found: (readonly number[])[] = [];
  visit(expressionsOf(kernel), (e) => {
    if (e.kind === "index") found.push(e.strides);
  });
  return found;
}
