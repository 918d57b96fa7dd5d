/**
 * Where a training run stands, and keeping that in a folder: a run that was broken off goes on as if it had not been.
 *
 * @module
 */
import { tryFolder } from "../../core/whole_file.ts";
import { permitted, reading, writing } from "../../core/permissions.ts";
import type { ImageDataset } from "../../datasets/mod.ts";
import { Either, pipe, TaskEither } from "../../deps.ts";
import { checkpoints } from "../../mod.ts";
import type { TrainState } from "../parts/training.ts";
import { guarded } from "./device.ts";
import { failed, type Failure, reasonOf } from "./failure.ts";
import type { Options } from "./options.ts";
import type { EpochReport } from "./report.ts";

/** All that the next step depends on, and what has been measured so far. */
export interface Progress {
  readonly train: TrainState;
  /** The epoch that is being trained, from 1. */
  readonly epoch: number;
  /** How many of its steps are done. */
  readonly step: number;
  /** How long they took. */
  readonly seconds: number;
  /** Milliseconds of a step in each stretch between two readings of the loss. */
  readonly intervals: readonly number[];
  /** The epochs that are done. */
  readonly epochs: readonly EpochReport[];
}

/** A run that has not begun. */
export function beginning(train: TrainState): Progress {
  return { train, epoch: 1, step: 0, seconds: 0, intervals: [], epochs: [] };
}

/** What a run's numbers depend on: a run that goes on must have the same. */
function settingsOf({ model, optimizer, lr, momentum, batchSize, seed }: Options, data: ImageDataset) {
  return { model, optimizer, lr, momentum, "batch-size": batchSize, seed, data: data.name, images: data.train.count };
}

/** The progress as checkpoints hold it: what has no fixed form is one text. */
function treeOf({ train, ...rest }: Progress, options: Options, data: ImageDataset) {
  return { train, rest: JSON.stringify(rest), settings: settingsOf(options, data) };
}

/** Keeps a run's progress. */
export interface ProgressKeeper {
  /** What to go on from: the progress of the newest whole checkpoint if there is one and that was asked for, or `begin`. */
  resume(begin: Progress): TaskEither.TaskEither<Failure, Progress>;
  /** In the middle of an epoch: keeps the progress if enough steps have passed, unless what was kept before is still being written. */
  afterStep(progress: () => Progress): void;
  /** Whether something is being written, which goes on whenever the program yields to the event loop. */
  readonly isSaving: boolean;
  /** Keeps the progress at the end of an epoch, with its accuracy: the best one stays. */
  afterEpoch(progress: Progress): Promise<void>;
  /** Keeps the progress before the program ends for a reason; the result is the reason, which says so. */
  beforeEnd(progress: Progress, reason: Failure): Promise<Failure>;
  /** Waits until all is written; Left if the last checkpoint could not be. */
  readonly finish: TaskEither.TaskEither<Failure, void>;
}

/** How many of the newest checkpoints stay, beside that of the best epoch: one may turn out to be damaged. */
const kept = 3;

/**
 * A keeper for the folder of `--checkpoint` and the data of the run, once it is sure that the folder can be written and mixes no two runs;
 * without a folder, a keeper that keeps nothing.
 *
 * @param say Tells what happens meanwhile.
 */
export function openKeeper(
  options: Options,
  say: (text: string) => void,
): TaskEither.TaskEither<Failure, (data: ImageDataset) => ProgressKeeper> {
  const { checkpoint: folder } = options;
  if (folder === undefined) return TaskEither.right(() => nothingKept);
  return pipe(
    TaskEither.fromEither(permitted([reading(folder), writing(folder)], `keep checkpoints in ${folder}`)),
    TaskEither.flatMap(() =>
      TaskEither.tryCatch(
        () => Deno.mkdir(folder, { recursive: true }).then(() => tryFolder(folder)),
        (cause) => ({ message: `Cannot keep checkpoints in ${folder}: ${reasonOf(cause)}` }),
      )
    ),
    TaskEither.flatMap(() => checkpoints.latest(folder)),
    TaskEither.mapLeft(({ message }) => failed(message)),
    TaskEither.filterOrElse(
      (newest) => newest === undefined || options.resume === true,
      (newest) =>
        failed(
          `Cannot keep checkpoints in ${folder}: it has those of another run, up to step ${newest}; ` +
            "go on with it by --resume, or choose another folder",
        ),
    ),
    TaskEither.map(() => (data) => keeperOf(folder, options, data, say)),
  );
}

const nothingKept: ProgressKeeper = {
  resume: TaskEither.right,
  afterStep: () => {},
  isSaving: false,
  afterEpoch: async () => {},
  beforeEnd: (_, reason) => Promise.resolve(reason),
  finish: TaskEither.right(undefined),
};

function keeperOf(folder: string, options: Options, data: ImageDataset, say: (text: string) => void): ProgressKeeper {
  let saving: Promise<Either.Either<Failure, void>> = Promise.resolve(Either.right(undefined));
  let isSaving = false;
  let lastSaved = 0;

  const stepsDone = ({ epoch, step }: Progress) => (epoch - 1) * Math.ceil(data.train.count / options.batchSize) + step;

  const save = (progress: Progress, metric?: number) => {
    lastSaved = stepsDone(progress);
    isSaving = true;
    const task = pipe(
      checkpoints.save(folder, lastSaved, treeOf(progress, options, data), { keep: kept, metric }),
      TaskEither.mapLeft(({ message }) => failed(message)),
    );
    saving = guarded(task)().then((saved) => {
      isSaving = false;
      if (Either.isLeft(saved)) say(saved.left.message);
      return saved;
    });
    return saving;
  };

  return {
    resume: (begin) => {
      if (!options.resume) return TaskEither.right(begin);
      return pipe(
        restored(folder, treeOf(begin, options, data), say),
        TaskEither.map((tree) => {
          if (tree === undefined) return begin;
          const progress: Progress = { ...JSON.parse(tree.rest), train: tree.train };
          lastSaved = stepsDone(progress);
          return progress;
        }),
      );
    },
    afterStep: (progress) => {
      if (options.checkpointSteps === undefined || isSaving) return;
      const now = progress();
      if (stepsDone(now) - lastSaved < options.checkpointSteps) return;
      save(now);
    },
    get isSaving() {
      return isSaving;
    },
    afterEpoch: async (progress) => {
      await saving;
      save(progress, progress.epochs.at(-1)?.testAccuracy);
    },
    beforeEnd: async (progress, reason) => {
      const saved = await save(progress);
      if (Either.isLeft(saved)) return reason;
      const where = `What the training needs to go on is in ${folder} (step ${lastSaved}): start it again with --resume`;
      return { ...reason, message: `${reason.message}\n${where}` };
    },
    // What failed has been said.
    finish: pipe(() => saving, TaskEither.mapLeft((failure) => ({ ...failure, message: "" }))),
  };
}

type Tree = ReturnType<typeof treeOf>;

/** The tree of the newest whole checkpoint, if it is of a run with the same settings; undefined if there is none. */
function restored(folder: string, like: Tree, say: (text: string) => void): TaskEither.TaskEither<Failure, Tree | undefined> {
  return async () => {
    const found = await checkpoints.restore(folder, like)();
    if (found._tag === "Left") {
      if (found.left.kind !== "NotFound") return Either.left(failed(found.left.message));
      say(`There is no checkpoint in ${folder} yet: the training starts`);
      return Either.right(undefined);
    }
    const { step, tree, skipped } = found.right;
    for (const passed of skipped) say(`The checkpoint of step ${passed.step} is passed over. ${passed.reason}`);
    const other = differences(tree.settings, like.settings);
    if (other.length > 0) {
      return Either.left(failed(`Cannot resume from ${folder}: its run has ${other.join(", ")}`));
    }
    say(`Goes on from step ${step}, kept in ${folder}`);
    return Either.right(tree);
  };
}

/** What another run has for each setting that is not ours. */
function differences(theirs: Tree["settings"], ours: Tree["settings"]): string[] {
  return (Object.keys(ours) as (keyof typeof ours)[]).filter((name) => theirs[name] !== ours[name])
    .map((name) => `${name} ${theirs[name]}, not ${ours[name]}`);
}
