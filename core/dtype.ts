/**
 * Element types: one table, from which all else derives what a type is, how wide, which array holds it on the host, in which type
 * it is computed, and what the common type of two is. How elements become bits on a device is derived from it in `ir/encoding.ts`.
 *
 * @module
 */
import { quoted } from "./quoted.ts";
import { DTypeError, OutOfMemoryError } from "./errors.ts";

/**
 * An element type. `u8` (images), `f16` and `bf16` (weights, activations) are storage types: they can be moved and indexed without a
 * cast, but must be cast before they are computed with. `bf16` is the upper half of an f32: its range, with 8 bits of precision.
 */
export type DType = "bool" | "u8" | "i32" | "u32" | "f16" | "bf16" | "f32" | "f64";

/** The JavaScript array of a tensor's numbers; `bool` is 0 or 1 in a `Uint8Array`. */
export type TypedArray = Float16Array | Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** How elements lie on the host: as their numbers or, where JavaScript has no array of those, as their bits. */
export type HostArray = TypedArray | Uint16Array;

/** The type of indices and counts. */
export const indexType = "i32";

/** The type of numbers of which nothing else is known: literals, integers where a function of real numbers is taken. */
export const defaultFloat = "f32";

/** The type of conditions. */
export const maskType = "bool";

/** How the bits of a float are shared out, under a sign: as IEEE 754 does it, with infinities, NaN and subnormal numbers. */
export interface FloatFormat {
  readonly exponentBits: number;
  /** The bits behind the point; the one before it is not kept. */
  readonly fractionBits: number;
}

/** The properties of a type. */
interface Row {
  /** The common type of two kinds is of the later one: bool, integer, float. */
  readonly kind: "bool" | "integer" | "float";
  /** Of one element on a device; of two types of one kind the wider one wins. A bool takes four: one lane of a vector, one word of a shader. */
  readonly bytes: 1 | 2 | 4 | 8;
  /** The array of elements on the host. */
  readonly array: HostArrayConstructor;
  /** Between a number and what stands for it in that array, where the two differ. */
  readonly bits?: { readonly encode: (value: number) => number; readonly decode: (bits: number) => number };
  /** The type in which elements are summed and compared; another one makes this a type for storage (or bool). */
  readonly computedIn: DType;
  /** The integers it holds, all of them from the least to the most. */
  readonly whole: readonly [least: number, most: number];
  /** Of a float. */
  readonly format?: FloatFormat;
  /** A number as an element holds it: floats take the nearest, integers wrap around. */
  readonly round: (value: number) => number;
}

type HostArrayConstructor =
  | Float16ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor
  | Int32ArrayConstructor
  | Uint16ArrayConstructor
  | Uint32ArrayConstructor
  | Uint8ArrayConstructor;

/** A float of IEEE 754: integers up to the power of two where the steps become 2. */
function float(exponentBits: number, fractionBits: number): Pick<Row, "kind" | "whole" | "format"> {
  const most = 2 ** (fractionBits + 1);
  return { kind: "float", whole: [-most, most], format: { exponentBits, fractionBits } };
}

/** An integer type that wraps around, by its number of bits. */
function integer(least: number, most: number): Pick<Row, "kind" | "whole"> {
  return { kind: "integer", whole: [least, most] };
}

const number = new Float32Array(1);
const numberBits = new Uint32Array(number.buffer);

/** The upper half of the bits of an f32, which is rounded to the nearest. */
function upperHalf(value: number): number {
  number[0] = value;
  const bits = numberBits[0];
  if (Number.isNaN(value)) return bits >>> 16 | 0x40; // still no infinity
  // Half a step, or just less where the upper half is even: a tie goes up from the odd ones only.
  return (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
}

/** The f32 whose upper half is given and whose lower half is 0. */
function fromUpperHalf(half: number): number {
  numberBits[0] = half << 16;
  return number[0];
}

/** What is held as its bits on the host. */
function asBits(encode: (value: number) => number, decode: (bits: number) => number): Pick<Row, "bits" | "round"> {
  return { bits: { encode, decode }, round: (value) => decode(encode(value)) };
}

const rows: Readonly<Record<DType, Row>> = {
  bool: { kind: "bool", whole: [0, 1], bytes: 4, array: Uint8Array, computedIn: "i32", round: (x) => x === 0 ? 0 : 1 },
  u8: { ...integer(0, 255), bytes: 1, array: Uint8Array, computedIn: "i32", round: (x) => x & 255 },
  i32: { ...integer(-(2 ** 31), 2 ** 31 - 1), bytes: 4, array: Int32Array, computedIn: "i32", round: (x) => x | 0 },
  u32: { ...integer(0, 2 ** 32 - 1), bytes: 4, array: Uint32Array, computedIn: "u32", round: (x) => x >>> 0 },
  f16: { ...float(5, 10), bytes: 2, array: Float16Array, computedIn: "f32", round: Math.f16round },
  bf16: { ...float(8, 7), bytes: 2, array: Uint16Array, computedIn: "f32", ...asBits(upperHalf, fromUpperHalf) },
  f32: { ...float(8, 23), bytes: 4, array: Float32Array, computedIn: "f32", round: Math.fround },
  f64: { ...float(11, 52), bytes: 8, array: Float64Array, computedIn: "f64", round: (x) => x },
};

/** Every element type, the narrowest of each kind first. */
export const dtypes: readonly DType[] = Object.keys(rows) as DType[];

const kinds = ["bool", "integer", "float"] as const;

/** What to use instead of integers of 64 bits, which no device computes with. */
export const wholeNumbersRemedy = `whole numbers fit into i32, up to 2^${rows.f64.format!.fractionBits + 1} into f64`;

/** The rows by name, all of one form: devices look into them for every buffer, which takes long for objects of several forms. */
const rowsByName: ReadonlyMap<string, Row> = new Map(
  Object.entries(rows).map(([name, { kind, bytes, array, computedIn, whole, format, round, bits }]) =>
    [name, { kind, bytes, array, computedIn, whole, format, round, bits }] as const
  ),
);

/** The row of a type; programs without type checking may pass anything. */
function rowOf(dtype: DType): Row {
  const row = rowsByName.get(dtype);
  if (row) return row;
  const remedy = typeof dtype === "string" && /64/.test(dtype) && !/f/.test(dtype) ? `; ${wholeNumbersRemedy}` : "";
  throw new DTypeError(
    `Cannot hold elements of type ${typeof dtype === "string" ? dtype : quoted(dtype)}: there are ${dtypes.join(", ")}${remedy}`,
    { dtype },
  );
}

/**
 * Checks that there is a type of that name, as all functions below do.
 *
 * @throws {DTypeError} If there is none; it lists those there are.
 */
export function checkDType(dtype: DType): void {
  rowOf(dtype);
}

/** Bytes that the elements of one tensor may take: as many as memory of `wasm` has in all. */
const mostBytes = 2 ** 32;

/**
 * Checks that a tensor of this type and size can be in memory at all, before anything is allocated for it.
 *
 * @throws {OutOfMemoryError} If not, with the `bytes` and the `limit`.
 */
export function checkBytes(dtype: DType, size: number): void {
  const { bytes, array } = rowOf(dtype);
  const needed = size * Math.max(bytes, array.BYTES_PER_ELEMENT);
  if (needed <= mostBytes) return;
  throw new OutOfMemoryError(
    `Cannot allocate ${needed} bytes for ${size} elements of ${dtype}: one tensor takes at most ${mostBytes}`,
    { bytes: needed, limit: mostBytes, dtype, size },
  );
}

/** A zeroed array of `size` elements that can hold `dtype` on the host. */
export function hostArray(dtype: DType, size: number): HostArray {
  checkBytes(dtype, size);
  return new (rowOf(dtype).array)(size);
}

/**
 * The host array of `dtype` whose element i is `at(i)`, a number that a program was given.
 *
 * @throws {OutOfMemoryError} If it would be too large.
 * @throws {DTypeError} If an integer would become another number.
 */
export function hostArrayOf(dtype: DType, size: number, at: (i: number) => number): HostArray {
  const held = hostArray(dtype, size);
  const { kind, round, bits } = rowOf(dtype);
  const encode = kind === "bool" ? round : bits?.encode;
  for (let i = 0; i < size; i++) {
    const value = at(i);
    held[i] = encode ? encode(value) : value;
    if (kind === "integer" && held[i] !== value) checkHolds(dtype, value, ` (element ${i})`);
  }
  return held;
}

/** The first `size` elements of `dtype` (all, if it is not given) in a buffer that holds them as on the host. */
export function viewAsHost(dtype: DType, buffer: ArrayBufferLike, size?: number): HostArray {
  return new (rowOf(dtype).array)(buffer as ArrayBuffer, 0, size);
}

/**
 * Copies numbers that a program was given into the host array of `dtype`.
 *
 * @throws {DTypeError} If an integer would become another number.
 */
export function givenToHostArray(dtype: DType, values: ArrayLike<number>): HostArray {
  const held = toHostArray(dtype, values);
  if (!isInteger(dtype)) return held;
  for (let i = 0; i < held.length; i++) if (held[i] !== values[i]) checkHolds(dtype, values[i], ` (element ${i})`);
  return held;
}

/** Copies (and converts, as a typed array assignment does) numbers into the host array of `dtype`. */
export function toHostArray(dtype: DType, values: ArrayLike<number>): HostArray {
  const { kind, array, bits, round } = rowOf(dtype);
  const encode = kind === "bool" ? round : bits?.encode;
  if (!encode) return new array(values);
  const held = hostArray(dtype, values.length);
  for (let i = 0; i < held.length; i++) held[i] = encode(values[i]);
  return held;
}

/** The numbers of a host array of `dtype`: the array itself, unless it holds bits. */
export function fromHostArray(dtype: DType, values: HostArray): TypedArray {
  const { bits, computedIn } = rowOf(dtype);
  if (!bits) return values as TypedArray;
  const numbers = hostArray(computedIn, values.length) as TypedArray;
  for (let i = 0; i < numbers.length; i++) numbers[i] = bits.decode(values[i]);
  return numbers;
}

/**
 * Checks that an array is one that holds `dtype` on the host.
 *
 * @throws {DTypeError} If it is another.
 */
export function checkHostArray(dtype: DType, values: HostArray): void {
  const { array } = rowOf(dtype);
  if (values instanceof array) return;
  throw new DTypeError(`Cannot copy a ${values.constructor.name} to a ${dtype} buffer: it takes a ${array.name}`, { dtype });
}

/** Whether elements of `dtype` can be a number: integers only those in their range, floats and bools any. */
export function holds(dtype: DType, value: number): boolean {
  const { kind, whole: [least, most] } = rowOf(dtype);
  return kind !== "integer" || (Number.isInteger(value) && value >= least && value <= most);
}

/**
 * Checks that elements of `dtype` can be a number: integers only those that they hold. Floats take the nearest, and a bool is whether
 * a number is not 0. It is for numbers that a program was given; results of arithmetic wrap around.
 *
 * @param where Names the element, if it is one of several.
 * @throws {DTypeError} If an integer would become another number.
 */
export function checkHolds(dtype: DType, value: number, where = ""): void {
  if (holds(dtype, value)) return;
  const [least, most] = wholeRange(dtype);
  const wide = dtypes.find((each) => isInteger(each) && holds(each, value));
  const remedy = wide ? `use ${wide}` : `use a float`;
  throw new DTypeError(
    `Cannot make ${dtype} of ${value}${where}: it holds the whole numbers from ${least} to ${most}; ${remedy}, ` +
      `or cast(x, "${dtype}") if it shall become another number`,
    { dtype, value },
  );
}

/** A number as an element that it is cast to: integers lose the fraction, NaN is 0, beyond the range they compute in the nearest end. */
export function castTo(dtype: DType, value: number): number {
  if (!isInteger(dtype)) return roundTo(dtype, value);
  const [least, most] = wholeRange(computeType(dtype));
  return roundTo(dtype, Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, least), most)));
}

/** What makes of a number what an element of `dtype` holds: floats take the nearest, integers wrap around. */
export function rounding(dtype: DType): (value: number) => number {
  return rowOf(dtype).round;
}

/** A number as an element of `dtype` holds it. */
export function roundTo(dtype: DType, value: number): number {
  return rounding(dtype)(value);
}

/** Bytes of one element on a device. */
export function deviceBytes(dtype: DType): number {
  return rowOf(dtype).bytes;
}

/** Bytes of one element on the host. */
export function hostBytes(dtype: DType): number {
  return rowOf(dtype).array.BYTES_PER_ELEMENT;
}

/** Whether functions of real numbers are computed in this type. */
export function isFloat(dtype: DType): boolean {
  return rowOf(dtype).kind === "float" && !isStorage(dtype);
}

/** Whether values of this type are integers (bool is not one). */
export function isInteger(dtype: DType): boolean {
  return rowOf(dtype).kind === "integer";
}

/** Whether values of this type are conditions. */
export function isBool(dtype: DType): boolean {
  return rowOf(dtype).kind === "bool";
}

/** Whether elements of this type are numbers that are only kept in it, and computed with in another one. */
export function isStorage(dtype: DType): boolean {
  const { kind, computedIn } = rowOf(dtype);
  return kind !== "bool" && computedIn !== dtype;
}

/** The type in which elements of this type are summed and compared: that of storage and bool is wider. */
export function computeType(dtype: DType): DType {
  return rowOf(dtype).computedIn;
}

/** The type of derivatives by values of this type; undefined if there are none. Those by a storage type are wider, as sums of them are. */
export function tangentType(dtype: DType): DType | undefined {
  return rowOf(dtype).kind === "float" ? rowOf(dtype).computedIn : undefined;
}

/** The format of a float. */
export function floatFormat(dtype: DType): FloatFormat | undefined {
  return rowOf(dtype).format;
}

/** The least and the greatest integer that this type represents exactly, as are all between. */
export function wholeRange(dtype: DType): readonly [least: number, most: number] {
  return rowOf(dtype).whole;
}

/** The least and the most that values of this type can be: infinite for floats. */
export function extremes(dtype: DType): readonly [least: number, most: number] {
  return rowOf(dtype).kind === "float" ? [-Infinity, Infinity] : rowOf(dtype).whole;
}

/** The least number of a floating type that is not below `bound`; none of them is subnormal, since a device may take it for 0. */
export function floatFrom(dtype: DType, bound: number): number {
  return -floatUpTo(dtype, -bound);
}

/** The greatest number of a floating type below `bound`; none of them is subnormal. */
export function floatBelow(dtype: DType, bound: number): number {
  const most = floatUpTo(dtype, bound);
  return most < bound ? most : neighbourBelow(dtype, most);
}

function floatUpTo(dtype: DType, bound: number): number {
  const nearest = roundTo(dtype, bound);
  if (Math.abs(bound) < smallestNormal(dtype)) return bound < 0 ? -smallestNormal(dtype) : 0;
  return nearest <= bound ? nearest : neighbourBelow(dtype, nearest);
}

function neighbourBelow(dtype: DType, x: number): number {
  if (x === 0) return -smallestNormal(dtype);
  if (x === smallestNormal(dtype)) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - rowOf(dtype).format!.fractionBits);
  // Below a power of two the next one is half a unit away.
  return roundTo(dtype, x - 0.51 * unit);
}

function smallestNormal(dtype: DType): number {
  return 2 ** (2 - 2 ** (rowOf(dtype).format!.exponentBits - 1));
}

/**
 * The common type of values of types `a` and `b`: that of the later kind (bool, integer, float), of one kind the wider; two of one
 * width in the next wider one.
 *
 * @throws {DTypeError} If there is no wider one: of i32 and u32.
 */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  const [x, y] = [rowOf(a), rowOf(b)];
  if (x.kind !== y.kind) return kinds.indexOf(x.kind) > kinds.indexOf(y.kind) ? a : b;
  if (x.bytes !== y.bytes) return x.bytes > y.bytes ? a : b;
  const wider = dtypes.find((each) => rowOf(each).kind === x.kind && rowOf(each).bytes > x.bytes);
  if (wider) return wider;
  throw new DTypeError(`Cannot combine ${a} with ${b}: no type of ${8 * x.bytes} bits holds both, cast one of them`, {
    dtypes: [a, b],
  });
}

/** The element type for the numbers of a typed array, or undefined if there is none. */
export function dtypeOfArray(array: ArrayBufferView): DType | undefined {
  if (array instanceof Uint8ClampedArray) return "u8";
  return dtypes.find((dtype) => !isBool(dtype) && !rowOf(dtype).bits && array instanceof rowOf(dtype).array);
}
