/**
 * SVG as text: elements, texts, and how wide those are.
 *
 * @module
 */
import { escapeText } from "../core/notebook/html.ts";

/** The values of an element's attributes by their names. */
type Attributes = Readonly<Record<string, string | number>>;

/** An element around its content, which is SVG already. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) =>
    ` ${key}="${typeof value === "number" ? Number(value.toFixed(2)) : escapeText(value)}"`
  );
  return content === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${content}</${name}>`;
}

/** Text at a position, in the middle of which it stands unless an attribute says otherwise. */
export function text(content: string | number, x: number, y: number, size: number, attributes: Attributes = {}): string {
  return element("text", { x, y, "font-size": size, "text-anchor": "middle", ...attributes }, escapeText(`${content}`));
}

/** An upper bound of the width of text: the font is unknown here, so this is the width of a wide one. */
export function widthOf(content: string | number, size: number): number {
  return Array.from(`${content}`).reduce((width, char) => width + size * (char < "\u0250" ? 0.6 : 1), 0);
}

/** A document with a white ground. */
export function svgDocument(width: number, height: number, content: readonly string[]): string {
  const ground = element("rect", { width: "100%", height: "100%", fill: "#fff" });
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const attributes = { xmlns: "http://www.w3.org/2000/svg", ...size, "font-family": "sans-serif", fill: "#222" };
  return element("svg", attributes, ["", ground, ...content, ""].join("\n"));
}
