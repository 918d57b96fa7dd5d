/**
 * Reads SVG with an XML parser.
 *
 * @module
 */
import { DOMParser } from "./deps.ts";

/** The elements of a name in an SVG document: their attributes and their text. Fails if the document is not well-formed. */
export function elements(svg: string, name: string): { readonly [attribute: string]: string }[] {
  const onError = (level: string, message: string) => {
    if (level !== "warning") throw new Error(message);
  };
  const document = new DOMParser({ onError }).parseFromString(svg, "image/svg+xml");
  return Array.from(document.getElementsByTagName(name), (element) => ({
    ...Object.fromEntries(Array.from(element.attributes, (attribute) => [attribute.name, attribute.value])),
    text: element.textContent ?? "",
  }));
}

/** All texts of an SVG document, in its order. */
export function texts(svg: string): string[] {
  return elements(svg, "text").map(({ text }) => text);
}
