/**
 * NumPy's `.npy` files: one array each.
 *
 * @module
 */
import { argument, aString, tensors } from "../../core/kinds.ts";
import type { Tensor } from "../../core/tensor.ts";
import { nameOfBytes } from "../arguments.ts";
import type { FormatResult, FormatTask } from "../errors.ts";
import { attempt, attemptAsync } from "../failures.ts";
import { readWhole, writeFile } from "../files.ts";
import type { DecodeOptions } from "../types.ts";
import { arrayBytes, parseArray } from "./array.ts";

/**
 * A tensor as the bytes of a `.npy` file: those that `numpy.save` writes.
 *
 * ```ts
 * import { formats, tensor } from "../../mod.ts";
 * const bytes = await formats.npy.encode(tensor([[1, 2], [3, 4]]));
 * const read = formats.npy.decode(bytes);
 * console.log(read._tag === "Right" && read.right.shape); // [2, 2]
 * ```
 *
 * @throws {DTypeError} For bf16, which NumPy does not have.
 */
export async function encode(x: Tensor): Promise<Uint8Array> {
  return await arrayBytes(argument(x, tensors, "x", "npy.encode"));
}

/**
 * The tensor in the bytes of a `.npy` file, of either order of bytes and of axes. i8, i16 and i64 become i32, u16 and u64 u32.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const read = formats.npy.decode(await formats.npy.encode(ones([2, 3])));
 * console.log(read._tag === "Right" && read.right.shape); // [2, 3]
 * ```
 *
 * @returns Left if the bytes break a rule of the format, an integer of 64 bits does not fit, or no dtype holds the elements: those of
 * arrays of Python objects are never run.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): FormatResult<Tensor> {
  const file = nameOfBytes(bytes, options, "npy.decode");
  return attempt(() => parseArray(bytes, file, file));
}

/**
 * Writes a tensor to a `.npy` file: the same bytes as `encode`. What was at the path before is replaced when all is written.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * const saved = await formats.npy.save(path, ones([2, 3]))();
 * if (saved._tag === "Left") throw new Error(saved.left.message);
 * ```
 *
 * @returns Left if the folder is not there or may not be written, or the disk is full.
 */
export function save(path: string, x: Tensor): FormatTask<void> {
  argument(path, aString, "path", "npy.save");
  argument(x, tensors, "x", "npy.save");
  return () => attemptAsync(async () => await writeFile(path, [await arrayBytes(x)]));
}

/**
 * Reads a `.npy` file.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await formats.npy.save(path, ones([2, 3]))();
 * const read = await formats.npy.load(path)();
 * console.log(read._tag === "Right" && read.right.shape); // [2, 3]
 * ```
 *
 * @returns Left if the file is not there, may not be read, or breaks a rule of the format.
 */
export function load(path: string): FormatTask<Tensor> {
  argument(path, aString, "path", "npy.load");
  return () => attemptAsync(async () => parseArray(await readWhole(path), path, path));
}
