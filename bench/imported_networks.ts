/**
 * Networks from elsewhere, with inputs: PP-OCRv4's three, which read text, and Silero's, which hears whether somebody speaks. Their archives
 * are packages of npm's registry, downloaded once into the cache folder.
 *
 * @module
 */
import { badFormat } from "../datasets/failures.ts";
import { randomStream } from "../datasets/mod.ts";
import { fromCache } from "../datasets/published.ts";
import { pipe, TaskEither, unpackTar } from "../deps.ts";
import { textFiles } from "../examples/cli/text_models.ts";
import { orThrow, type Shape, type Tensor, tensor } from "../mod.ts";

/** A network's file, and what to run it on. */
export interface ImportedNetwork {
  readonly bytes: Uint8Array;
  /** What is computed with: arguments of a compiled function. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** What decides how: part of the compiled function. */
  readonly constants: Readonly<Record<string, Tensor>>;
}

/** The name of a network. */
export type ImportedName = "classifier" | "recognition" | "detection" | "silero";

const speech = {
  name: "silero-vad",
  mirrors: ["https://registry.npmjs.org/@ricky0123/vad-web/-"],
  archive: {
    name: "vad-web-0.0.31.tgz",
    digest: {
      algorithm: "sha256",
      of: "packed",
      bytes: 5_471_324,
      hex: "d1a211cf1a2ed26297da52cc08de79e75d79838a274bfc6de546feb1f828c940",
    },
  },
  file: "package/dist/silero_vad_v5.onnx",
} as const;

/** The networks, downloaded if they are not in the cache. */
export async function importedNetworks(): Promise<Readonly<Record<ImportedName, ImportedNetwork>>> {
  const { direction, recognition, detection } = await orThrow(textFiles({}));
  const silero = await orThrow(pipe(
    fromCache(speech, [speech.archive], {}),
    TaskEither.flatMap(([{ file, bytes }]) =>
      TaskEither.tryCatch(
        async () => (await unpackTar(bytes)).find(({ header }) => header.name === speech.file)!.data!,
        () => badFormat(file, "a tar archive", `it has no file ${speech.file}`),
      )
    ),
  ));
  const image = (bytes: Uint8Array, shape: Shape) => ({ bytes, inputs: { x: noise(shape) }, constants: {} });
  return {
    classifier: image(direction, [1, 3, 48, 192]),
    recognition: image(recognition, [1, 3, 48, 320]),
    detection: image(detection, [1, 3, 320, 320]),
    silero: {
      bytes: silero,
      inputs: { input: noise([1, 512]), state: noise([2, 1, 128]) },
      constants: { sr: tensor(16_000, { dtype: "i32" }) },
    },
  };
}

/** Numbers from -1 to 1, always the same. */
function noise(shape: Shape): Tensor {
  const random = randomStream([0, 1]);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tensor(Float32Array.from({ length: size }, () => random.uniform(-1, 1)), { shape });
}
