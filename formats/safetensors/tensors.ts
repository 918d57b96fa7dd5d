/**
 * Tensors as the bytes of a safetensors file.
 *
 * @module
 */
import { OptionError } from "../../core/errors.ts";
import { toBytes } from "../../core/execution/read.ts";
import { aRecord } from "../../core/kinds.ts";
import { quoted } from "../../core/quoted.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import type { Tensor } from "../../core/tensor.ts";
import { checkNamed } from "../arguments.ts";
import { nameOf } from "../elements.ts";
import { type Header, layOut, lengthBytes, metadataName, mostHeaderBytes, writeHeader } from "./header.ts";
import type { NamedTensors } from "../types.ts";
import type { WriteOptions } from "./types.ts";

/** A file: its header, and the tensors in the order in which their elements follow. */
export interface Layout {
  readonly header: Uint8Array;
  readonly tensors: readonly Tensor[];
  readonly bytes: number;
}

const writeOptions = optionTable<WriteOptions>({ metadata: aRecord() });

/**
 * How tensors lie in a file.
 *
 * @throws {TypeError} If something is no tensor, or metadata no text.
 * @throws {OptionError} If a name cannot stand in a file, or they and the metadata are too long for one.
 */
export function layoutOf(tensors: NamedTensors, options: WriteOptions, what: string): Layout {
  const { metadata = {} } = checkOptions(options, writeOptions, what);
  checkNamed(tensors, what, (name) => name === metadataName ? "the format has that name for itself" : undefined);
  checkMetadata(metadata, what);
  const described = Object.entries(tensors).map(([name, x]) => ({ name, type: nameOf(x.dtype), shape: x.shape }));
  const entries = layOut(described);
  const header = writeHeader({ entries, metadata });
  if (header.length - lengthBytes > mostHeaderBytes) {
    const remedy = "put large texts into a file of their own";
    throw new OptionError(
      `Cannot call ${what} with ${header.length - lengthBytes} bytes of names, metadata and values that are no tensors: ` +
        `a safetensors file has room for ${mostHeaderBytes}; ${remedy}`,
      { bytes: header.length - lengthBytes, most: mostHeaderBytes },
    );
  }
  const end = [...entries.values()].at(-1)?.offsets[1] ?? 0;
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

function checkMetadata(metadata: Header["metadata"], what: string): void {
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== "string" || !text.isWellFormed() || !name.isWellFormed()) {
      throw new TypeError(
        `Cannot call ${what} with ${quoted(text)} as metadata ${JSON.stringify(name)}: it must be well-formed text`,
      );
    }
  }
}
