/**
 * Examples of any kind as arrays on the host: tables, signals, images of floats. The first axis of every array counts the examples.
 *
 * @module
 */
import { dtypeOfArray, type TypedArray } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { quoted } from "../core/quoted.ts";
import { checkShape, showShape, sizeOf } from "../core/shape.ts";

/** Arrays by name. */
export type Arrays = Readonly<Record<string, TypedArray>>;

/** Numbers of a shape whose first axis counts the examples. */
export interface ShapedArray<A extends TypedArray = TypedArray> {
  /** The shape, the number of examples first. */
  readonly shape: readonly number[];
  /** The numbers, one example after the other. */
  readonly data: A;
}

/** Numbers, or equally long lists of such, to any depth. */
export type NumberLists = readonly (number | NumberLists)[];

/** Examples as arrays. */
export interface ArraySet<F extends Arrays = Arrays> {
  /** The numbers by name, one example after the other. */
  readonly arrays: F;
  /** The shape of one example by name. */
  readonly shapes: { readonly [K in keyof F]: readonly number[] };
  /** How many examples there are. */
  readonly count: number;
}

/** Some examples, in arrays of their own, by their names. */
export type ArrayBatch<F extends Arrays = Arrays> = F & {
  /** How many examples there are. */
  readonly count: number;
  /** The shape of each array, `count` first. */
  readonly shapes: { readonly [K in keyof F]: readonly number[] };
};

/** The array that a field becomes. */
export type ArrayOf<T> = T extends TypedArray ? T : T extends ShapedArray<infer A> ? A : Float32Array;

/** Names that batches need themselves. */
const taken: readonly string[] = ["count", "shapes"];

/**
 * A set of examples from arrays: for `split`, `batches` and `loader`.
 *
 * A typed array has one number per example and is used as it is; with a `shape` it has more. Nested lists become f32. Labels of classes
 * are whole numbers: an `Int32Array`.
 *
 * ```ts
 * import { datasets } from "../mod.ts";
 * const flowers = datasets.arrays({ features: [[5.1, 3.5], [4.9, 3], [6.2, 3.4], [5.9, 3]], labels: Int32Array.of(0, 0, 1, 1) });
 * for (const { features, labels, shapes } of datasets.batches(flowers, { batchSize: 3 })) {
 *   console.log(features.length, [...labels], shapes.features); // 6 [0, 0, 1] [3, 2], 2 [1] [1, 2]
 * }
 * ```
 *
 * @throws {ShapeError} If the arrays have not equally many examples, or lists are not equally long.
 * @throws {TypeError} If something is no array of numbers, or is named `count` or `shapes`.
 */
export function arrays<T extends Readonly<Record<string, TypedArray | ShapedArray | NumberLists>>>(
  fields: T,
): ArraySet<{ readonly [K in keyof T]: ArrayOf<T[K]> }> {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields) || ArrayBuffer.isView(fields)) {
    throw new TypeError(`Cannot make a set of arrays from ${quoted(fields)}: it takes a record of arrays by name`);
  }
  const entries = Object.entries(fields).map(([name, field]) => [name, shaped(field, name)] as const);
  if (entries.length === 0) throw new TypeError("Cannot make a set of arrays from no arrays");
  const counts = entries.map(([name, { shape }]) => `${name} ${shape[0]}`);
  const count = entries[0][1].shape[0];
  if (entries.some(([, { shape }]) => shape[0] !== count)) {
    throw new ShapeError(`Cannot make a set of arrays of unequally many examples: ${counts.join(", ")}`, { counts });
  }
  return {
    arrays: Object.fromEntries(entries.map(([name, { data }]) => [name, data])),
    shapes: Object.fromEntries(entries.map(([name, { shape }]) => [name, shape.slice(1)])),
    count,
  } as unknown as ArraySet<{ readonly [K in keyof T]: ArrayOf<T[K]> }>;
}

function shaped(field: unknown, name: string): ShapedArray {
  if (taken.includes(name)) throw new TypeError(`Cannot make a set of arrays with one named ${name}: batches have that name`);
  if (Array.isArray(field)) return fromLists(field, name);
  const { shape, data } = ArrayBuffer.isView(field) ? { shape: undefined, data: field } : (field ?? {}) as Partial<ShapedArray>;
  if (!ArrayBuffer.isView(data) || dtypeOfArray(data) === undefined) {
    throw new TypeError(
      `Cannot make a set of arrays with ${
        quoted(field)
      } as ${name}: it must be a typed array of numbers up to 32 bits or of floats, ` +
        "such an array with a shape, or nested lists of numbers",
    );
  }
  const numbers = data as TypedArray;
  if (shape === undefined) return { shape: [numbers.length], data: numbers };
  const checked = checkShape(shape, `make a set of arrays with ${name}`);
  if (checked.length === 0 || sizeOf(checked) !== numbers.length) {
    throw new ShapeError(`Cannot give ${name} of ${numbers.length} numbers the shape ${showShape(checked)}`, {
      name,
      shape: checked,
      length: numbers.length,
    });
  }
  return { shape: checked, data: numbers };
}

/** Nested lists as one array of f32. */
function fromLists(lists: readonly unknown[], name: string): ShapedArray {
  const shape: number[] = [];
  for (let inner: unknown = lists; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const data = new Float32Array(sizeOf(shape));
  let next = 0;
  const put = (list: unknown, axis: number): void => {
    if (axis === shape.length) {
      if (typeof list !== "number") {
        throw new TypeError(`Cannot make a set of arrays with ${quoted(list)} in ${name}: it must be a number`);
      }
      data[next++] = list;
      return;
    }
    if (!Array.isArray(list) || list.length !== shape[axis]) {
      const found = Array.isArray(list) ? `a list of ${list.length}` : quoted(list);
      throw new ShapeError(`Cannot make a set of arrays with ${found} in ${name}, where the first has ${shape[axis]}`, { name });
    }
    for (let i = 0; i < list.length; i++) put(list[i], axis + 1);
  };
  put(lists, 0);
  return { shape, data };
}
