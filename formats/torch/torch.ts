/**
 * PyTorch's `.pt` and `.pth` files.
 *
 * @module
 */
import { argument, aString, type Kind, kindOf } from "../../core/kinds.ts";
import { Tensor } from "../../core/tensor.ts";
import { dottedName, mapLeaves } from "../../core/tree.ts";
import { nameOfBytes } from "../arguments.ts";
import type { FormatTask } from "../errors.ts";
import { attemptAsync } from "../failures.ts";
import { readWhole } from "../files.ts";
import type { DecodeOptions } from "../types.ts";
import type { TorchValue } from "./types.ts";

const aValue: Kind<TorchValue> = kindOf("a record or a list", (value) => typeof value === "object" && value !== null);

/**
 * Reads a file that `torch.save` wrote (PyTorch 1.6 or later): a state dict, or records and lists of tensors, numbers and texts. Nothing of
 * it is run: other objects are an error that names them.
 *
 * ```ts ignore
 * import { formats, layers, random } from "../../mod.ts";
 * const file = await formats.torch.load("resnet18.pth")();
 * if (file._tag === "Left") throw new Error(file.left.message);
 * const model = layers.zoo.resNet18({ classes: 1000 });
 * const loaded = layers.loadStateDict(model.init(random.key(0), [3, 224, 224]), formats.torch.tensors(file.right));
 * ```
 *
 * Types stay what they are; i8, i16 and i64 become i32. Tensors that share a storage in PyTorch do not share it here.
 *
 * @returns Left if the file is not there, may not be read, is damaged, or holds what is no tensor, record, list, number or text.
 */
export function load(path: string): FormatTask<TorchValue> {
  argument(path, aString, "path", "torch.load");
  return () => attemptAsync(async () => await read(await readWhole(path), path));
}

/**
 * The same for the bytes of a file.
 *
 * ```ts
 * import { formats } from "../../mod.ts";
 * const read = await formats.torch.decode(Uint8Array.of(1, 2, 3))();
 * console.log(read._tag === "Left" && read.left.kind); // Format
 * ```
 *
 * @returns Left if they are damaged, or hold what is no tensor, record, list, number or text.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): FormatTask<TorchValue> {
  const file = nameOfBytes(bytes, options, "torch.decode");
  return () => attemptAsync(() => read(bytes, file));
}

async function read(bytes: Uint8Array, file: string): Promise<TorchValue> {
  const { readTorch } = await import("./read.ts");
  return await readTorch(bytes, file);
}

/**
 * All tensors of a value by their paths with dots, as `layers.loadStateDict` takes them: those of a state dict keep their names.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * console.log(Object.keys(formats.torch.tensors({ model: { "fc.weight": ones([2]) }, epoch: 3 }))); // ["model.fc.weight"]
 * ```
 *
 * @throws {TypeError} If the value is no record or list.
 */
export function tensors(value: TorchValue): Record<string, Tensor> {
  argument(value, aValue, "value", "torch.tensors");
  const found: [string, Tensor][] = [];
  mapLeaves(value, (leaf, path) => {
    if (leaf instanceof Tensor) found.push([dottedName(path), leaf]);
  });
  return Object.fromEntries(found);
}
