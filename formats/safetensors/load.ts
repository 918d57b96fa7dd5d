/**
 * All tensors of a safetensors file, or of the several files of a sharded model.
 *
 * @module
 */
import { argument, aString, isRecord } from "../../core/kinds.ts";
import { paths } from "../../core/runtime.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { FormatTask } from "../errors.ts";
import { attemptAsync, broken, valueOf } from "../failures.ts";
import { readText } from "../files.ts";
import { open, type SafetensorsFile } from "./file.ts";
import type { Contents } from "./types.ts";

const indexFormat = "an index of safetensors files";

/**
 * Reads all tensors of a file. A path that ends in `.json` is an index of a sharded model (`model.safetensors.index.json`), whose
 * files lie in the same folder.
 *
 * ```ts
 * import { formats, layers, random } from "../../mod.ts";
 * const model = layers.serial({ fc: layers.linear({ features: 1 }) });
 * const like = model.init(random.key(0), [2]);
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await formats.safetensors.save(path, layers.stateDict(like.params, like.state))();
 *
 * const file = await formats.safetensors.load(path)();
 * if (file._tag === "Left") throw new Error(file.left.message);
 * const loaded = layers.loadStateDict(like, file.right.tensors);
 * ```
 *
 * @returns Left if a file is not there, may not be read, or breaks a rule of the format.
 */
export function load(path: string): FormatTask<Contents> {
  argument(path, aString, "path", "safetensors.load");
  return () => attemptAsync(() => path.endsWith(".json") ? loadShards(path) : loadFile(path));
}

async function loadFile(path: string): Promise<Contents> {
  using file = valueOf(await open(path)());
  return { tensors: Object.fromEntries(await readAll(file, [...file.entries.keys()])), metadata: file.metadata };
}

async function loadShards(path: string): Promise<Contents> {
  const index = parseIndex(await readText(path), path);
  const tensors: (readonly [string, Tensor])[] = [];
  for (const [shard, names] of index.names) {
    using file = valueOf(await open(paths().join(paths().dirname(path), shard))());
    const missing = names.find((name) => !file.entries.has(name));
    if (missing !== undefined) {
      throw broken(path, indexFormat, "weight_map", `${JSON.stringify(missing)} should be in ${shard}, and is not`, missing);
    }
    for (const tensor of await readAll(file, names)) tensors.push(tensor);
  }
  return { tensors: Object.fromEntries(tensors), metadata: index.metadata };
}

async function readAll(file: SafetensorsFile, names: readonly string[]): Promise<(readonly [string, Tensor])[]> {
  const tensors: (readonly [string, Tensor])[] = [];
  // One after the other: their bytes follow each other in the file.
  for (const name of names) tensors.push([name, valueOf(await file.read(name)())]);
  return tensors;
}

/** An index: which names are in which file. */
interface ShardIndex {
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly metadata: Readonly<Record<string, string>>;
}

function parseIndex(text: string, path: string): ShardIndex {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (error) {
    throw broken(path, indexFormat, "JSON", (error as Error).message);
  }
  const map = isRecord(index) ? index.weight_map : undefined;
  if (!isRecord(map)) throw broken(path, indexFormat, "weight_map", "it has no record weight_map of files by name");
  const names = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== "string") {
      throw broken(path, indexFormat, "weight_map", `${JSON.stringify(name)} has no file, but ${JSON.stringify(shard)}`, name);
    }
    checkInside(shard, path, name);
    const others = names.get(shard);
    if (others) others.push(name);
    else names.set(shard, [name]);
  }
  const metadata = isRecord(index) && isRecord(index.metadata) ? index.metadata : {};
  // Beside the number of bytes it may hold what a writer liked.
  return { names, metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, String(value)])) };
}

/** A file must lie in the folder of the index: an index comes from outside, and reads nothing else. */
function checkInside(shard: string, path: string, name: string): void {
  const { dirname, isAbsolute, join, relative } = paths();
  const way = relative(dirname(path), join(dirname(path), shard));
  if (isAbsolute(shard) || shard.includes("\\") || way === "" || way.split("/")[0] === "..") {
    throw broken(path, indexFormat, "folder", `${JSON.stringify(name)} is in ${shard}, which leaves the folder`, name);
  }
}
