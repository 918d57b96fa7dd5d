/**
 * Where CIFAR-10 is published, and what its classes are called.
 *
 * @module
 */
import type { Digest } from "./digest.ts";

/** What the classes are called, in the order of their labels. */
export const cifar10Classes: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

/** A published archive of this form. */
export interface Cifar10Source {
  /** What it is called, in the cache too. */
  readonly name: string;
  /** Addresses of folders that have the archive. */
  readonly mirrors: readonly string[];
  /** The archive's name: a tar file, packed with gzip. */
  readonly archive: string;
  /** The digest it must have. */
  readonly digest: Digest;
}

/** Where CIFAR-10 is published. (The MD5 on its page is c32a1d4ab5d03f1284b67883e8d87530, of the same file.) */
export const cifar10Source: Cifar10Source = {
  name: "cifar-10",
  mirrors: ["https://www.cs.toronto.edu/~kriz", "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10"],
  archive: "cifar-10-binary.tar.gz",
  digest: {
    algorithm: "sha256",
    of: "packed",
    bytes: 170_052_171,
    hex: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  },
};
