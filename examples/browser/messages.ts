/**
 * What the page and its worker say to each other.
 *
 * @module
 */
import type { DeviceName } from "../../mod.ts";

/** How many of the test digits the page shows, as many of each class. */
export const shownDigits = 100;

/** The page asks. */
export type Request =
  | { readonly kind: "start" | "pause" | "reset" }
  | { readonly kind: "device"; readonly name: DeviceName }
  /** Read this digit now, and again whenever the network has learned: 28 x 28 bytes, ink 255. Without an image: no longer. */
  | { readonly kind: "read"; readonly image?: Uint8Array };

/** The worker answers. */
export type Reply =
  /** The digits that the page shows: bytes of 28 x 28 pixels each, and what they are. */
  | { readonly kind: "digits"; readonly images: Uint8Array; readonly labels: Uint8Array }
  | { readonly kind: "device"; readonly name: DeviceName; readonly description: string }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "running"; readonly running: boolean; readonly finished: boolean }
  | { readonly kind: "reading"; readonly reading: Reading }
  | { readonly kind: "failure"; readonly message: string };

/** How far the training has come. */
export interface Progress {
  /** Digits that were learned from, and how many will have been when the training ends. */
  readonly seen: number;
  readonly goal: number;
  /** Steps of 64 digits. */
  readonly steps: number;
  /** Mean over the digits since the last report, each when it was learned from; NaN before the first step. */
  readonly loss: number;
  /** Digits a second since the last report; NaN before the first step. */
  readonly rate: number;
  /** The weights of the first layer: 10 filters of 5 x 5. */
  readonly filters: Float32Array;
  /** Of digits that are not learned from: the part that is read right, and as what those that the page shows are read. */
  readonly test?: { readonly accuracy: number; readonly named: Uint8Array };
}

/** What the network makes of a digit. */
export interface Reading {
  /** Of the ten digits. */
  readonly probabilities: Float32Array;
  /** What each filter of the first layer answers: 10 pictures of 24 x 24. */
  readonly answers: Float32Array;
}
