/**
 * Elements as bits, in the scalar language: what a device does whose memory holds types that it does not compute with. All follows
 * from the table of types: integers keep their lowest bits, floats their format.
 *
 * @module
 */
import { deviceBytes, type DType, type FloatFormat, floatFormat, isStorage } from "../dtype.ts";
import { binary, bitcast, cast, constant, type Expr, scalarType, select, unary } from "./expr.ts";

/** The float that scalars are: narrower ones become it. */
const wide = floatFormat("f32")!;
/** Of an f32. */
const [signBit, infinity, quietNaN] = [0x80000000, 0x7f800000, 0x7fc00000];

/** What follows from a format: all that the functions below need to get from it to f32 and back. */
function measures({ exponentBits, fractionBits }: FloatFormat) {
  const bias = 2 ** (exponentBits - 1) - 1;
  return {
    fractionBits,
    /** Fraction bits that f32 has beyond it. */
    extra: wide.fractionBits - fractionBits,
    bias,
    /** Where the sign has to go to become the sign of an f32. */
    toSign: 31 - exponentBits - fractionBits,
    /** Whether exponents are those of f32, and with them what is subnormal. */
    sameExponents: exponentBits === wide.exponentBits,
    /** The smallest number above 0: the step between subnormal numbers. */
    step: 2 ** (1 - bias - fractionBits),
    /** The exponent of infinity and NaN. */
    highest: 2 ** exponentBits - 1,
  };
}

/** The format of a type whose elements have to be encoded. */
function storedFormat(dtype: DType): FloatFormat | undefined {
  return isStorage(dtype) ? floatFormat(dtype) : undefined;
}

/** The scalar that the lowest bits of a u32 stand for; the others must be 0. */
export function decode(dtype: DType, bits: Expr): Expr {
  const format = storedFormat(dtype);
  return format ? decodeFloat(format, bits) : bitcast(scalarType(dtype), bits);
}

/** The bits of a scalar that an element can hold, as a u32; bits beyond those of the element do not count. */
export function encode(dtype: DType, value: Expr): Expr {
  const format = storedFormat(dtype);
  return format ? encodeFloat(format, value) : bitcast("u32", value);
}

/** A scalar of any type as one that an element can hold: the nearest float, ties to even; of integers the lowest bits. */
export function convert(dtype: DType, x: Expr): Expr {
  const value = cast(scalarType(dtype), x);
  if (!isStorage(dtype)) return value;
  const format = floatFormat(dtype);
  // Integers of one bit are stored unchanged.
  if (format) return x.type === "bool" ? value : roundFloat(format, value);
  return binary("and", value, 2 ** (8 * deviceBytes(dtype)) - 1);
}

/** Whether one u32 is below another, both without the highest bit: vectors compare integers with signs faster. */
function isBelow(x: Expr, y: Expr | number): Expr {
  return binary("lt", bitcast("i32", x), bitcast("i32", typeof y === "number" ? constant("u32", y) : y));
}

function decodeFloat(format: FloatFormat, bits: Expr): Expr {
  const { extra, fractionBits, bias, toSign, sameExponents, step, highest } = measures(format);
  if (sameExponents) return bitcast("f32", binary("shl", bits, toSign));
  const sign = binary("and", binary("shl", bits, toSign), signBit);
  const size = binary("and", bits, 2 ** (31 - toSign) - 1);
  const special = isBelow(constant("u32", highest * 2 ** fractionBits - 1), size);
  const raise = select(special, constant("u32", (255 - highest) * 2 ** 23), constant("u32", (127 - bias) * 2 ** 23));
  const normal = binary("add", binary("shl", size, extra), raise);
  const small = bitcast("u32", binary("mul", cast("f32", bitcast("i32", size)), step));
  return bitcast("f32", binary("or", select(isBelow(size, 2 ** fractionBits), small, normal), sign));
}

function encodeFloat(format: FloatFormat, value: Expr): Expr {
  const { extra, bias, toSign, sameExponents, step, highest } = measures(format);
  const bits = bitcast("u32", value);
  if (sameExponents) return binary("shr", bits, toSign);
  const sign = binary("shr", binary("and", bits, signBit), toSign);
  const size = binary("and", bits, signBit - 1);
  const special = isBelow(constant("u32", infinity - 1), size);
  const raised = select(special, constant("u32", (255 - highest) * 2 ** 23), constant("u32", (127 - bias) * 2 ** 23));
  const normal = binary("shr", binary("sub", size, raised), extra);
  // Below the normal numbers elements count steps.
  const small = bitcast("u32", cast("i32", binary("mul", bitcast("f32", size), 1 / step)));
  return binary("or", select(isBelow(size, (128 - bias) * 2 ** 23), small, normal), sign);
}

/**
 * An f32 rounded to the nearest number of a format, ties to even. It is done on the bits: devices round as they like when they pack
 * floats, and may take subnormal ones for 0.
 */
function roundFloat(format: FloatFormat, x: Expr): Expr {
  const { extra, bias, sameExponents, step } = measures(format);
  const bits = bitcast("u32", x);
  const size = binary("and", bits, signBit - 1);
  const odd = binary("and", binary("shr", size, extra), 1);
  const rounded = binary("and", binary("add", binary("add", size, 2 ** (extra - 1) - 1), odd), 2 ** 32 - 2 ** extra);
  const inSteps = () => binary("mul", unary("round", binary("mul", bitcast("f32", size), 1 / step)), step);
  const finite = sameExponents ? rounded : select(isBelow(size, (128 - bias) * 2 ** 23), bitcast("u32", inSteps()), rounded);
  // From the middle between the largest number and the next power of two on, they are infinite; a NaN keeps bits that a narrow one has too.
  const tooLarge = (128 + bias) * 2 ** 23 - 2 ** (extra - 1);
  const special = select(isBelow(size, infinity + 1), constant("u32", infinity), constant("u32", quietNaN));
  return bitcast("f32", binary("or", select(isBelow(size, tooLarge), finite, special), binary("and", bits, signBit)));
}
