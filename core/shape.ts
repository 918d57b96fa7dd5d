/**
 * Shapes: broadcasting, axes and strides. Numbers only; nothing here knows of tensors.
 *
 * @module
 */
import { quoted } from "./quoted.ts";
import { ShapeError } from "./errors.ts";

/** The extents of a tensor's axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** How many elements an axis can have: as many as indices, which are i32, can count. */
export const longestAxis = 2 ** 31 - 1;

/**
 * Checks that every axis, and the whole, has a number of elements that can be counted: `make` says what cannot be done otherwise.
 *
 * @throws {ShapeError} If not.
 */
export function checkExtents(shape: Shape, make = "make a tensor"): void {
  let size = 1;
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] > longestAxis) refuse(shape, make, `an axis has at most ${longestAxis} elements, and indices are i32`);
    size *= shape[axis];
  }
  if (size > Number.MAX_SAFE_INTEGER) refuse(shape, make, `it has at most 2^53 - 1 elements, and would have ${size}`);
}

function refuse(shape: Shape, make: string, why: string): never {
  throw new ShapeError(`Cannot ${make} of shape ${showShape(shape)}: ${why}`, { shape });
}

/** How many elements a shape has. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis];
  return size;
}

/** The axes of a shape that are not among some. */
export function otherAxes(shape: readonly unknown[], axes: readonly number[]): number[] {
  return shape.flatMap((_, axis) => axes.includes(axis) ? [] : [axis]);
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A shape as text: `[2, 3]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * Checks that extents are whole and not negative.
 *
 * @throws {ShapeError} If one is not.
 * @throws {TypeError} If there is no list of them.
 */
export function checkShape(shape: Shape, what: string): Shape {
  if (!Array.isArray(shape)) {
    const like = Number.isSafeInteger(shape) ? `[${shape}]` : "[2, 3]";
    throw new TypeError(`Cannot ${what} with shape ${quoted(shape)}: a shape is a list of extents, such as ${like}`);
  }
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new ShapeError(`Cannot ${what} with shape ${quoted(shape)}: every extent must be an integer of at least 0`, {
        shape,
      });
    }
  }
  checkExtents(shape);
  return Object.freeze([...shape]);
}

/** Strides of a contiguous row-major layout, in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/**
 * The shape that both shapes broadcast to: aligned at the right, an extent of 1 is repeated.
 *
 * @throws {ShapeError} If two extents differ and neither is 1.
 */
export function broadcastShapes(a: Shape, b: Shape, what: string): Shape {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `Cannot ${what} shapes ${showShape(a)} and ${showShape(b)}: ` +
          `at axis ${i - rank} the extents ${x} and ${y} differ and neither is 1`,
        { shapes: [a, b], axis: i - rank },
      );
    }
    shape[i] = x === 1 ? y : x;
  }
  return shape;
}

/**
 * An axis counted from the front; a negative one counts from the back.
 *
 * @throws {ShapeError} If there is no such axis.
 */
export function normalizeAxis(axis: number, rank: number, what: string): number {
  const found = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || found < 0 || found >= rank) {
    throw new ShapeError(`Cannot ${what} along axis ${axis}: the tensor has ${rank} axes`, { axis, rank });
  }
  return found;
}

const ascending = (a: number, b: number): number => a - b;

/**
 * Distinct axes counted from the front, in ascending order; undefined means all.
 *
 * @throws {ShapeError} If an axis does not exist or is named twice.
 */
export function normalizeAxes(axes: number | readonly number[] | undefined, rank: number, what: string): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = (typeof axes === "number" ? [axes] : axes).map((axis) => normalizeAxis(axis, rank, what));
  const sorted = list.toSorted(ascending);
  if (sorted.some((axis, i) => axis === sorted[i - 1])) {
    throw new ShapeError(`Cannot ${what} along axes [${list.join(", ")}]: an axis is named twice`, { axis: list });
  }
  return sorted;
}

/**
 * Strides that show memory laid out as (`shape`, `strides`) under a new shape of the same size without moving it, or
 * undefined if axes would have to merge whose strides do not line up.
 */
export function reshapeStrides(shape: Shape, strides: readonly number[], to: Shape): number[] | undefined {
  const out = new Array<number>(to.length).fill(0);
  if (sizeOf(shape) === 0) return contiguousStrides(to);
  // Axes of extent 1 carry no information; what is left is matched in blocks of equal size.
  const from = shape.map((extent, axis) => ({ extent, stride: strides[axis] })).filter(({ extent }) => extent !== 1);
  let next = 0;
  let axis = 0;
  while (axis < to.length) {
    if (to[axis] === 1) {
      axis++;
      continue;
    }
    if (next >= from.length) return undefined;
    let have = from[next].extent;
    let last = next;
    let end = axis + 1;
    let want = to[axis];
    while (have !== want) {
      if (have < want) {
        // Merging: the outer stride must step exactly over the inner axis.
        const inner = from[++last];
        if (!inner || from[last - 1].stride !== inner.stride * inner.extent) return undefined;
        have *= inner.extent;
      } else {
        if (end >= to.length) return undefined;
        want *= to[end++];
      }
    }
    let step = from[last].stride;
    for (let i = end - 1; i >= axis; i--) {
      out[i] = step;
      step *= to[i];
    }
    next = last + 1;
    axis = end;
  }
  return out;
}
