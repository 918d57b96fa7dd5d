/**
 * Images of the user's: PNG and JPEG files in a folder, decoded when a loader asks for them.
 *
 * @module
 */
import { aFunction, argument, aString, checkedInside, numberPair, oneOf, stringList, whole } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { type Pair, pair } from "../core/ops/window.ts";
import { quoted } from "../core/quoted.ts";
import { integer } from "../core/ranges.ts";
import type { DatasetTask } from "./errors.ts";
import { boxOptions } from "./images/crops.ts";
import type { Framing, ImageFolder, RandomBoxOptions } from "./images/types.ts";
import { longestAxis } from "../core/shape.ts";

/** Options of `imageFolder`. */
export interface ImageFolderOptions {
  /** Height and width that every image gets: one number for both, or two. */
  readonly size: Pair;
  /** How images of other sizes get there. Default `{ kind: "centerCrop" }`. */
  readonly framing?: Framing;
  /** 3 for red, green and blue, 1 for grey. Default 3. */
  readonly channels?: 1 | 3;
  /**
   * The class of a file by its path, which is from the folder on, with "/" between names: a name, or the label itself. A file without one is
   * left out. By default the class of a file is the subfolder that it is in, at any depth, and files in none are left out.
   */
  readonly label?: (path: string) => string | number | undefined;
  /** The names of all classes, in the order of their labels. Default: those that there are, sorted. Two folders need the same. */
  readonly classNames?: readonly string[];
  /**
   * What to do, when it is asked for, about a file that cannot be read or decoded: end the loop with an error that names it, or leave it out of
   * its batch. Default "refuse".
   */
  readonly damaged?: "refuse" | "skip";
}

const imageFolderOptions = optionTable<ImageFolderOptions>({
  size: needed(checkedInside()),
  framing: checkedInside(),
  channels: oneOf(1, 3),
  label: aFunction(),
  classNames: stringList,
  damaged: oneOf("refuse", "skip"),
});

/**
 * The images of a folder with a subfolder for each class, as torchvision's ImageFolder: for `loader`, `split` and `subset`.
 *
 * Files are those ending in .png, .jpg or .jpeg, at any depth; what begins with a dot is left out, and links are followed. Only names are
 * read now. The loader's workers decode files ahead of the loop, told apart by their content, and give what torchvision's default loader does:
 * red, green and blue, also of grey images; opacity is dropped, and the orientation that a camera noted (EXIF) is not applied. Of 16 bits the
 * upper 8 are kept. Images are resized as by Pillow's bilinear filter, to the byte.
 *
 * JPEG files of four colours (CMYK, YCCK) become red, green and blue as by Pillow, but for one or two levels of 255 and, where the file has
 * colours at half the size, up to 16 at edges. A JPEG that ends early and a PNG with a wrong checksum count as damaged; wrong codes within a
 * JPEG are not noticed.
 *
 * @returns A task. It gives Left if the folder is not there or may not be read, or has no images, or a class has none. With workers Deno
 * needs permission to read this library, too (or to import it from its host).
 * @throws {RangeError} If an option is out of its range.
 * @example
 * ```ts ignore
 * import { datasets, div, tensor } from "../mod.ts";
 * const loaded = await datasets.imageFolder("flowers", { size: 224, framing: { kind: "randomResizedCrop" } })();
 * if (loaded._tag === "Left") throw new Error(loaded.left.message);
 * const [train, validation] = datasets.split(loaded.right, { fraction: 0.1, key: 0, stratify: true });
 * for await (const { images, labels, shape } of datasets.loader(train, { batchSize: 64, shuffle: 0, workers: 2 })) {
 *   step(div(tensor(images, { shape }), 255), tensor(labels)); // shape: [64, 3, 224, 224]
 * }
 * ```
 * @example
 * ```ts
 * import { datasets } from "../mod.ts";
 * const loaded = await datasets.imageFolder("no such folder", { size: 32 })();
 * if (loaded._tag === "Left") console.log(loaded.left.kind); // NotFound
 * ```
 */
export function imageFolder(folder: string, options: ImageFolderOptions): DatasetTask<ImageFolder> {
  const { size, framing = { kind: "centerCrop" }, channels = 3, ...rest } = checkOptions(
    options,
    imageFolderOptions,
    "imageFolder",
  );
  argument(folder, aString, "folder", "imageFolder");
  const [height, width] = pair(size, "size", 1);
  const settings = { shape: [channels, height, width] as const, framing: checkedFraming(framing, height, width), ...rest };
  return async () => await (await import("./images/find.ts")).findImages(folder, settings);
}

const centerCropOptions = optionTable<{ readonly kind: "centerCrop"; readonly resize?: number }>({
  kind: needed(oneOf("centerCrop")),
  resize: whole,
});
const randomOptions = optionTable<{ readonly kind: "randomResizedCrop" } & RandomBoxOptions>({
  kind: needed(oneOf("randomResizedCrop")),
  scale: numberPair,
  ratio: numberPair,
});
const stretchOptions = optionTable<{ readonly kind: "stretch" }>({ kind: needed(oneOf("stretch")) });

function checkedFraming(framing: Framing, height: number, width: number): Framing {
  switch (framing?.kind) {
    case "centerCrop": {
      const { resize } = checkOptions(framing, centerCropOptions, "centerCrop");
      if (resize !== undefined) integer(resize, "resize", Math.max(height, width), longestAxis);
      return framing;
    }
    case "randomResizedCrop":
      return { kind: framing.kind, ...boxOptions(checkOptions(framing, randomOptions, "randomResizedCrop")) };
    case "stretch":
      return checkOptions(framing, stretchOptions, "stretch");
    default:
      throw new TypeError(
        `Cannot frame images by ${quoted(framing)}: its kind must be "centerCrop", "randomResizedCrop" or "stretch"`,
      );
  }
}
