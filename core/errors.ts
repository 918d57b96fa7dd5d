/**
 * The errors a programmer's mistake raises. Each states what could not be done, why, the values at hand and the remedy; the
 * facts are also fields (`error.facts`), so that code and tests need not read the sentence.
 *
 * @module
 */
import { nameClasses } from "./quoted.ts";

/** The values behind an error's message, by name. */
export type Facts = Readonly<Record<string, unknown>>;

/** A mistake in how the library was called: the base class of the errors below. */
export class CotangentError extends Error {
  /** The values that the message names. */
  readonly facts: Facts;

  /** `facts`: the values the message speaks of. */
  constructor(message: string, facts: Facts = {}, options?: ErrorOptions) {
    super(message, options);
    this.facts = facts;
    this.name = new.target.name;
  }
}

/** Shapes, axes or sizes that do not fit together. */
export class ShapeError extends CotangentError {}

/** An element type that an operation or a device cannot take. */
export class DTypeError extends CotangentError {}

/** An option that does not exist, or one that is missing. Facts: the `option`, and the `options` there are; `nearest` to a wrong name. */
export class OptionError extends CotangentError {}

/** A value was read where there is none yet: inside a function that `jit`, `vmap` or another transform traces. */
export class TraceError extends CotangentError {}

/** A tensor was used after its memory had been donated or released. */
export class DonatedError extends CotangentError {}

/** A device that does not exist on this machine, or that failed. */
export class DeviceError extends CotangentError {}

/**
 * A device ran out of memory, or more was asked for than any has. Nothing else has changed: existing tensors keep their values, and a smaller computation may fit.
 *
 * `facts`: the `bytes` that were requested in one piece; where they are known, the `bytesInUse`, `bytesFree` and the `limit`.
 */
export class OutOfMemoryError extends DeviceError {}

/**
 * Processes that train together do not agree, one of them does not come, or there is no library through which they could speak. After the first
 * two nothing can be exchanged any more: end the program.
 */
export class DistributedError extends CotangentError {}

/**
 * A NaN or an infinity came out of an operation on finite numbers, and COTANGENT_DEBUG=nan looks for such.
 *
 * `facts`: the name of the `op`, the `shape` and `dtype` of its result, the path of the `layer` it belongs to, the `location` in the
 * user's program, and the operation whose `derivative` it is part of, where there are such.
 */
export class NonFiniteError extends CotangentError {}

nameClasses({
  CotangentError,
  ShapeError,
  DTypeError,
  OptionError,
  TraceError,
  DonatedError,
  DeviceError,
  OutOfMemoryError,
  DistributedError,
  NonFiniteError,
});
