/**
 * Pictures as files, where the command line asks for them.
 *
 * @module
 */
import { join } from "node:path";
import { tryFolder, writeWhole } from "../../core/whole_file.ts";
import { permitted, reading, writing } from "../../core/permissions.ts";
import { Either, pipe, TaskEither } from "../../deps.ts";
import { notEmpty } from "./command.ts";
import { guarded } from "./device.ts";
import { failed, type Failure, FailureError, reasonOf } from "./failure.ts";

/** The flag `--pictures`. */
export const picturesFlag = [
  "--pictures <folder>",
  "write pictures there too, as SVG (needs --allow-read --allow-write)",
  notEmpty,
] as const;

/** Draws a picture and writes it, if pictures are asked for; says where it is. */
export type WritePicture = (file: string, draw: () => string | Promise<string>) => Promise<void>;

/** Does something with a writer of pictures for a folder; without a folder nothing is drawn. */
export function withPictures(
  folder: string | undefined,
  use: (picture: WritePicture) => Promise<void>,
): TaskEither.TaskEither<Failure, void> {
  return pipe(
    folder === undefined ? TaskEither.right(async () => {}) : openFolder(folder),
    TaskEither.flatMap((picture) => guarded(() => use(picture).then(Either.right))),
  );
}

function openFolder(folder: string): TaskEither.TaskEither<Failure, WritePicture> {
  return pipe(
    TaskEither.fromEither(permitted([reading(folder), writing(folder)], `write pictures to ${folder}`)),
    TaskEither.mapLeft(({ message }) => failed(message)),
    TaskEither.flatMap(() =>
      TaskEither.tryCatch(
        () => Deno.mkdir(folder, { recursive: true }).then(() => tryFolder(folder)),
        (cause) => failed(`Cannot make files in the folder ${folder}: ${reasonOf(cause)}`),
      )
    ),
    TaskEither.map((): WritePicture => async (file, draw) => {
      const path = join(folder, file);
      const drawn = new TextEncoder().encode(await draw());
      await writeWhole(path, [drawn]).catch((cause) => {
        throw new FailureError(failed(`Cannot write the picture ${path}: ${reasonOf(cause)}`));
      });
      console.log(`Picture: ${path}`);
    }),
  );
}
