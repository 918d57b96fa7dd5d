/**
 * Saving a checkpoint.
 *
 * @module
 */
import { argument, aString, natural, oneOf, real } from "../../core/kinds.ts";
import { toBytes } from "../../core/execution/read.ts";
import { checkOptions, optionTable } from "../../core/options.ts";
import type { FormatTask } from "../errors.ts";
import { attemptAsync, writeFailed } from "../failures.ts";
import { inTurn, writeFile } from "../files.ts";
import { layoutOf } from "../safetensors/tensors.ts";
import { metadataOf, pathOf, readRecord, stepsIn } from "./folder.ts";
import { takenApart } from "./leaves.ts";
import type { SaveOptions } from "./types.ts";

const saveOptions = optionTable<SaveOptions>({ keep: natural, metric: real, best: oneOf("max", "min") });

/**
 * Saves a tree: parameters, state, the optimizer's state, keys, numbers, texts. All of it is there after that, or nothing is, whenever
 * the process ends; processes that save into one folder take turns.
 *
 * The tensors are copied off the device when the task is started: training goes on, and may donate them, while the copies are written,
 * if the promise is awaited later.
 *
 * ```ts
 * import { checkpoints, ones, type Tensor } from "../../mod.ts";
 * const folder = await Deno.makeTempDir();
 * const training = { params: { weight: ones([2, 3]) }, epoch: 3, best: 0.5 };
 * const saved = await checkpoints.save(folder, 100, training, { keep: 2 })();
 * if (saved._tag === "Left") throw new Error(saved.left.message);
 *
 * const restored = await checkpoints.restore(folder, training)();
 * if (restored._tag === "Left") throw new Error(restored.left.message);
 * console.log(restored.right.step, restored.right.tree.epoch); // 100 3
 * ```
 *
 * @param folder Made if it is not there.
 * @param step A whole number that grows as training goes on; the checkpoint of the same step is replaced.
 * @param tree Records and lists with tensors, numbers, texts, booleans and null.
 * @returns Left if the folder may not be written or the disk is full; what was in the folder is still there.
 * @throws {TypeError} If a leaf cannot be saved: a function, a typed array.
 */
export function save(folder: string, step: number, tree: unknown, options: SaveOptions = {}): FormatTask<void> {
  argument(folder, aString, "folder", "checkpoints.save");
  argument(step, natural, "step", "checkpoints.save");
  const { keep, metric, best = "max" } = checkOptions(options, saveOptions, "checkpoints.save");
  const { tensors, values } = takenApart(tree, "checkpoints.save");
  const layout = layoutOf(tensors, { metadata: metadataOf({ step, metric, values }) }, "checkpoints.save");
  return () => {
    // Read at once, before anything else can donate them.
    const data = layout.tensors.map(toBytes);
    // One that fails may do so before the folder is ours, and nobody awaits it yet.
    for (const read of data) read.catch(() => {});
    return attemptAsync(() => inTurn(folder, () => write(folder, step, layout.header.slice(), data, { keep, best })));
  };
}

async function write(
  folder: string,
  step: number,
  header: Uint8Array,
  reads: readonly Promise<Uint8Array>[],
  { keep, best }: Required<Pick<SaveOptions, "best">> & Pick<SaveOptions, "keep">,
): Promise<void> {
  const data = await Promise.all(reads);
  const [{ sign }, { removeTemporary }] = await Promise.all([import("./digest.ts"), import("../../core/whole_file.ts")]);
  await removeTemporary(folder).catch((cause) => {
    throw writeFailed(folder, cause);
  });
  sign(header, data);
  await writeFile(pathOf(folder, step), [header, ...data], { sync: true });
  await prune(folder, step, keep, best);
}

/** Removes what is older than the newest ones, but for the one that was just saved and the best one. */
async function prune(folder: string, saved: number, keep: number | undefined, best: "max" | "min"): Promise<void> {
  if (keep === undefined) return;
  const steps = await stepsIn(folder).catch((cause) => {
    throw writeFailed(folder, cause);
  });
  // Where newer ones were damaged, training went back to one before them.
  const old = steps.filter((step) => step !== saved).slice(Math.max(0, keep - 1));
  if (old.length === 0) return;
  const kept = await bestOf(folder, steps, best);
  for (const step of old) {
    if (step === kept) continue;
    const path = pathOf(folder, step);
    await Deno.remove(path).catch((cause) => {
      if (!(cause instanceof Deno.errors.NotFound)) throw writeFailed(path, cause);
    });
  }
}

/** The step with the best metric, the newest of equals. */
async function bestOf(folder: string, steps: readonly number[], best: "max" | "min"): Promise<number | undefined> {
  let found: { readonly step: number; readonly metric: number } | undefined;
  for (const step of steps) {
    const record = await attemptAsync(() => readRecord(folder, step));
    const metric = record._tag === "Right" ? record.right.metric : undefined;
    if (metric === undefined) continue;
    if (!found || (best === "max" ? metric > found.metric : metric < found.metric)) found = { step, metric };
  }
  return found?.step;
}
