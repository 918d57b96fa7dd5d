/**
 * Errors that name the layer in which they happened.
 *
 * @module
 */
import { inLayer } from "../core/ops/watch.ts";
import { CotangentError, DTypeError, type Facts, ShapeError } from "../core/errors.ts";
import { type Shape, showShape } from "../core/shape.ts";

/** Where an error occurred: the path of the layer, its input and the original error. */
interface LayerError {
  readonly layer: string;
  readonly input: Shape;
  readonly cause: Error;
}

/** By the errors thrown for them: the layers around the one that failed extend the path. */
const layerErrors = new WeakMap<Error, LayerError>();

/**
 * Runs a stage; if it fails, the error names it (after those of the stages around it) and its input.
 *
 * @throws {Error} The kinds of error that a misfit raises, as `Cannot apply layer "conv1" to input [64, 28, 28]: ...`, with the
 * original as cause; other errors unchanged.
 */
export function atLayer<T>(name: string, input: Shape, run: () => T): T {
  try {
    return inLayer(name, run);
  } catch (error) {
    throw error instanceof Error ? withPath(error, name, input) : error;
  }
}

function withPath(error: Error, name: string, input: Shape): Error {
  const inner = layerErrors.get(error);
  const outer = inner ? { ...inner, layer: `${name}.${inner.layer}` } : { layer: name, input, cause: error };
  const rebuilt = rebuild(outer);
  if (rebuilt !== outer.cause) layerErrors.set(rebuilt, outer);
  return rebuilt;
}

function rebuild({ layer, input, cause }: LayerError): Error {
  const message = `Cannot apply layer "${layer}" to input ${showShape(input)}: ${reason(cause.message, input)}`;
  const facts: Facts = { ...(cause instanceof CotangentError ? cause.facts : {}), layer, input };
  if (cause instanceof ShapeError) return new ShapeError(message, facts, { cause });
  if (cause instanceof DTypeError) return new DTypeError(message, facts, { cause });
  if (cause instanceof RangeError) return new RangeError(message, { cause });
  if (cause instanceof TypeError) return new TypeError(message, { cause });
  return cause;
}

/**
 * What an error says beyond "Cannot apply conv2d to input [64, 28, 28]", if it begins so, about the same input (`init` adds a batch of 1):
 * `conv2d needs 4 axes ...`.
 */
function reason(message: string, input: Shape): string {
  const known = /^Cannot apply (\w+) to input (\[[\d, ]*\]): (it )?/.exec(message);
  if (known && [showShape(input), showShape([1, ...input])].includes(known[2])) {
    return `${known[3] ? `${known[1]} ` : ""}${message.slice(known[0].length)}`;
  }
  return message.replace(/^Cannot/, "cannot");
}
