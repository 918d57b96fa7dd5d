/**
 * NumPy's `.npz` files: arrays by name, in a zip archive.
 *
 * @module
 */
import { argument, aString } from "../../core/kinds.ts";
import type { Tensor } from "../../core/tensor.ts";
import { checkNamed, nameOfBytes } from "../arguments.ts";
import type { FormatTask } from "../errors.ts";
import { attemptAsync } from "../failures.ts";
import { readWhole, writeFile } from "../files.ts";
import type { DecodeOptions, NamedTensors } from "../types.ts";
import { unzip, zip } from "../zip.ts";
import { arrayBytes, parseArray } from "./array.ts";

const suffix = ".npy";

/**
 * Tensors as the bytes of a `.npz` file that `numpy.load` reads, not packed, as those of `numpy.savez`.
 *
 * ```ts
 * import { formats, tensor } from "../../mod.ts";
 * const bytes = await formats.npz.encode({ x: tensor([1, 2]), y: tensor([3]) });
 * const read = await formats.npz.decode(bytes)();
 * console.log(read._tag === "Right" && Object.keys(read.right)); // ["x", "y"]
 * ```
 *
 * @throws {DTypeError} For bf16, which NumPy does not have.
 */
export async function encode(named: NamedTensors): Promise<Uint8Array> {
  checkNamed(named, "npz.encode");
  return await archive(named);
}

async function archive(named: NamedTensors): Promise<Uint8Array> {
  const members: (readonly [string, Uint8Array])[] = [];
  for (const [name, x] of Object.entries(named)) members.push([`${name}${suffix}`, await arrayBytes(x)]);
  return await zip(members);
}

/**
 * The tensors in the bytes of a `.npz` file, packed or not, by their names.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const read = await formats.npz.decode(await formats.npz.encode({ x: ones([2, 3]) }))();
 * console.log(read._tag === "Right" && read.right.x.shape); // [2, 3]
 * ```
 *
 * @returns Left if the archive is damaged or unpacks to too much, or an array breaks a rule of its format.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): FormatTask<Record<string, Tensor>> {
  const file = nameOfBytes(bytes, options, "npz.decode");
  return () => attemptAsync(() => tensorsIn(bytes, file));
}

async function tensorsIn(bytes: Uint8Array, file: string): Promise<Record<string, Tensor>> {
  const members = await unzip(bytes, file, "a NumPy archive");
  const entries = [...members].map(([path, array]) => {
    const name = path.endsWith(suffix) ? path.slice(0, -suffix.length) : path;
    return [name, parseArray(array, file, name)] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * Writes tensors to a `.npz` file: the same bytes as `encode`. What was at the path before is replaced when all is written.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const path = await Deno.makeTempFile({ suffix: ".npz" });
 * const saved = await formats.npz.save(path, { x: ones([2, 3]) })();
 * if (saved._tag === "Left") throw new Error(saved.left.message);
 * ```
 *
 * @returns Left if the folder is not there or may not be written, or the disk is full.
 */
export function save(path: string, named: NamedTensors): FormatTask<void> {
  argument(path, aString, "path", "npz.save");
  checkNamed(named, "npz.save");
  return () => attemptAsync(async () => await writeFile(path, [await archive(named)]));
}

/**
 * Reads a `.npz` file.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const path = await Deno.makeTempFile({ suffix: ".npz" });
 * await formats.npz.save(path, { x: ones([2, 3]) })();
 * const read = await formats.npz.load(path)();
 * console.log(read._tag === "Right" && read.right.x.shape); // [2, 3]
 * ```
 *
 * @returns Left if the file is not there, may not be read, or breaks a rule of the format.
 */
export function load(path: string): FormatTask<Record<string, Tensor>> {
  argument(path, aString, "path", "npz.load");
  return () => attemptAsync(async () => await tensorsIn(await readWhole(path), path));
}
