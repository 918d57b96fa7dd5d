/**
 * NumPy's `.npz` files: arrays by name, in a zip archive.
 *
 * @module
 */
import { argument, aString } from "../../core/kinds.ts";
import type { Tensor } from "../../core/tensor.ts";
import { checkNamed, nameOfBytes } from "../arguments.ts";
import type { FormatTask } from "../errors.ts";
import { attemptAsync, broken } from "../failures.ts";
import { readWhole, writeFile } from "../files.ts";
import type { DecodeOptions, NamedTensors } from "../types.ts";
import { unzip, zip } from "../zip.ts";
import { arrayBytes, parseArray } from "./array.ts";

const format = "a NumPy archive";
const suffix = ".npy";
const mostNameBytes = 2 ** 16 - 1 - suffix.length;

function tooLong(name: string): string | undefined {
  return new TextEncoder().encode(name).length > mostNameBytes ? `an archive has room for ${mostNameBytes} bytes` : undefined;
}

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
 * @throws {OptionError} If a name is too long for an archive, or not well-formed.
 */
export async function encode(named: NamedTensors): Promise<Uint8Array> {
  checkNamed(named, "npz.encode", tooLong);
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
  const members = await unzip(bytes, file, format);
  const tensors = new Map<string, Tensor>();
  for (const [path, array] of members) {
    const name = path.endsWith(suffix) ? path.slice(0, -suffix.length) : path;
    if (tensors.has(name)) throw broken(file, format, "names", `it has ${JSON.stringify(name)} with and without ${suffix}`, name);
    tensors.set(name, parseArray(array, file, name));
  }
  return Object.fromEntries(tensors);
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
  checkNamed(named, "npz.save", tooLong);
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
