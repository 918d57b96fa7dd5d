/**
 * What can be wrong with files of tensors: failures of finding, reading, writing and understanding them, as values.
 *
 * Each has a sentence (`message`: what could not be done, why, and the remedy where there is one) and the facts as fields.
 *
 * @module
 */
import type { Outcome } from "../core/or_throw.ts";

/** A failure to read or write tensors. `file` is a path, or for bytes in memory the name that was given for them. */
export type FormatError =
  /** A file that is not there. */
  | { readonly kind: "NotFound"; readonly message: string; readonly file: string }
  /** A file that is there and cannot be read. */
  | { readonly kind: "Read"; readonly message: string; readonly file: string; readonly cause: unknown }
  /** A file that cannot be written; what was there before is still there. */
  | { readonly kind: "Write"; readonly message: string; readonly file: string; readonly cause: unknown }
  /**
   * Bytes that are not what they should be. `format` is the format's name, `rule` the one of its rules that is broken, `entry` the
   * tensor, if it is one.
   */
  | {
    readonly kind: "Format";
    readonly message: string;
    readonly file: string;
    readonly format: string;
    readonly rule: string;
    readonly entry?: string;
  }
  /** What is right by its format, but cannot become a tensor here. */
  | { readonly kind: "Unsupported"; readonly message: string; readonly file: string; readonly entry?: string }
  /** A checkpoint of another tree: all paths of leaves that differ, and how. */
  | {
    readonly kind: "Mismatch";
    readonly message: string;
    readonly file: string;
    readonly missing: readonly string[];
    readonly unexpected: readonly string[];
    readonly mismatched: readonly string[];
  }
  /** Deno was started without a permission that is needed; `flag` grants it. */
  | { readonly kind: "Permission"; readonly message: string; readonly flag: string };

/** Left with an error or Right with a value. */
export type FormatResult<A> = Outcome<FormatError, A>;

/** A task that gives Left with an error or Right with a value. */
export type FormatTask<A> = () => Promise<FormatResult<A>>;
