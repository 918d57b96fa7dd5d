/**
 * Names for classes that have none.
 *
 * @module
 */

/** Classes that have no other names than their labels. */
export function numberedClasses(classes: number): string[] {
  return Array.from({ length: classes }, (_, label) => String(label));
}
