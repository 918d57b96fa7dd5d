/**
 * Whole safetensors files in memory.
 *
 * @module
 */
import { nameOfBytes } from "../arguments.ts";
import type { FormatResult } from "../errors.ts";
import { attempt } from "../failures.ts";
import { copyOf } from "../files.ts";
import { tensorFrom } from "../elements.ts";
import { format, headerOf } from "./header.ts";
import { layoutOf, partsOf } from "./tensors.ts";
import type { DecodeOptions, NamedTensors } from "../types.ts";
import type { Contents, WriteOptions } from "./types.ts";

/**
 * Tensors as the bytes of a safetensors file: those of the format's reference implementation for the same tensors.
 *
 * ```ts
 * import { formats, tensor } from "../../mod.ts";
 * const bytes = await formats.safetensors.encode({ weight: tensor([1, 2]) }, { metadata: { epoch: "3" } });
 * const read = formats.safetensors.decode(bytes);
 * if (read._tag === "Left") throw new Error(read.left.message);
 * console.log(read.right.tensors.weight.shape, read.right.metadata); // [2] { epoch: "3" }
 * ```
 *
 * @param tensors Tensors by name; `layers.stateDict` makes such a record of parameters and state.
 * @throws {TypeError | OptionError} If something is not a tensor, or a name or a text is not well-formed.
 */
export async function encode(tensors: NamedTensors, options: WriteOptions = {}): Promise<Uint8Array> {
  const layout = layoutOf(tensors, options, "safetensors.encode");
  const bytes = new Uint8Array(layout.bytes);
  let at = 0;
  for await (const part of partsOf(layout)) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * The tensors in the bytes of a safetensors file; the bytes are copied. `BF16`, `F16`, `F32`, `F64`, `BOOL`, `U8`, `I32` and `U32` keep
 * their type; `I8`, `I16` and `I64` become i32, `U16` and `U64` u32.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const read = formats.safetensors.decode(await formats.safetensors.encode({ weight: ones([2, 3]) }));
 * console.log(read._tag === "Right" && read.right.tensors.weight.shape); // [2, 3]
 * ```
 *
 * @returns Left if the bytes break a rule of the format, an integer of 64 bits does not fit, or a type is unknown here.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): FormatResult<Contents> {
  const file = nameOfBytes(bytes, options, "safetensors.decode");
  return attempt(() => {
    const { entries, metadata, start } = headerOf(bytes, file);
    const tensors = [...entries].map(([name, entry]) => {
      const [begin, end] = entry.offsets;
      return [name, tensorFrom(copyOf(bytes, start + begin, end - begin), { file, format, entry: name, ...entry })] as const;
    });
    return { tensors: Object.fromEntries(tensors), metadata };
  });
}
