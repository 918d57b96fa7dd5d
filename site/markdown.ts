/**
 * Pages of Markdown as HTML: headings with anchors, links between pages, names of the library linked to their documentation.
 *
 * @module
 */
import { marked, type Tokens } from "./deps.ts";
import { pageOf } from "./menu.ts";
import { importsByName, type PublicName } from "./reference.ts";

/** A heading. */
export interface Heading {
  readonly depth: number;
  readonly text: string;
  readonly anchor: string;
}

/** A part of a page, which a search finds by its heading and its words. */
export interface Section extends Heading {
  readonly words: string;
}

/** A page as HTML, and what is in it. */
export interface Rendered {
  readonly title: string;
  readonly html: string;
  readonly sections: readonly Section[];
  /** Files of the project to which the page links and which are no pages. */
  readonly sources: readonly string[];
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(text: string): string {
  return text.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

/** The text of Markdown without its marks. */
function plain(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/^\|[-| ]+\|$/gm, "").replaceAll(/[`*|]/g, "");
}

/** The way from one file of the site to another. */
export function wayTo(page: string, from: string): string {
  return `${"../".repeat(from.split("/").length - 1)}${page}`;
}

/** The file that a link of a page names, from the root of the project. */
function resolved(link: string, file: string): string {
  return new URL(link, `file:///${file}`).pathname.slice(1);
}

/** Renders a page. */
export function render(file: string, text: string, names: ReadonlyMap<string, PublicName>): Rendered {
  const [page, sources, sections] = [pageOf(file), new Set<string>(), [] as Section[]];
  const anchors = new Set<string>();
  const link = (name: string) => wayTo(names.get(name)!.page, page);

  const renderer = new marked.Renderer();
  renderer.heading = function ({ tokens, depth, text }: Tokens.Heading) {
    let anchor = anchorOf(plain(text));
    for (let i = 1; anchors.has(anchor); i++) anchor = `${anchorOf(plain(text))}-${i}`;
    anchors.add(anchor);
    sections.push({ depth, text: plain(text), anchor, words: "" });
    const label = this.parser.parseInline(tokens);
    if (depth === 1) return `<h1 id="${anchor}">${label}</h1>\n`;
    return `<h${depth} id="${anchor}">${label} <a class="anchor" href="#${anchor}" aria-label="Link to this part">#</a></h${depth}>\n`;
  };
  renderer.code = ({ text, lang = "" }: Tokens.Code) => {
    const [language] = lang.split(" ");
    const code = escaped(importsByName(text));
    return `<pre><code class="language-${language === "" ? "none" : language}">${code}</code></pre>\n`;
  };
  renderer.codespan = ({ text }: Tokens.Codespan) => {
    const name = text.match(/^(?:await )?([\w.]+)/)?.[1] ?? "";
    const code = `<code>${escaped(text)}</code>`;
    return names.has(name) && !/^[\w.]+[:=]/.test(text) ? `<a class="name" href="${link(name)}">${code}</a>` : code;
  };
  renderer.link = function ({ href, tokens }: Tokens.Link) {
    const label = this.parser.parseInline(tokens);
    if (/^(https?:|#)/.test(href)) return `<a href="${escaped(href)}">${label}</a>`;
    const [path, fragment] = href.split("#");
    const target = resolved(path, file);
    if (!target.endsWith(".md")) sources.add(target);
    const there = /\.(md|ts|html)$/.test(target) ? pageOf(target) : target;
    return `<a href="${wayTo(there, page)}${fragment ? `#${fragment}` : ""}">${label}</a>`;
  };
  renderer.image = ({ href, text }: Tokens.Image) => {
    const target = resolved(href, file);
    sources.add(target);
    return `<img src="${wayTo(target, page)}" alt="${escaped(text)}">`;
  };
  renderer.table = function ({ header, align, rows }: Tokens.Table) {
    const cell = (tag: string) => ({ tokens }: Tokens.TableCell, i: number) =>
      `<${tag}${align[i] ? ` style="text-align:${align[i]}"` : ""}>${this.parser.parseInline(tokens)}</${tag}>`;
    const body = rows.map((row) => `<tr>${row.map(cell("td")).join("")}</tr>\n`).join("");
    return `<div class="table"><table><thead><tr>${
      header.map(cell("th")).join("")
    }</tr></thead><tbody>\n${body}</tbody></table></div>\n`;
  };

  const html = marked.parse(text.replaceAll(/<!--.*?-->/gs, ""), { renderer, async: false, gfm: true });
  const parts = text.split(/^#{1,6} .*$/m).slice(1);
  const withWords = sections.map((section, i) => ({ ...section, words: plain(parts[i] ?? "").replaceAll(/\s+/g, " ").trim() }));
  return { title: sections[0]?.text ?? file, html, sections: withWords, sources: [...sources] };
}
