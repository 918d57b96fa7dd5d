/**
 * When what documentation shows is what is printed.
 *
 * White space does not count. Text and integers are shown in full. A number with a fraction is shown rounded to f32 (0.1, where
 * 0.10000000149011612 is printed), or by its first digits and three dots (0.693...). A line that prints several times shows all of
 * it, separated by commas, or, if it is the same each time, once.
 *
 * @module
 */

/** What a line of a snippet printed, once. */
export interface Printed {
  readonly line: number;
  readonly text: string;
}

/** What `console.log` would print, without its line breaks and limits. */
function format(values: readonly unknown[]): string {
  const options = { compact: true, breakLength: Infinity, depth: Infinity, iterableLimit: Infinity, strAbbreviateSize: Infinity };
  return values.map((value) => typeof value === "string" ? value : Deno.inspect(value, options)).join(" ");
}

/** A list of what is printed, and what stands for `console.log` in a line: a function that adds to it. */
export function printing(): { printed: Printed[]; $log: (line: number) => Console["log"] } {
  const printed: Printed[] = [];
  return { printed, $log: (line) => (...values) => void printed.push({ line, text: format(values) }) };
}

/** Text without white space that does not count. */
function squeezed(text: string): string {
  return text.trim().replace(/\s+/g, " ").replace(/(?<=[[{(]) | (?=[\]})])/g, "");
}

/** Numbers that are no part of a name; three dots belong to the number before them. */
const number = /((?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?:\.\.\.)?)(?!\w)/;

/** How far a number may be from what is shown, as a share of it: some units of the last place of f32. */
const rounding = 1e-6;

function sameNumber(shown: string, printed: string): boolean {
  if (shown.endsWith("...")) return printed.startsWith(shown.slice(0, -3)) && !printed.includes("e");
  if (shown === printed) return true;
  return /[.e]/.test(printed) && Math.abs(Number(shown) - Number(printed)) <= rounding * Math.abs(Number(printed));
}

function sameText(shown: string, printed: string): boolean {
  const [left, right] = [shown, printed].map((text) => squeezed(text).split(number));
  // Splitting by a group puts the numbers at odd positions.
  return left.length === right.length && left.every((part, i) => i % 2 === 1 ? sameNumber(part, right[i]) : part === right[i]);
}

/** Whether documentation shows what a line printed. */
export function shows(shown: string, printed: readonly string[]): boolean {
  const once = printed.length > 0 && printed.every((text) => text === printed[0]);
  return once && sameText(shown, printed[0]) || sameText(shown, printed.join(", "));
}
