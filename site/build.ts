/**
 * The documentation site: the README, the guides and the notes, and a reference of everything public, as files that any web server
 * serves and a browser opens from a disk.
 *
 * @module
 */
import { categories } from "./categories.ts";
import { type Content, type MenuGroup, pageHtml } from "./layout.ts";
import { anchorOf, escaped, type Heading, render, wayTo } from "./markdown.ts";
import { menu, pageOf } from "./menu.ts";
import { contentOf, entries, type PublicName, publicNames, withoutDeadLinks, writeDenoDoc } from "./reference.ts";

const root = new URL("../", import.meta.url);

const read = (file: string) => Deno.readTextFile(new URL(file, root));

/** What the search finds: a name or a part of a page. */
interface Found {
  readonly title: string;
  readonly where: string;
  readonly text: string;
  readonly url: string;
}

/** The names of every category, with what they are for. */
function referenceIndex(names: readonly PublicName[]): Content {
  const page = "reference/index.html";
  const parts = categories.map(({ title, about }): { heading: Heading; html: string } => {
    const members = names.filter(({ category }) => category?.title === title);
    const [functions, types] = [["function", "variable", "class"], ["interface", "typeAlias"]].map((kinds) =>
      members.filter(({ kind }) => kinds.includes(kind)).sort((a, b) => a.name.localeCompare(b.name))
    );
    const row = ({ name, sentence, page: to }: PublicName) =>
      `<dt><a href="${wayTo(to, page)}"><code>${name}</code></a></dt><dd>${inline(sentence)}</dd>`;
    const link = ({ name, page: to }: PublicName) => `<a href="${wayTo(to, page)}"><code>${name}</code></a>`;
    const heading = { depth: 2, text: title, anchor: anchorOf(title) };
    const typeList = types.length > 0 ? `<p class="types">Types: ${types.map(link).join(" ")}</p>` : "";
    const html = `<h2 id="${heading.anchor}">${title}</h2><p>${inline(about)}</p><dl>${
      functions.map(row).join("\n")
    }</dl>${typeList}`;
    return { heading, html };
  });
  const head = `<h1>Reference</h1><p>Everything public: ${names.length} names in ${categories.length} categories. Names with ` +
    `<code>layers.</code>, <code>optimizers.</code> and the like in front are parts of what <code>mod.ts</code> exports.</p>`;
  return {
    page,
    title: "Reference",
    html: head + parts.map(({ html }) => html).join("\n"),
    headings: parts.map(({ heading }) => heading),
  };
}

/** A sentence of documentation: its code as code. */
function inline(text: string): string {
  return escaped(text).replaceAll(/`([^`]*)`/g, "<code>$1</code>");
}

/** The pages of `deno doc` in a folder, in the form of the site. */
async function rewriteDenoDoc(output: string, names: readonly PublicName[], groups: readonly MenuGroup[]): Promise<void> {
  const byPage = new Map(names.map((name) => [name.page, name]));
  for (const unused of ["all_symbols.html", "index.html", "search.js", "search_index.js", "fuse.js", "darkmode_toggle.js"]) {
    await Deno.remove(`${output}/reference/${unused}`);
  }
  for (const unused of ["script.js", "prism.css", "reset.css", "page.css", "comrak.css"]) {
    await Deno.remove(`${output}/reference/${unused}`);
  }
  const pages = new Set(["reference/index.html"]);
  for await (const page of filesIn(output, "reference")) {
    // Of a member that has no name but a symbol: no link finds it.
    if (page.includes("%")) await Deno.remove(`${output}/${page}`);
    else if (page.endsWith(".html")) pages.add(page);
  }

  for (const page of pages) {
    if (page === "reference/index.html") continue;
    const path = page.slice("reference/".length);
    const entry = entries.find(({ folder }) => folder !== "" && path.startsWith(folder)) ?? entries[0];
    const found = byPage.get(page);
    const to = (target: string) => wayTo(target, page);
    const category = found?.category &&
      `<a href="${to(`reference/index.html#${anchorOf(found.category.title)}`)}">${found.category.title}</a>`;
    const above = [`<a href="${to("reference/index.html")}">Reference</a>`, ...category ? [category] : []].join(" / ");
    const below = found === undefined ? "" : `<p class="file">In <code>${found.file}</code></p>`;
    const content = contentOf(await Deno.readTextFile(`${output}/${page}`), entry.specifier);
    const linked = withoutDeadLinks(content, (path) => pages.has(new URL(path, `file:///${page}`).pathname.slice(1)));
    const html = `<p class="above">${above}</p>${linked}${below}`;
    const title = page.replace(/^.*\//, "").replace(/\.html$/, "");
    await Deno.writeTextFile(`${output}/${page}`, pageHtml({ page, title, html, styles: ["reference/styles.css"] }, groups));
  }
}

/** The files in a folder, by their paths from the root of the site. */
async function* filesIn(output: string, folder: string): AsyncGenerator<string> {
  for (const { name, isDirectory } of await Array.fromAsync(Deno.readDir(`${output}/${folder}`))) {
    if (isDirectory) yield* filesIn(output, `${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

/** Builds the site into a folder. */
export async function build(output: string): Promise<void> {
  await Deno.remove(output, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(output, { recursive: true });
  const write = async (path: string, text: string) => {
    await Deno.mkdir(`${output}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${output}/${path}`, text);
  };

  const [names] = await Promise.all([publicNames(), writeDenoDoc(`${output}/reference`)]);
  const byName = new Map(names.toReversed().map((name) => [name.name, name])); // a name of mod.ts before one of other entries

  const files = menu.flatMap((group) => group.files);
  const rendered = new Map(await Promise.all(files.map(async (file) => [file, render(file, await read(file), byName)] as const)));
  const groups: MenuGroup[] = menu.map(({ title, files }) => ({
    title,
    links: files.map((file) => ({ title: rendered.get(file)!.title, page: pageOf(file) })),
  }));
  groups.splice(2, 0, { title: "Reference", links: [{ title: "All names", page: "reference/index.html" }] });

  for (const [file, { title, html, sections }] of rendered) {
    await write(pageOf(file), pageHtml({ page: pageOf(file), title, html, headings: sections }, groups));
  }
  for (const source of new Set([...rendered.values()].flatMap(({ sources }) => sources))) {
    const [, language] = source.match(/\.(ts|html)$/) ?? [];
    if (language !== undefined) {
      const html = `<h1>${source}</h1><pre><code class="language-${language}">${escaped(await read(source))}</code></pre>`;
      await write(pageOf(source), pageHtml({ page: pageOf(source), title: source, html }, groups));
    } else {
      await write(source, "");
      await Deno.copyFile(new URL(source, root), `${output}/${source}`);
    }
  }

  await rewriteDenoDoc(output, names, groups);
  const index = referenceIndex(names);
  await write(index.page, pageHtml(index, groups));

  const found: Found[] = [
    ...names.map(({ name, category, sentence, page }) => ({
      title: name,
      where: category?.title ?? "",
      text: sentence.replaceAll("`", ""),
      url: page,
    })),
    ...[...rendered].flatMap(([file, { title, sections }]) =>
      sections.map(({ depth, text, anchor, words }) => ({
        title: text,
        where: depth === 1 ? "Page" : title,
        text: words.slice(0, 2000),
        url: `${pageOf(file)}#${anchor}`,
      }))
    ),
  ];
  await write("search_index.js", `globalThis.searchIndex = ${JSON.stringify(found)};\n`);
  for (const file of ["site.css", "site.js", "theme.js"]) await write(file, await read(`site/${file}`));
}

if (import.meta.main) {
  const [output = "dist/site"] = Deno.args;
  await build(output);
  console.log(`Built ${output}: open ${output}/index.html in a browser, or put the folder on a web server.`);
}
