/**
 * Trained models as safetensors files: the tensors by the names of state dicts, and beside them what else it takes to use the model.
 *
 * @module
 */
import { dirname } from "node:path";
import { tryFile } from "../../core/whole_file.ts";
import { permitted, reading, writing } from "../../core/permissions.ts";
import { Either, pipe, TaskEither } from "../../deps.ts";
import { formats, layers, random } from "../../mod.ts";
import { imageShape, type Model, type ModelName, models } from "../parts/models.ts";
import type { PixelStatistics } from "../parts/training.ts";
import { failed, type Failure, reasonOf } from "./failure.ts";

/** A model that has learned. */
export interface SavedModel {
  readonly model: ModelName;
  readonly classNames: readonly string[];
  /** By which images are normalized before the model sees them. */
  readonly pixels: PixelStatistics;
  readonly params: object;
  readonly state: object;
}

/** Writes a model, in place of an earlier file. */
export type ModelWriter = (model: SavedModel) => TaskEither.TaskEither<Failure, void>;

/** A writer for a file, once it is sure that the file can be written; without a file, a writer that does nothing. */
export function openModelFile(path: string | undefined): TaskEither.TaskEither<Failure, ModelWriter> {
  if (path === undefined) return TaskEither.right(() => TaskEither.right(undefined));
  const folder = dirname(path);
  return pipe(
    TaskEither.fromEither(permitted([reading(folder), writing(folder)], `write the model ${path}`)),
    TaskEither.flatMap(() =>
      TaskEither.tryCatch(
        () => tryFile(path),
        (cause) => ({ message: `Cannot write the model ${path}: ${whyNot(cause, folder)}` }),
      )
    ),
    TaskEither.mapLeft(({ message }) => failed(message)),
    TaskEither.map((): ModelWriter => (model) =>
      pipe(
        formats.safetensors.save(path, layers.stateDict(model.params, model.state), { metadata: metadataOf(model) }),
        TaskEither.mapLeft(({ message }) => failed(message)),
      )
    ),
  );
}

function whyNot(cause: unknown, folder: string): string {
  return cause instanceof Deno.errors.NotFound ? `there is no folder ${folder}` : reasonOf(cause);
}

/** What a file says of its model: text, as safetensors has it. */
function metadataOf({ model, classNames, pixels }: SavedModel): Record<string, string> {
  return { model, classNames: JSON.stringify(classNames), pixels: JSON.stringify(pixels) };
}

/** The model of a file that `openModelFile` wrote. */
export function loadModel(path: string): TaskEither.TaskEither<Failure, SavedModel> {
  return pipe(
    formats.safetensors.load(path),
    TaskEither.mapLeft(({ message }) => failed(message)),
    TaskEither.flatMapEither(({ tensors, metadata }) => modelOf(tensors, metadata, path)),
  );
}

function modelOf(
  tensors: layers.StateDict,
  metadata: Readonly<Record<string, string>>,
  path: string,
): Either.Either<Failure, SavedModel> {
  const described = descriptionOf(metadata);
  if (described === undefined) {
    return Either.left(failed(
      `Cannot use ${path}: its metadata do not say which model it is, as those of mnist_cnn.ts --save do; ` +
        `models: ${Object.keys(models).join(", ")}`,
    ));
  }
  const model: Model = models[described.model];
  return pipe(
    layers.loadStateDict(model.init(random.key(0), imageShape), tensors),
    Either.mapLeft(({ message }) => failed(`${path} is no ${described.model}: ${message}`)),
    Either.map(({ params, state }) => ({ ...described, params, state })),
  );
}

/** What metadata say of a model; undefined if they do not. */
function descriptionOf(metadata: Readonly<Record<string, string>>): Omit<SavedModel, "params" | "state"> | undefined {
  const { model, classNames, pixels } = metadata;
  try {
    const names: unknown = JSON.parse(classNames);
    const { mean, deviation } = JSON.parse(pixels);
    const isRight = isModelName(model) && Array.isArray(names) && names.every((name) => typeof name === "string") &&
      Number.isFinite(mean) && deviation > 0;
    return isRight ? { model, classNames: names, pixels: { mean, deviation } } : undefined;
  } catch {
    return undefined; // Text that is no JSON, or is not there.
  }
}

function isModelName(name: string): name is ModelName {
  return Object.hasOwn(models, name);
}
