/**
 * Prints expressions and what they give, as a prompt would: the text is that of the function itself, so what is read is what was run.
 *
 * @module
 */
import { realize } from "../../mod.ts";

/** Prints each expression and its value. */
export async function show(...expressions: readonly (() => unknown)[]): Promise<void> {
  for (const expression of expressions) {
    console.log(`> ${textOf(expression)}`);
    const value = await expression();
    console.log(typeof value === "string" ? value : realize(value));
  }
}

/** Prints expressions that cannot be followed, and why; one that can be is an error. */
export async function showRefused(...expressions: readonly (() => unknown)[]): Promise<void> {
  for (const expression of expressions) {
    const text = textOf(expression);
    const reason = await Promise.try(expression).then(() => undefined, (error) => error);
    if (reason === undefined) throw new Error(`This should have been refused: ${text}`);
    console.log(`> ${text}\n${reason}`);
  }
}

/** Chapters of an example by title, each run in its turn. */
export async function runChapters<O>(
  options: O,
  chapters: Readonly<Record<string, (options: O) => void | Promise<void>>>,
): Promise<void> {
  for (const [title, chapter] of Object.entries(chapters)) {
    console.log(`\n== ${title} ==`);
    await chapter(options);
  }
}

/** The text of a function's result, on one line: the compiler has broken lists into lines. */
function textOf(expression: () => unknown): string {
  return `${expression}`.replace(/^(async )?\(\) ?=> ?/, "").replace(/^await /, "")
    .replaceAll(/\s+/g, " ").replaceAll(/ ?=> ?/g, " => ").replaceAll(/([[(]) /g, "$1").replaceAll(/ ([\])])/g, "$1");
}
