/**
 * The errors a programmer's mistake raises. Each says what could not be done, why, the values at hand and the remedy; the
 * facts are also fields (`error.facts`), so that code and tests need not read the sentence.
 *
 * @module
 */

/** What an error knows beside its sentence. */
export type Facts = Readonly<Record<string, unknown>>;

/** A mistake in how the library was called; the ancestor of the errors below. */
export class CotangentError extends Error {
  /** The values the sentence speaks of. */
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

/** A value was asked for where there is none yet: inside `jit`, `vmap` and their like. */
export class TraceError extends CotangentError {}

/** A tensor was used after its memory had been given away (donated) or released. */
export class DonatedError extends CotangentError {}

/** A device that is not there, or that failed. */
export class DeviceError extends CotangentError {}

/**
 * A device without room for what was to be computed. Nothing has changed by it: what there was is there, and less at once may fit.
 *
 * `facts`: the `bytes` that were asked for in one piece, and the `bytesInUse`; where the device knows them, `bytesFree` and its `limit`.
 */
export class OutOfMemoryError extends DeviceError {}
