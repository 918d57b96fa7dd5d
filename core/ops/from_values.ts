/**
 * Tensors of values from the host: numbers, nested and typed arrays, bytes.
 *
 * @module
 */
import { quoted } from "../quoted.ts";
import { argument, bytes as buffers, checkedInside, elementType, flag } from "../kinds.ts";
import { checkOptions, needed, optionTable } from "../options.ts";
import {
  checkHolds,
  defaultFloat,
  type DType,
  dtypeOfArray,
  dtypes,
  givenToHostArray,
  type HostArray,
  hostArray,
  hostBytes,
  isBool,
  maskType,
  toHostArray,
  type TypedArray,
  viewAsHost,
  wholeNumbersRemedy,
} from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { Storage } from "../values/storage.ts";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.ts";
import { refuseForeign, type Scalar, Tensor } from "../tensor.ts";
import { ask, scalarOf, TracedNumber } from "../traced_number.ts";
import { reshape } from "./reshape.ts";
import { where } from "./select.ts";

/** Numbers in nested arrays. */
export type NestedArray = Scalar | boolean | readonly NestedArray[];

/** Options of `tensor`. */
export interface TensorOptions {
  /** The type of the elements. Default that of a typed array, f32 for numbers and bool for booleans. */
  readonly dtype?: DType;
  /** The shape to give the values; their number must fit. */
  readonly shape?: Shape;
  /**
   * False lets the tensor look at a typed array of the right type, which may be a view of part of a buffer, without copying it: it
   * must not be changed or transferred afterwards. It is never changed, detached or freed by the tensor. Default true.
   */
  readonly copy?: boolean;
}

const tensorOptions = optionTable<TensorOptions>({ dtype: elementType, shape: checkedInside(), copy: flag });

/**
 * A tensor of the given values: a number, nested arrays of numbers, or a typed array (which is copied).
 *
 * ```ts
 * import { tensor } from "../../mod.ts";
 * console.log(tensor([[1, 2], [3, 4]]).shape); // [2, 2]
 * console.log(tensor(new Uint8Array(6), { shape: [2, 3] }).dtype); // u8
 * ```
 *
 * @param values Nested arrays must be regular. Numbers (and booleans among them, as 0 and 1) become f32, booleans alone bool
 * unless `dtype` says otherwise; a typed array keeps its type.
 * @throws {ShapeError} If nested arrays are ragged, or the number of values does not fit `shape`.
 * @throws {DTypeError} If the type is one of integers, and does not hold a number: it would become another one.
 */
export function tensor(
  values: NestedArray | TypedArray | Uint8ClampedArray,
  options: TensorOptions = {},
): Tensor {
  const { shape, dtype, copy = true } = checkOptions(options, tensorOptions, "tensor");
  const given = shape === undefined ? undefined : checkShape(shape, "make a tensor");
  if (ArrayBuffer.isView(values)) {
    const own = dtypeOfArray(values);
    if (!own) throw cannotHold(values);
    const taken = !copy && (dtype ?? own) === own && !(values instanceof Uint8ClampedArray);
    return fromHost(taken ? values : givenToHostArray(dtype ?? own, values), given ?? [values.length], dtype ?? own, !taken);
  }
  const nested = flattenNested(values);
  const type = dtype ?? (nested.isBool ? maskType : defaultFloat);
  const known = fromHost(givenToHostArray(type, nested.numbers), given ?? nested.shape, type);
  return nested.traced.reduce((x, [index, number]) => withElement(x, index, number), known);
}

/** The tensor with a traced number as one of its elements. */
function withElement(x: Tensor, index: number, number: TracedNumber<Tensor>): Tensor {
  const { dtype, shape, size } = x;
  ask(number, `${index} of ${dtype}`, (value) => checkHolds(dtype, value, ` (element ${index})`));
  const element = scalarOf(number, dtype);
  if (size === 1) return reshape(element, shape);
  const mask = hostArray(maskType, size);
  mask[index] = 1;
  return where(fromHost(mask, shape, maskType), element, x);
}

/** Nested arrays in row-major order. */
interface Flattened {
  /** Traced ones are 0. */
  readonly numbers: readonly number[];
  readonly traced: readonly (readonly [index: number, number: TracedNumber<Tensor>])[];
  readonly shape: Shape;
  /** Whether all are booleans. */
  readonly isBool: boolean;
}

function flattenNested(values: NestedArray): Flattened {
  const numbers: number[] = [];
  const traced: (readonly [number, TracedNumber<Tensor>])[] = [];
  let booleans = 0;
  const walk = (value: NestedArray, path: readonly number[]): Shape => {
    if (typeof value === "number" || typeof value === "boolean") {
      if (typeof value === "boolean") booleans++;
      numbers.push(Number(value));
      return [];
    }
    if (value instanceof TracedNumber) {
      traced.push([numbers.length, value]);
      numbers.push(0);
      return [];
    }
    if (!Array.isArray(value)) {
      refuseForeign(value);
      const at = path.length === 0 ? "" : ` at [${path.join(", ")}]`;
      const remedy = (value as unknown) instanceof Tensor && path.length > 0 ? "; stack([x, y]) makes one of tensors" : "";
      throw new TypeError(`Cannot make a tensor from ${quoted(value)}${at}: numbers are needed${remedy}`);
    }
    // Not `map`, which passes over holes.
    const inner = Array.from(value as readonly NestedArray[], (item, i) => walk(item, [...path, i]));
    for (const [i, each] of inner.entries()) {
      if (showShape(each) !== showShape(inner[0])) {
        throw new ShapeError(
          `Cannot make a tensor from ragged arrays: at [${[...path, i].join(", ")}] the shape is ${showShape(each)}, ` +
            `before it ${showShape(inner[0])}`,
          { path: [...path, i], shapes: [inner[0], each] },
        );
      }
    }
    return [value.length, ...(inner[0] ?? [])];
  };
  const shape = walk(values, []);
  return { numbers, traced, shape, isBool: booleans > 0 && booleans === numbers.length };
}

/** Why a typed array makes no tensor. */
function cannotHold(values: ArrayBufferView): DTypeError {
  const { name } = values.constructor;
  const remedy = name.startsWith("Big")
    ? wholeNumbersRemedy
    : /int/i.test(name)
    ? "for its numbers use Int32Array.from(values), for bits fromBytes(values, { dtype })"
    : "use a Float32Array or its like, or fromBytes(values, { dtype })";
  return new DTypeError(`Cannot make a tensor from a ${name}: there are ${dtypes.join(", ")}; ${remedy}`, { array: name });
}

/** Options of `fromBytes`. */
export interface FromBytesOptions {
  /** The type of the elements. */
  readonly dtype: DType;
  /** The shape to give them; their number must fit. Default one axis. */
  readonly shape?: Shape;
}

const fromBytesOptions = optionTable<FromBytesOptions>({ dtype: needed(elementType), shape: checkedInside() });

/**
 * A tensor of elements that are given as bytes, as they lie in files: little-endian, row-major; bool is one byte. So the bits of a
 * type for which JavaScript has no array become numbers, and bytes at any offset in a file can be read. `toBytes` writes them.
 *
 * ```ts
 * import { fromBytes, toArray } from "../../mod.ts";
 * console.log(await toArray(fromBytes(Uint16Array.of(0x3f80, 0xc000), { dtype: "bf16" }))); // [1, -2]
 * ```
 *
 * @param bytes A buffer, or a view of a part of one; it is copied.
 * @throws {DTypeError} If there is no such type.
 * @throws {ShapeError} If the bytes are no whole number of elements, or their number does not fit `shape`.
 * @see NumPy's and PyTorch's frombuffer
 */
export function fromBytes(bytes: ArrayBufferLike | ArrayBufferView, options: FromBytesOptions): Tensor {
  const { dtype, shape } = checkOptions(options, fromBytesOptions, "fromBytes");
  argument(bytes, buffers, "bytes", "fromBytes");
  const given = shape === undefined ? undefined : checkShape(shape, "make a tensor");
  const source = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
  const each = hostBytes(dtype);
  if (source.length % each !== 0) {
    throw new ShapeError(`Cannot make elements of ${dtype} from ${source.length} bytes: each takes ${each}`, {
      dtype,
      bytes: source.length,
    });
  }
  const held = viewAsHost(dtype, source.slice().buffer, source.length / each);
  const values = isBool(dtype) ? toHostArray(dtype, held) : held;
  return fromHost(values, given ?? [values.length], dtype);
}

/** A tensor on values that are not changed afterwards; unless they are `owned`, other code may read them. */
export function fromHost(values: HostArray, shape: Shape, dtype: DType, owned = true): Tensor {
  if (sizeOf(shape) !== values.length) {
    throw new ShapeError(
      `Cannot give ${values.length} values the shape ${showShape(shape)}: it has ${sizeOf(shape)} elements`,
      { size: values.length, shape },
    );
  }
  return new Tensor(Object.isFrozen(shape) ? shape : Object.freeze(shape.slice()), dtype, Storage.ofHost(dtype, values, owned));
}
