/**
 * What every page of the site has around its content: the bar with the search, the menu, the list of its parts.
 *
 * @module
 */
import { escaped, type Heading, wayTo } from "./markdown.ts";

/** A link of the menu. */
export interface MenuLink {
  readonly title: string;
  readonly page: string;
}

/** A group of links. */
export interface MenuGroup {
  readonly title: string;
  readonly links: readonly MenuLink[];
}

/** What stands on a page. */
export interface Content {
  readonly page: string;
  readonly title: string;
  readonly html: string;
  readonly headings?: readonly Heading[];
  /** Style sheets beside the site's own, from its root. */
  readonly styles?: readonly string[];
}

/** The branches of the cotangent beside 0, where it comes from infinity and goes to minus infinity. */
const logo = `<svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor"
stroke-width="3" stroke-linecap="round"><path d="M5 3C6 12 9 15 16 16C23 17 26 20 27 29"/><path d="M3 16H29" stroke-width="1" opacity=".45"/></svg>`;

const icon = "data:image/svg+xml," + encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="#0b7a75" stroke-width="4" stroke-linecap="round"><path d="M5 3C6 12 9 15 16 16C23 17 26 20 27 29"/></svg>`,
);

function menuOf(groups: readonly MenuGroup[], page: string): string {
  const item = ({ title, page: to }: MenuLink) =>
    `<li><a href="${wayTo(to, page)}"${to === page ? ' aria-current="page"' : ""}>${escaped(title)}</a></li>`;
  return groups.map(({ title, links }) => `<h2>${title}</h2><ul>${links.map(item).join("")}</ul>`).join("");
}

function partsOf(headings: readonly Heading[]): string {
  const shown = headings.filter(({ depth }) => depth === 2 || depth === 3);
  if (shown.length < 2) return "";
  const item = ({ depth, text, anchor }: Heading) => `<li class="depth${depth}"><a href="#${anchor}">${escaped(text)}</a></li>`;
  return `<nav class="parts" aria-label="On this page"><h2>On this page</h2><ul>${shown.map(item).join("")}</ul></nav>`;
}

/** A whole page. */
export function pageHtml({ page, title, html, headings = [], styles = [] }: Content, groups: readonly MenuGroup[]): string {
  const to = (path: string) => wayTo(path, page);
  const sheets = [...styles, "site.css"].map((path) => `<link rel="stylesheet" href="${to(path)}">`).join("\n");
  const parts = partsOf(headings);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title === "Cotangent" ? title : `${escaped(title)} - Cotangent`}</title>
<link rel="icon" href="${icon}">
${sheets}
<script src="${to("theme.js")}"></script>
<script src="${to("site.js")}" defer></script>
<script src="${to("reference/prism.js")}" defer></script>
</head>
<body data-root="${to("")}">
<a class="skip" href="#content">To the content</a>
<header class="bar">
<details class="menu"><summary aria-label="Menu"><span></span></summary><nav aria-label="Pages">${
    menuOf(groups, page)
  }</nav></details>
<a class="home" href="${to("index.html")}">${logo}<b>Cotangent</b></a>
<a class="to" href="${to("docs/guides/first_steps.html")}">Guides</a>
<a class="to" href="${to("reference/index.html")}">Reference</a>
<div class="search" role="search"><input type="search" id="search" placeholder="Search" aria-label="Search" autocomplete="off"
spellcheck="false" role="combobox" aria-expanded="false" aria-controls="found"><kbd>/</kbd><ul id="found" role="listbox" hidden></ul></div>
<button id="theme" type="button" aria-label="Light or dark"><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path
fill="currentColor" d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 2v14a7 7 0 0 1 0-14Z"/></svg></button>
</header>
<div class="page${parts ? " with-parts" : ""}">
<nav class="side" aria-label="Pages">${menuOf(groups, page)}</nav>
<main id="content">
${html}
</main>
${parts}
</div>
</body>
</html>
`;
}
