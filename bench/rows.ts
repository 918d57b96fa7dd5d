/**
 * The rows of `bench:nets`: which network, what is done with it, at which size of its examples, and how many of them at once.
 *
 * @module
 */
import { InvalidArgumentError } from "../dev_deps.ts";

/** What is timed; written `resnet18:train:32:16`, and the size is the width of pictures or the length of sequences. */
export interface Row {
  readonly name: string;
  readonly network: string;
  readonly mode: "train" | "infer";
  readonly size: number;
  readonly batch: number;
}

/** Several sizes and batches, as the choice of an algorithm by shape must be right at all of them. */
export const defaultRows: readonly string[] = [
  "resnet18:train:32:32",
  "resnet18:train:64:1",
  "resnet18:train:32:256",
  "resnet18:train:64:16",
  "resnet18:infer:224:1",
  "resnet18:infer:32:1",
  "resnet18:infer:32:64",
  "vgg11:train:64:16",
  "vgg11:infer:64:4",
  "separable:train:32:32",
  "separable:infer:32:1",
  "separable:infer:64:64",
  "transformer:train:128:8",
  "transformer:infer:128:1",
  "lstm:train:64:32",
];

/** Reads rows, separated by commas. */
export function rowsOf(text: string): string[] {
  const names = text.split(",");
  names.forEach(rowOf);
  return names;
}

/** The row of a name. */
export function rowOf(name: string): Row {
  const [network, mode, ...numbers] = name.split(":");
  const [size, batch] = numbers.map(Number);
  if ((mode !== "train" && mode !== "infer") || numbers.length !== 2 || !(size >= 1 && batch >= 1)) {
    throw new InvalidArgumentError(`"${name}" is no network:mode:size:batch, as resnet18:train:32:16 is.`);
  }
  return { name, network, mode, size, batch };
}
