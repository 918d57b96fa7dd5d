/**
 * Elements of the page by their names.
 *
 * @module
 */
/// <reference lib="dom" />

/** The element with an id. */
export function element(id: string): HTMLElement;
/** The element with an id, which is of a class. */
export function element<E extends HTMLElement>(id: string, kind: new () => E): E;
export function element(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}`);
  return found;
}
