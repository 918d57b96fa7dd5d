/**
 * Attributes of operations as text.
 *
 * @module
 */

/** Text that is equal for equal attributes; JSON alone would confuse NaN, infinities and -0. */
export function attrsKey(attrs: unknown): string {
  if (attrs === undefined) return "";
  return JSON.stringify(
    attrs,
    (_, value) =>
      typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
        ? `${Object.is(value, -0) ? "-0" : value}`
        : value,
  );
}
