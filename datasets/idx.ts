/**
 * The IDX format: how MNIST and its relatives store arrays of bytes.
 *
 * A file is: two zero bytes, the element type (8 for unsigned bytes), the number of axes, each axis as a big-endian 32-bit
 * integer, and then the elements, the last axis varying fastest. Nothing follows.
 *
 * @see LeCun, Cortes and Burges, "The MNIST database of handwritten digits"
 *
 * @module
 */
import { Either, pipe } from "../deps.ts";
import type { DatasetError } from "./errors.ts";
import { badFormat } from "./failures.ts";
import type { FileBytes } from "./published.ts";
import type { ImageSet, ImageShape } from "./types.ts";

/** An array of unsigned bytes with its shape. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** The elements: a view of the bytes that were parsed. */
  readonly data: Uint8Array;
}

/** What a file should be, for errors. */
const form = "an IDX array";

/** What a byte for the element type stands for. */
const elementTypes: Readonly<Record<number, string>> = {
  0x08: "unsigned bytes",
  0x09: "signed bytes",
  0x0b: "16-bit integers",
  0x0c: "32-bit integers",
  0x0d: "32-bit floats",
  0x0e: "64-bit floats",
};

/**
 * The array of unsigned bytes in an IDX file.
 *
 * @param bytes The whole file, unpacked.
 * @param axes How many axes the array should have: 1 for labels, 3 for grey images.
 * @param file The file's name, for the error.
 * @returns Left with a `Format` error if a byte of the header is wrong, or if there are fewer or more elements than it says.
 */
export function parseIdx(bytes: Uint8Array, axes: number, file: string): Either.Either<DatasetError, IdxArray> {
  const fail = (reason: string) => Either.left(badFormat(file, form, reason));
  const header = 4 + 4 * axes;
  if (bytes.length < 4) return fail(`it has ${bytes.length} bytes, not even the 4 of the header`);
  const magic = `0x${[...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  if (bytes[0] !== 0 || bytes[1] !== 0 || !(bytes[2] in elementTypes)) {
    return fail(`it starts with ${magic}, not with 0x0000080${axes}`);
  }
  if (bytes[2] !== 0x08) return fail(`it holds ${elementTypes[bytes[2]]} (it starts with ${magic}), not unsigned bytes`);
  if (bytes[3] !== axes) return fail(`it has ${bytes[3]} axes (it starts with ${magic}), not ${axes}`);
  if (bytes.length < header) return fail(`it ends after ${bytes.length} bytes, within its header of ${header}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  const present = bytes.length - header;
  if (present < size) return fail(`it is cut short: shape [${shape}] needs ${size} bytes after the header, there are ${present}`);
  if (present > size) return fail(`${present - size} bytes follow the ${size} of shape [${shape}]`);
  return Either.right({ shape, data: bytes.subarray(header) });
}

/**
 * A set of grey images from the files of its pixels and of its labels.
 *
 * @param shape The shape each image must have, with one channel.
 * @param classes How many classes there are: labels must be below.
 * @returns Left with a `Format` error that names the file if one is not as it should be, or if their counts differ.
 */
export function parseImageSet(
  pixels: FileBytes,
  labels: FileBytes,
  shape: ImageShape,
  classes: number,
): Either.Either<DatasetError, ImageSet> {
  return pipe(
    Either.Do,
    // bindW, not bind: Deno does not see how fp-ts augments its HKT module, and bind's type rests on it.
    Either.bindW("images", () => parseImages(pixels, shape)),
    Either.bindW("labels", () => parseLabels(labels, classes)),
    Either.flatMap(({ images, labels: { shape: [labelCount], data } }) => {
      const [count] = images.shape;
      if (labelCount === count) return Either.right({ images: images.data, labels: data, count, shape, classes });
      return Either.left(badFormat(labels.file, form, `it has ${labelCount} labels for the ${count} images of ${pixels.file}`));
    }),
  );
}

/** Images of the height and width of `shape`. */
function parseImages({ file, bytes }: FileBytes, [, height, width]: ImageShape): Either.Either<DatasetError, IdxArray> {
  return pipe(
    parseIdx(bytes, 3, file),
    Either.filterOrElse(
      ({ shape }) => shape[1] === height && shape[2] === width,
      ({ shape }) => badFormat(file, form, `its images are ${shape[1]} x ${shape[2]}, not ${height} x ${width}`),
    ),
  );
}

/** Labels below `classes`. */
function parseLabels({ file, bytes }: FileBytes, classes: number): Either.Either<DatasetError, IdxArray> {
  return pipe(
    parseIdx(bytes, 1, file),
    Either.flatMap((array) => {
      const index = array.data.findIndex((label) => label >= classes);
      if (index < 0) return Either.right(array);
      return Either.left(badFormat(file, form, `label ${array.data[index]} at index ${index} is above ${classes - 1}`));
    }),
  );
}
