/**
 * Arguments of functions that read and write, checked where they come in.
 *
 * @module
 */
import { OptionError } from "../core/errors.ts";
import { aString, type Kind, kindOf } from "../core/kinds.ts";
import { quoted } from "../core/quoted.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { Tensor } from "../core/tensor.ts";
import type { DecodeOptions, NamedTensors } from "./types.ts";

const aByteArray: Kind<Uint8Array> = kindOf("a Uint8Array", (value) => value instanceof Uint8Array);
const decodeOptions = optionTable<DecodeOptions>({ file: aString });

/** What to call bytes, once they and the options are checked. */
export function nameOfBytes(bytes: Uint8Array, options: DecodeOptions, what: string): string {
  if (!aByteArray.holds(bytes)) {
    throw new TypeError(`Cannot call ${what} with ${quoted(bytes)}: it takes the bytes of a file as ${aByteArray.needs}`);
  }
  return checkOptions(options, decodeOptions, what).file ?? "the bytes";
}

/**
 * Checks tensors by name. `whyNot` says of a name why the format cannot have it.
 *
 * @throws {TypeError} If something is no tensor.
 * @throws {OptionError} If a name cannot stand in a file.
 */
export function checkNamed(named: NamedTensors, what: string, whyNot: (name: string) => string | undefined): void {
  if (typeof named !== "object" || named === null || Array.isArray(named) || named instanceof Tensor) {
    throw new TypeError(`Cannot call ${what} with ${quoted(named)}: it takes a record of tensors by name`);
  }
  for (const [name, x] of Object.entries(named)) {
    if (!(x instanceof Tensor)) {
      const remedy = "layers.stateDict makes a record of tensors from nested parameters";
      throw new TypeError(`Cannot call ${what} with ${quoted(x)} for ${JSON.stringify(name)}: it must be a tensor; ${remedy}`);
    }
    const why = name.isWellFormed() ? whyNot(name) : "it is not well-formed Unicode";
    if (why !== undefined) throw new OptionError(`Cannot call ${what} with a tensor named ${quoted(name)}: ${why}`, { name });
  }
}
