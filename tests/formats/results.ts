/**
 * What tests of formats share: results that must be right or wrong, and folders that go away.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { FormatError, FormatResult } from "../../formats/errors.ts";

/** The value of a result that must have one. */
export function right<A>(result: FormatResult<A>): A {
  if (result._tag === "Left") throw new Error(`${result.left.kind}: ${result.left.message}`);
  return result.right;
}

/** The error of a result that must have one of a kind, and a message for people. */
export function left<K extends FormatError["kind"]>(
  result: FormatResult<unknown>,
  kind: K,
): Extract<FormatError, { readonly kind: K }> {
  assert.equal(result._tag, "Left", "it should have failed");
  const error = (result as { readonly left: FormatError }).left;
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, /^Cannot /);
  return error as Extract<FormatError, { readonly kind: K }>;
}

/** Runs with a new folder, which is removed afterwards. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
