/**
 * Randomness by keys: the same key gives the same numbers, and new keys are made from old ones. Nothing here has a state.
 *
 * Bits come from Threefry-2x32 hashed over counters, one hash per element, so that they can be computed anywhere in any order.
 * `split` and `foldIn` agree with JAX (with `jax_threefry_partitionable`, its default).
 *
 * @module
 */
import { quoted } from "./quoted.ts";
import { argument, elementType, naturals, real, scalar, tensors, whole } from "./kinds.ts";
import { axisOption, checkOptions, intervalOptions, needed, optionTable } from "./options.ts";
import { add, mul, neg, sub } from "./ops/arithmetic.ts";
import { bitwiseOr, bitwiseXor, shiftRight } from "./ops/logic.ts";
import { minimum, rem } from "./ops/binary.ts";
import { bitcast, hashType, threefry2x32 } from "./ops/bits.ts";
import { asTensor, isNumber } from "./ops/literal.ts";
import { cast } from "./ops/cast.ts";
import { lt } from "./ops/compare.ts";
import { arange, positions } from "./ops/creation.ts";
import { tensor } from "./ops/from_values.ts";
import { constantOf } from "./ops/constant.ts";
import { stack } from "./ops/concat.ts";
import { reshape } from "./ops/reshape.ts";
import { slice } from "./ops/slice.ts";
import { argsort } from "./ops/sort.ts";
import { take } from "./ops/take.ts";
import { erfinv } from "./ops/special.ts";
import { clip, cos, erf, log, log1p, sqrt } from "./ops/unary.ts";
import { argmax } from "./ops/reduce.ts";
import { defaultFloat, type DType, floatBelow, floatFrom, holds, indexType, isFloat, wholeRange } from "./dtype.ts";
import { DTypeError, ShapeError } from "./errors.ts";
import { fraction, integer, tensorCount } from "./ranges.ts";
import { threefry2x32 as encrypted } from "./threefry.ts";
import { storageOf } from "./values/storage.ts";
import { checkShape, normalizeAxis, sameShape, type Shape, showShape } from "./shape.ts";
import { refuseForeign, type Scalar, Tensor, type TensorLike } from "./tensor.ts";
import { ask, TracedNumber } from "./traced_number.ts";

/** A key: u32[2]. Use each one once; make more with `split` or `foldIn`. */
export type Key = Tensor;

/**
 * A key from an integer.
 *
 * ```ts
 * import { random, toArray } from "../mod.ts";
 * console.log(await toArray(random.uniform(random.key(0), [2]))); // [0.947..., 0.978...]
 * ```
 *
 * @param seed From 0 up to 2^53.
 * @throws {RangeError} If the seed is not such a number.
 */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`Cannot make a key from seed ${quoted(seed)}: it must be an integer from 0 to 2^53 - 1`);
  }
  return tensor(Uint32Array.of(Math.floor(seed / 2 ** 32), seed >>> 0));
}

function words(k: Key): [Tensor, Tensor] {
  refuseForeign(k);
  if (Array.isArray(k) && k.every((each) => each instanceof Tensor)) {
    throw new TypeError(
      `Cannot use a list of ${(k as unknown[]).length} keys as a random key: take one of those that random.split gives; ` +
        "for vmap and scan, which go through the rows of a tensor, stack(random.split(key, n))",
    );
  }
  if (!(k instanceof Tensor)) throw new TypeError(`Cannot use ${quoted(k)} as a random key: make one with random.key(seed)`);
  if (k.dtype !== hashType || k.rank !== 1 || k.size !== 2) {
    const error = k.dtype === hashType ? ShapeError : DTypeError;
    throw new error(
      `Cannot use ${k.dtype}${showShape(k.shape)} as a random key: it must be u32[2], make one with random.key(seed)`,
      {
        shape: k.shape,
        dtype: k.dtype,
      },
    );
  }
  const word = (i: number) => reshape(slice(k, { start: i, stop: i + 1 }), []);
  return [word(0), word(1)];
}

/** A new key from a key, by a tensor of 32 bits, or by a number. Where the key's values are at hand it takes no program to make one. */
function hash(k: Key, low: Tensor | number, value: (low: number) => Tensor): Key {
  const known = storageOf(k)?.known;
  if (typeof low === "number" && known?.length === 2) return tensor(Uint32Array.from(encrypted([known[0], known[1]], [0, low])));
  return stack(threefry2x32(words(k), [zero(), typeof low === "number" ? value(low) : low]));
}

const zero = () => constantOf(0, hashType);

/**
 * `count` new keys (default 2) from one, independent of each other and of the old one, which must not be used again.
 *
 * ```ts
 * import { random } from "../mod.ts";
 * const [initKey, dataKey, dropKey] = random.split(random.key(0), 3);
 * ```
 *
 * @throws {RangeError} If the number of keys is not an integer from 0 to 2^20.
 */
export function split(k: Key, count = 2): Key[] {
  words(k);
  return Array.from(
    { length: tensorCount(count, "The number of keys", 0) },
    (_, i) => hash(k, i, (i) => constantOf(i, hashType)),
  );
}

/**
 * A new key from a key and a number (a step, an index): for each number another one.
 *
 * ```ts
 * import { random } from "../mod.ts";
 * const key = random.key(0);
 * for (let step = 0; step < 3; step++) console.log(random.normal(random.foldIn(key, step), [2]));
 * ```
 *
 * @param data A whole number of 32 bits: negative ones are those of i32.
 * @throws {RangeError} If it is none.
 */
export function foldIn(k: Key, data: TensorLike): Key {
  words(k);
  const low = typeof data === "number"
    ? foldable(data)
    : data instanceof TracedNumber
    ? bitcast(asTensor(data, ask(data, "type of 32 bits", wordType)), hashType)
    : cast(asTensor(data), hashType);
  // JAX folds in the key of the number, which is (0, number). As a value and no constant: a loop that folds in its steps compiles one
  // program for all of them.
  return hash(k, low, (low) => tensor(Uint32Array.of(low), { shape: [] }));
}

function foldable(data: number): number {
  if (holds(indexType, data) || holds(hashType, data)) return data;
  throw new RangeError(`Cannot fold ${data} into a key: it must be a whole number of 32 bits, from -2^31 to 2^32 - 1`);
}

/** The type of 32 bits that holds a number. */
function wordType(data: number): DType {
  return holds(indexType, foldable(data)) ? indexType : hashType;
}

/**
 * 32 random bits per element: u32, of the given shape.
 *
 * ```ts
 * import { random, toArray } from "../mod.ts";
 * console.log(await toArray(random.bits(random.key(0), [2]))); // [4070199207, 4202968722]
 * ```
 */
export function bits(k: Key, shape: Shape): Tensor {
  const [x, y] = threefry2x32(words(k), [zero(), counters(shape)]);
  return bitwiseXor(x, y);
}

/** What the bits of an element are a hash of, beside the key: its number. */
function counters(shape: Shape): Tensor {
  return cast(positions(checkShape(shape, "draw random numbers")), hashType);
}

/** Numbers in [0, 1) from bits: 23 of them are the fraction of a number in [1, 2). */
function fractions(b: Tensor): Tensor {
  return sub(bitcast(bitwiseOr(shiftRight(b, 9), 0x3f800000), defaultFloat), 1);
}

/** The interval [min, max) that numbers are drawn from. Default [0, 1). */
export interface Interval {
  /** Included. Default 0. */
  readonly min?: number;
  /** Not included. Default 1. */
  readonly max?: number;
}

/**
 * Numbers uniform in [min, max): f32, of the given shape. However few floats there are between the two, `max` is not among them.
 *
 * ```ts
 * import { random, toArray } from "../mod.ts";
 * console.log(await toArray(random.uniform(random.key(0), [2], { min: -1, max: 1 }))); // [0.895..., 0.957...]
 * ```
 *
 * @throws {RangeError} If no f32 lies in the interval.
 */
export function uniform(k: Key, shape: Shape, options: Interval = {}): Tensor {
  const { min = 0, max = 1 } = checkOptions(options, intervalOptions, "uniform");
  const unit = fractions(bits(k, shape));
  if (min === 0 && max === 1) return unit;
  const [least, most] = [floatFrom(defaultFloat, min), floatBelow(defaultFloat, max)];
  if (!(least <= most)) {
    throw new RangeError(`Cannot draw numbers from [${min}, ${max}): no ${defaultFloat} lies in it`);
  }
  // By halves, whose difference does not overflow; what is rounded to the end is put back.
  const [from, width] = [min / 2, max / 2 - min / 2];
  return clip(mul(add(mul(unit, width), from), 2), { min: least, max: most });
}

/** Options of `normal`. */
export interface NormalOptions {
  /** Default 0. */
  readonly mean?: Scalar;
  /** The standard deviation. Default 1. */
  readonly std?: Scalar;
}

const normalOptions = optionTable<NormalOptions>({ mean: scalar, std: scalar });

/**
 * Normally distributed numbers (Box and Muller's method): f32, of the given shape.
 *
 * ```ts
 * import { random, toArray } from "../mod.ts";
 * console.log(await toArray(random.normal(random.key(0), [3]))); // [-0.840..., 0.232..., -1.738...]
 * ```
 */
export function normal(k: Key, shape: Shape, options: NormalOptions = {}): Tensor {
  const { mean = 0, std = 1 } = checkOptions(options, normalOptions, "normal");
  const [x, y] = threefry2x32(words(k), [zero(), counters(shape)]);
  // 1 - u is in (0, 1], where the logarithm is finite.
  const radius = sqrt(mul(-2, log(sub(1, fractions(x)))));
  const z = mul(radius, cos(mul(fractions(y), 2 * Math.PI)));
  return mean === 0 && std === 1 ? z : add(mul(z, std), mean);
}

/** Between which bounds to keep normal numbers, in deviations from the mean, and the type of the result. */
export interface TruncatedNormalOptions {
  /** Default -2. */
  readonly min?: number;
  /** Default 2. */
  readonly max?: number;
  /** A floating type. Default f32. */
  readonly dtype?: DType;
}

const truncatedNormalOptions = optionTable<TruncatedNormalOptions>({ min: real, max: real, dtype: elementType });

/**
 * Normal numbers with mean 0 and deviation 1 before those outside [min, max] are left out: inside, their density keeps its shape.
 * Between the default bounds the deviation of what is left is 0.8796.
 *
 * ```ts
 * import { abs, item, max, random } from "../mod.ts";
 * console.log(await item(max(abs(random.truncatedNormal(random.key(0), [100])))) <= 2); // true
 * ```
 *
 * @throws {RangeError} If `min` is not below `max`, or so little lies between them that f32 cannot tell their probabilities apart.
 */
export function truncatedNormal(
  k: Key,
  shape: Shape,
  options: TruncatedNormalOptions = {},
): Tensor {
  const { min = -2, max = 2, dtype = defaultFloat } = checkOptions(options, truncatedNormalOptions, "truncatedNormal");
  if (!(min < max) || min > 4 || max < -4) {
    throw new RangeError(
      `Cannot draw normal numbers from [${min}, ${max}]: the first must be the smaller, and they must reach [-4, 4]`,
    );
  }
  if (!isFloat(dtype)) {
    throw new DTypeError(`Cannot draw normal numbers of type ${dtype}: it needs a floating type`, { dtype });
  }
  // Halfway between the multiples of 2^-23 that uniform gives, so that neither end is met; then the inverse of the distribution.
  const unit = add(uniform(k, shape), 2 ** -24);
  const [from, to] = [erf(min * Math.SQRT1_2), erf(max * Math.SQRT1_2)];
  const z = mul(erfinv(add(from, mul(unit, sub(to, from)))), Math.SQRT2);
  // Bounds that the type holds are not rounded beyond them.
  const [least, most] = [floatFrom(dtype, min), -floatFrom(dtype, -max)];
  return cast(clip(z, { min: least, max: most }), dtype);
}

const randintOptions = optionTable<{ readonly min?: number; readonly max: number }>({ min: real, max: needed(real) });

/**
 * Integers uniform in [min, max): i32. Small numbers are more probable by less than range / 2^32.
 *
 * ```ts
 * import { random, toArray } from "../mod.ts";
 * console.log(await toArray(random.randint(random.key(0), [5], { max: 10 }))); // [7, 2, 6, 5, 5]
 * ```
 *
 * @throws {RangeError} If the interval is empty, or its bounds are not whole or beyond those of i32.
 */
export function randint(k: Key, shape: Shape, options: { readonly min?: number; readonly max: number }): Tensor {
  const { min = 0, max } = checkOptions(options, randintOptions, "randint");
  const [least, most] = wholeRange(indexType);
  if (!Number.isInteger(min) || !Number.isInteger(max) || max <= min || min < least || max > most + 1) {
    throw new RangeError(
      `Cannot draw integers from [${min}, ${max}): the bounds must be integers from ${least} to ${most + 1}, the second larger`,
    );
  }
  const [drawn, count] = [bits(k, shape), max - min];
  // As i32 the upper half of u32 are negative numbers, and adding `min` wraps around to what was meant.
  return add(bitcast(count > most - least ? drawn : rem(drawn, count), indexType), min);
}

/**
 * True with probability `p`, for each element: bool, of the given shape.
 *
 * ```ts
 * import { random, toArray } from "../mod.ts";
 * console.log(await toArray(random.bernoulli(random.key(0), 0.5, [4]))); // [false, false, true, true]
 * ```
 */
export function bernoulli(k: Key, p: Scalar, shape: Shape): Tensor {
  ask(argument(p, scalar, "p", "bernoulli"), "is a probability", (value) => fraction(value, "p"));
  return lt(uniform(k, shape), p);
}

/**
 * Numbers of the standard Gumbel distribution, whose density is e^-(x + e^-x): f32, of the given shape. Added to logits they make
 * the largest one a random choice by softmax (`categorical`), and their softmax a differentiable approximation of it.
 *
 * ```ts
 * import { add, div, random, softmax, tensor } from "../mod.ts";
 * const logits = tensor([[1, 2, 3]]);
 * const soft = softmax(div(add(logits, random.gumbel(random.key(0), [1, 3])), 0.5)); // as PyTorch's gumbel_softmax with tau = 0.5
 * console.log(soft.shape); // [1, 3]
 * ```
 *
 * @see JAX's jax.random.gumbel
 */
export function gumbel(k: Key, shape: Shape): Tensor {
  // u in (0, 1), the finer the closer to 0, where the largest numbers come from.
  const u = minimum(mul(add(cast(bits(k, shape), defaultFloat), 0.5), 2 ** -32), 1 - 2 ** -24);
  return neg(log(neg(log1p(neg(u)))));
}

/** Options of `categorical`. */
export interface CategoricalOptions {
  /** The axis of the logits along which the classes are. Default -1. */
  readonly axis?: number;
  /** How many are drawn: the result's shape, which ends with that of the logits without their axis. Default that, one for each. */
  readonly shape?: Shape;
}

const categoricalOptions = optionTable<CategoricalOptions>({ axis: whole, shape: naturals });

/**
 * Positions drawn at random along an axis, each with the probability that the softmax of the logits gives it: i32. What has a logit
 * of -Infinity is never drawn, unless all have.
 *
 * ```ts
 * import { log, random, tensor } from "../mod.ts";
 * const logits = log(tensor([0.1, 0.2, 0.7])); // probabilities by their logarithms
 * console.log(random.categorical(random.key(0), logits).shape); // []
 * console.log(random.categorical(random.key(0), logits, { shape: [1000] }).shape); // [1000]
 * ```
 *
 * @param logits Logarithms of probabilities; they need not sum to 1. Of shape [..., n, ...].
 * @returns Of the given shape; each element in 0 .. n - 1.
 * @throws {ShapeError} If there is no class to draw, or the shape does not end with that of the logits without their axis.
 * @see JAX's jax.random.categorical, whose choices for a key are others; PyTorch's multinomial with replacement
 */
export function categorical(k: Key, logits: Tensor, options: CategoricalOptions = {}): Tensor {
  const { axis = -1, shape } = checkOptions(options, categoricalOptions, "categorical");
  words(k);
  const given = argument(logits, tensors, "logits", "categorical").shape;
  const along = normalizeAxis(axis, given.length, "draw classes");
  const single = given.filter((_, i) => i !== along);
  const times = (shape ?? single).length - single.length;
  if (shape && (times < 0 || !sameShape(shape.slice(times), single))) {
    throw new ShapeError(
      `Cannot draw classes by logits ${showShape(given)} in the shape ${showShape(shape)}: it must end with ${
        showShape(single)
      }, ` +
        `theirs without axis ${along}`,
      { shape, logits: given },
    );
  }
  const noise = gumbel(k, [...(shape ?? single).slice(0, times), ...given]);
  return argmax(add(logits, noise), { axis: times + along });
}

/**
 * The integers from 0 to below `x` in random order, i32; of a tensor its slices along an axis in random order.
 *
 * ```ts
 * import { data, random, sort } from "../mod.ts";
 * const order = random.permutation(random.key(0), 5);
 * console.log([...await data(sort(order))]); // [0, 1, 2, 3, 4]
 * ```
 *
 * @param x How many numbers, or a tensor with at least one axis.
 * @throws {RangeError} If `x` is neither a tensor nor an integer of at least 0.
 */
export function permutation(k: Key, x: Tensor | number, options: { readonly axis?: number } = {}): Tensor {
  const { axis = 0 } = checkOptions(options, axisOption, "permutation");
  if (isNumber(x)) {
    normalizeAxis(axis, 1, "permute at random");
    const count = integer(x, "The number of elements", 0);
    return take(arange(count), permutationOf(k, count));
  }
  const along = normalizeAxis(axis, argument(x, tensors, "x", "permutation").rank, "permute at random");
  return take(x, permutationOf(k, x.shape[along]), { axis: along });
}

/** Places sorted by random bits. Equal bits keep their order, so long lists are shuffled again until that cannot be noticed. */
function permutationOf(k: Key, size: number): Tensor {
  const rounds = Math.max(1, Math.ceil(3 * Math.log2(Math.max(1, size)) / 32));
  return split(k, rounds)
    .map((each) => argsort(bits(each, [size])))
    .reduce((order, next) => take(order, next));
}
