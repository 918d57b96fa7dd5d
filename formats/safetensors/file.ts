/**
 * Safetensors files: written whole, and read in parts.
 *
 * @module
 */
import { argument, aString } from "../../core/kinds.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { FormatTask } from "../errors.ts";
import { attemptAsync, Failure } from "../failures.ts";
import { type OpenFile, openFile, writeFile } from "../files.ts";
import { tensorFrom } from "../elements.ts";
import { format, type PlacedHeader, readHeader } from "./header.ts";
import { layoutOf, partsOf } from "./tensors.ts";
import type { NamedTensors } from "../types.ts";
import type { Entry, WriteOptions } from "./types.ts";

/** An open file: its header has been read, its tensors have not. Close it by `using` or `Symbol.dispose`. */
export interface SafetensorsFile extends Disposable {
  /** What the file says of each tensor, by name. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** The texts beside them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads one tensor. Left if there is none of that name, or it cannot be read. */
  read(name: string): FormatTask<Tensor>;
}

/**
 * Opens a file and reads its header, whatever its size. Its tensors are read one by one by `read`.
 *
 * ```ts
 * import { formats, ones } from "../../mod.ts";
 * const path = await Deno.makeTempFile();
 * await formats.safetensors.save(path, { weight: ones([2, 3]) })();
 * const opened = await formats.safetensors.open(path)();
 * if (opened._tag === "Left") throw new Error(opened.left.message);
 * using file = opened.right;
 * console.log(file.entries.get("weight")?.shape); // [2, 3]
 * const weight = await file.read("weight")();
 * ```
 *
 * @returns Left if the file is not there, may not be read, or its header breaks a rule of the format.
 */
export function open(path: string): FormatTask<SafetensorsFile> {
  argument(path, aString, "path", "safetensors.open");
  return () =>
    attemptAsync(async () => {
      const file = await openFile(path);
      try {
        return await opened(file);
      } catch (error) {
        file[Symbol.dispose]();
        throw error;
      }
    });
}

async function opened(file: OpenFile): Promise<SafetensorsFile> {
  const header = await readHeader(file);
  const { entries, metadata } = header;
  return {
    entries,
    metadata,
    read: (name) => () => attemptAsync(() => readEntry(file, header, name)),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

async function readEntry(file: OpenFile, { entries, start }: PlacedHeader, name: string): Promise<Tensor> {
  const entry = entries.get(name);
  if (entry === undefined) {
    const message = `Cannot read ${JSON.stringify(name)} from ${file.name}: it has no tensor of that name`;
    throw new Failure({ kind: "Format", message, file: file.name, format, rule: "name", entry: name });
  }
  const [begin, end] = entry.offsets;
  return tensorFrom(await file.read(start + begin, end - begin), { file: file.name, format, entry: name, ...entry });
}

/**
 * Writes tensors to a safetensors file: the same bytes as `encode`. What was at the path before is replaced when all is written; if
 * something fails, it stays.
 *
 * ```ts
 * import { formats, layers, random } from "../../mod.ts";
 * const { params, state } = layers.serial({ fc: layers.linear({ features: 1 }) }).init(random.key(0), [2]);
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const saved = await formats.safetensors.save(path, layers.stateDict(params, state))();
 * if (saved._tag === "Left") throw new Error(saved.left.message);
 * ```
 *
 * @param tensors Tensors by name; `layers.stateDict` makes such a record of parameters and state.
 * @returns Left if the folder is not there or may not be written, or the disk is full.
 * @throws {TypeError | OptionError} If something is not a tensor, or a name or a text is not well-formed.
 */
export function save(path: string, tensors: NamedTensors, options: WriteOptions = {}): FormatTask<void> {
  argument(path, aString, "path", "safetensors.save");
  const layout = layoutOf(tensors, options, "safetensors.save");
  return () => attemptAsync(() => writeFile(path, partsOf(layout)));
}
