/**
 * Tensors in the safetensors format: one entry from its bytes, all of them as bytes.
 *
 * @module
 */
import type { Shape } from "../../core/shape.ts";
import { OptionError } from "../../core/errors.ts";
import { toBytes } from "../../core/execution/read.ts";
import { checkedInside, describe } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import { fromHost } from "../../core/ops/from_values.ts";
import { Tensor } from "../../core/tensor.ts";
import { broken, unsupported } from "../failures.ts";
import { elementsFrom, nameOf } from "./elements.ts";
import { type Header, layOut, writeHeader } from "./header.ts";
import type { Entry, NamedTensors, WriteOptions } from "./types.ts";

/**
 * The tensor of an entry; `bytes` are its own.
 *
 * @throws {Failure} If no dtype holds its elements.
 */
export function tensorFrom(bytes: ArrayBuffer, { type, shape }: Entry, name: string, file: string): Tensor {
  const elements = elementsFrom(type, bytes);
  if (elements === undefined) {
    throw unsupported(file, `its tensor ${JSON.stringify(name)} has elements of ${type}, which no dtype holds`, name);
  }
  const { dtype } = elements;
  if ("index" in elements) {
    const reason = `its tensor ${
      JSON.stringify(name)
    } has ${elements.value} at index ${elements.index}, which ${dtype} cannot hold`;
    throw broken(file, "safetensors", "range", reason, name);
  }
  return fromHost(elements.values, shape as Shape, dtype);
}

/** A file: its header, and the tensors in the order in which their elements follow. */
export interface Layout {
  readonly header: Uint8Array;
  readonly tensors: readonly Tensor[];
  readonly bytes: number;
}

const writeOptions = optionTable<WriteOptions>({ metadata: checkedInside() });

/**
 * How tensors lie in a file.
 *
 * @throws {TypeError} If something is no tensor, or metadata no text.
 * @throws {OptionError} If a name cannot stand in a file.
 */
export function layoutOf(tensors: NamedTensors, options: WriteOptions, what: string): Layout {
  const { metadata = {} } = checkOptions(options, writeOptions, what);
  checkTensors(tensors, what);
  checkMetadata(metadata, what);
  const described = Object.entries(tensors).map(([name, x]) => ({ name, type: nameOf(x.dtype), shape: x.shape }));
  const entries = layOut(described);
  const header = writeHeader({ entries, metadata });
  const end = Math.max(0, ...[...entries.values()].map(({ offsets }) => offsets[1]));
  return { header, tensors: [...entries.keys()].map((name) => tensors[name]), bytes: header.length + end };
}

/** The header, then the elements of one tensor after the other; the next one is read from the device while one is taken. */
export async function* partsOf({ header, tensors }: Layout): AsyncGenerator<Uint8Array> {
  yield header;
  let next = tensors.length > 0 ? toBytes(tensors[0]) : undefined;
  for (let i = 0; next !== undefined; i++) {
    const bytes: Uint8Array = await next;
    next = i + 1 < tensors.length ? toBytes(tensors[i + 1]) : undefined;
    // Nobody may come to ask for the next one.
    next?.catch(() => {});
    yield bytes;
  }
}

function checkTensors(tensors: NamedTensors, what: string): void {
  if (typeof tensors !== "object" || tensors === null || Array.isArray(tensors) || tensors instanceof Tensor) {
    throw new TypeError(`Cannot call ${what} with ${describe(tensors)}: it takes a record of tensors by name`);
  }
  for (const [name, x] of Object.entries(tensors)) {
    if (!(x instanceof Tensor)) {
      const remedy = "layers.stateDict makes a record of tensors from nested parameters";
      throw new TypeError(`Cannot call ${what} with ${describe(x)} for ${JSON.stringify(name)}: it must be a tensor; ${remedy}`);
    }
    if (name === "__metadata__" || !name.isWellFormed()) {
      const why = name === "__metadata__" ? "the format has that name for itself" : "it is not well-formed Unicode";
      throw new OptionError(`Cannot call ${what} with a tensor named ${JSON.stringify(name)}: ${why}`, { name });
    }
  }
}

function checkMetadata(metadata: Header["metadata"], what: string): void {
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== "string" || !text.isWellFormed() || !name.isWellFormed()) {
      throw new TypeError(
        `Cannot call ${what} with ${describe(text)} as metadata ${JSON.stringify(name)}: it must be well-formed text`,
      );
    }
  }
}
