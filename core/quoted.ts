/**
 * Values in messages.
 *
 * @module
 */

/** A value as a message shows it: as JSON where there is such, else as text. */
export function quoted(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
