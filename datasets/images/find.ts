/**
 * Finding the images of a folder and their classes: what `imageFolder` does when its task is run.
 *
 * @module
 */
import { join } from "node:path";
import { Either } from "../../deps.ts";
import { firstFew, quoted } from "../../core/quoted.ts";
import type { DatasetError } from "../errors.ts";
import { badFormat, folderNotFound, readFailed } from "../failures.ts";
import { numberedClasses } from "../numbered_classes.ts";
import { permitted, reading } from "../../core/permissions.ts";
import type { ImageFolder } from "./types.ts";

/** What is asked of a folder. */
export interface FolderSettings extends Pick<ImageFolder, "shape" | "framing"> {
  readonly label?: (path: string) => string | number | undefined;
  readonly classNames?: readonly string[];
  readonly damaged?: "refuse" | "skip";
}

/** See `imageFolder`. */
export async function findImages(folder: string, settings: FolderSettings): Promise<Either.Either<DatasetError, ImageFolder>> {
  const { label, shape, framing, damaged = "refuse" } = settings;
  const allowed = permitted([reading(folder)], `read the images of ${folder}`);
  if (Either.isLeft(allowed)) return allowed;
  const listed = await list(folder);
  if (Either.isLeft(listed)) return listed;
  const { files, folders } = listed.right;
  const classOf = label ?? ((path: string) => path.includes("/") ? path.slice(0, path.indexOf("/")) : undefined);
  const classes = files.map((path) => ({ path, of: checkedClass(classOf(path), path) })).filter(hasClass);
  const named = label ? namesOf(classes) : folders;
  const reason = whyNot(files, folders, classes, label !== undefined, settings.classNames);
  if (reason !== undefined) return Either.left(badFormat(folder, "a folder of images", reason));
  const classNames = settings.classNames ?? named;
  const places = new Map(classNames.map((name, place) => [name, place]));
  return Either.right({
    folder,
    paths: classes.map(({ path }) => path),
    labels: Int32Array.from(classes, ({ of }) => typeof of === "number" ? of : places.get(of)!),
    count: classes.length,
    shape,
    classes: classNames.length,
    classNames,
    framing,
    damaged,
  });
}

/** Labels are at most this large: a number that is no label, a hash say, would ask for as many names. */
const maxClasses = 2 ** 20;

interface Classified {
  readonly path: string;
  readonly of: string | number;
}

function hasClass(file: { readonly path: string; readonly of: string | number | undefined }): file is Classified {
  return file.of !== undefined;
}

/** What a function of the user's gave, if it is a class or nothing. */
function checkedClass(of: unknown, path: string): string | number | undefined {
  if (of === undefined || typeof of === "string" || (Number.isInteger(of) && of as number >= 0 && of as number < maxClasses)) {
    return of as string | number | undefined;
  }
  throw new TypeError(
    `Cannot label ${path} ${quoted(of)}: a label is a name, an integer from 0 to ${maxClasses - 1}, or undefined`,
  );
}

/** The names of the classes that there are, sorted; of labels, all up to the largest. */
function namesOf(files: readonly Classified[]): readonly string[] {
  const numbers = files.map(({ of }) => of).filter((of) => typeof of === "number");
  if (numbers.length === 0) return [...new Set(files.map(({ of }) => of as string))].sort();
  const strange = files.find(({ of }) => typeof of === "string");
  if (strange) throw new TypeError(`Cannot label ${strange.path} by a name, ${quoted(strange.of)}, and others by numbers`);
  return numberedClasses(numbers.reduce((most, each) => Math.max(most, each)) + 1);
}

/** Why files are no set of images, if they are none. */
function whyNot(
  files: readonly string[],
  folders: readonly string[],
  classified: readonly Classified[],
  byFunction: boolean,
  classNames: readonly string[] | undefined,
): string | undefined {
  if (!byFunction && folders.length === 0) {
    return 'it has no subfolders, one for each class; if files have their classes otherwise, give a function "label"';
  }
  if (classified.length === 0) {
    return files.length === 0 ? "there is no file that ends in .png, .jpg or .jpeg" : `of ${files.length} files none has a class`;
  }
  const known = classNames && new Set(classNames);
  const unknown = known && classified.find(({ of }) => typeof of === "string" ? !known.has(of) : of >= classNames.length);
  if (unknown) return `${unknown.path} is of class ${quoted(unknown.of)}, which is not among classNames`;
  if (byFunction) return undefined;
  const used = new Set(classified.map(({ of }) => of));
  const empty = folders.filter((name) => !used.has(name));
  if (empty.length === 0) return undefined;
  const these = empty.length === 1 ? "a subfolder has" : "subfolders have";
  return `${these} no file that ends in .png, .jpg or .jpeg: ${firstFew(empty.map(quoted))}`;
}

const isImage = (name: string) => /\.(png|jpe?g)$/i.test(name);

/** The images of a folder at any depth, from the folder on, and its own subfolders; both sorted. */
async function list(
  folder: string,
): Promise<Either.Either<DatasetError, { readonly files: readonly string[]; readonly folders: readonly string[] }>> {
  const files: string[] = [], folders: string[] = [];
  let at = folder;
  const visit = async (below: string, ancestors: readonly string[]): Promise<void> => {
    const own = at = join(folder, below);
    const { dev, ino, isDirectory } = await Deno.stat(own);
    if (!isDirectory) throw new Deno.errors.NotADirectory("it is no folder");
    const identity = `${dev}:${ino}`;
    // A link to a folder around it: its files are found already.
    if (ino !== null && ancestors.includes(identity)) return;
    for (const { name, isSymlink, ...entry } of await Array.fromAsync(Deno.readDir(own))) {
      if (name.startsWith(".")) continue;
      const path = below === "" ? name : `${below}/${name}`;
      if (isSymlink ? await isFolder(at = join(folder, path)) : entry.isDirectory) {
        if (below === "") folders.push(name);
        await visit(path, [...ancestors, identity]);
      } else if (isImage(name)) files.push(path);
    }
  };
  try {
    await visit("", []);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound && at === join(folder, "")) {
      return Either.left(folderNotFound(folder));
    }
    const refused = permitted([reading(at)], `read ${at}`);
    return Either.isLeft(refused) ? refused : Either.left(readFailed(at, cause));
  }
  return Either.right({ files: files.sort(), folders: folders.sort() });
}

/** Whether a link leads to a folder. One that leads nowhere is a file that cannot be read. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.FilesystemLoop) return false;
    throw error;
  }
}
