/**
 * Finding and restoring checkpoints.
 *
 * @module
 */
import { argument, aString, natural } from "../../core/kinds.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import type { FormatTask } from "../errors.ts";
import { attemptAsync, Failure, readFailed, valueOf } from "../failures.ts";
import { checkReading, readWhole } from "../files.ts";
import { decode } from "../safetensors/bytes.ts";
import { format, pathOf, readRecord, type Record, recordOf, stepsIn } from "./folder.ts";
import { type Parts, putTogether } from "./leaves.ts";
import type { Checkpoint, Restored, RestoreOptions } from "./types.ts";

const restoreOptions = optionTable<RestoreOptions>({ step: natural });

/**
 * Restores the newest checkpoint of a folder, or that of a step. One that is damaged is passed over for the one before, and named in
 * `skipped`.
 *
 * ```ts
 * import { checkpoints, zeros } from "../../mod.ts";
 * const folder = await Deno.makeTempDir();
 * const start = { weight: zeros([2]), epoch: 0 };
 * const restored = await checkpoints.restore(folder, start)();
 * console.log(restored._tag === "Left" && restored.left.kind); // NotFound
 * ```
 *
 * @param like A tree of the same form: what training would begin with. Tensors must have its shapes and dtypes.
 * @returns Left if there is no checkpoint, none is whole, or it is of another tree: the error names all that differs.
 */
export function restore<T>(folder: string, like: T, options: RestoreOptions = {}): FormatTask<Restored<T>> {
  argument(folder, aString, "folder", "checkpoints.restore");
  const { step } = checkOptions(options, restoreOptions, "checkpoints.restore");
  return () => attemptAsync(() => newestWhole(folder, like, step));
}

async function newestWhole<T>(folder: string, like: T, wanted: number | undefined): Promise<Restored<T>> {
  const skipped: { readonly step: number; readonly reason: string }[] = [];
  for (const step of wanted === undefined ? await stepsOf(folder) : [wanted]) {
    const read = await attemptAsync(() => readCheckpoint(folder, step));
    if (read._tag === "Right") {
      const { record, parts } = read.right;
      return { step, metric: record.metric, tree: putTogether(like, parts, pathOf(folder, step)), skipped };
    }
    if (wanted !== undefined || read.left.kind === "Permission") throw new Failure(read.left);
    skipped.push({ step, reason: read.left.message });
  }
  const what = `Cannot restore a checkpoint from ${folder}`;
  if (skipped.length === 0) throw new Failure({ kind: "NotFound", message: `${what}: there is none`, file: folder });
  const message = `${what}: none is whole; ${skipped.map(({ reason }) => reason).join("; ")}`;
  throw new Failure({ kind: "Format", message, file: folder, format, rule: "whole" });
}

/** The steps of a folder, the newest first; none if there is no folder. */
async function stepsOf(folder: string): Promise<number[]> {
  checkReading(folder);
  try {
    return await stepsIn(folder);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw readFailed(folder, cause);
  }
}

async function readCheckpoint(folder: string, step: number): Promise<{ readonly record: Record; readonly parts: Parts }> {
  const path = pathOf(folder, step);
  const bytes = await readWhole(path);
  const { checkDigest } = await import("./digest.ts");
  checkDigest(bytes, path);
  const { tensors, metadata } = valueOf(decode(bytes, { file: path }));
  const record = recordOf(metadata, step, path);
  return { record, parts: { tensors, values: record.values } };
}

/**
 * The checkpoints of a folder, the newest first; none if there is no folder. Whether their tensors are whole is found out by `restore`.
 *
 * ```ts
 * import { checkpoints } from "../../mod.ts";
 * const listed = await checkpoints.list("no such folder")();
 * console.log(listed._tag === "Right" && listed.right); // []
 * ```
 *
 * @returns Left if the folder may not be read.
 */
export function list(folder: string): FormatTask<Checkpoint[]> {
  argument(folder, aString, "folder", "checkpoints.list");
  return () =>
    attemptAsync(async () => {
      const found: Checkpoint[] = [];
      for (const step of await stepsOf(folder)) {
        const record = await attemptAsync(() => readRecord(folder, step));
        if (record._tag === "Right") found.push({ step, metric: record.right.metric });
        else if (record.left.kind === "Permission") throw new Failure(record.left);
      }
      return found;
    });
}

/**
 * The step of the newest checkpoint of a folder; undefined if there is none.
 *
 * ```ts
 * import { checkpoints } from "../../mod.ts";
 * const newest = await checkpoints.latest("no such folder")();
 * console.log(newest._tag === "Right" && newest.right); // undefined
 * ```
 *
 * @returns Left if the folder may not be read.
 */
export function latest(folder: string): FormatTask<number | undefined> {
  argument(folder, aString, "folder", "checkpoints.latest");
  return () => attemptAsync(async () => valueOf(await list(folder)())[0]?.step);
}
