/**
 * The documentation site: it is built whole, its links lead somewhere, everything public is in it with a category, and its search finds
 * what one looks for.
 *
 * @module
 */
import assert from "node:assert/strict";
import { build } from "../../site/build.ts";
import { categories, categoryOf } from "../../site/categories.ts";
import { anchorOf, render } from "../../site/markdown.ts";
import { importsByName, publicNames, withoutDeadLinks } from "../../site/reference.ts";

const output = await Deno.makeTempDir();
await build(output);
globalThis.addEventListener("unload", () => Deno.removeSync(output, { recursive: true }));

/** The files in a folder of the site, by their paths from its root. */
async function filesIn(folder = ""): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(`${output}/${folder}`));
  const found = entries.map(async ({ name, isDirectory }) =>
    isDirectory ? await filesIn(`${folder}${name}/`) : [`${folder}${name}`]
  );
  return (await Promise.all(found)).flat();
}

const files = await filesIn();
const pages = new Map<string, string>();
for (const file of files) if (file.endsWith(".html")) pages.set(file, await Deno.readTextFile(`${output}/${file}`));

const attributes = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, "g"))].map(([, value]) => value);

/** Links that lead nowhere, each with a page that has it. */
function broken(pages: ReadonlyMap<string, string>, files: readonly string[]): string[] {
  const there = new Set(files);
  const anchors = new Map(Array.from(pages, ([page, html]) => [page, new Set(attributes(html, "id"))]));
  const found = new Map<string, string>();
  for (const [page, html] of pages) {
    for (const attribute of [...attributes(html, "href"), ...attributes(html, "src")]) {
      const link = attribute.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
      if (/^(https?|data):/.test(link)) continue;
      const { pathname, hash } = new URL(link, `file:///${page}`);
      const target = decodeURIComponent(pathname.slice(1)).replace(/(^|\/)$/, "$1index.html");
      const isThere = there.has(target) && (hash === "" || !!anchors.get(target)?.has(decodeURIComponent(hash.slice(1))));
      if (!isThere) found.set(`${target}${hash}`, page);
    }
  }
  return Array.from(found, ([target, page]) => `${page}: ${target}`).sort();
}

Deno.test("every link of the site, and every anchor, is there", () => {
  assert.ok(pages.size > 700, `${pages.size} pages`);
  assert.deepEqual(broken(pages, files), []);
});

Deno.test("a link that leads nowhere is found, and so is a missing anchor", () => {
  const page = '<a href="b.html">b</a><a href="../a.html#there">c</a><a href="#not">d</a><i id="there"></i>';
  const wrong = new Map([["a.html", page], ["x/c.html", page]]);
  assert.deepEqual(broken(wrong, [...wrong.keys()]), [
    "a.html: a.html#not",
    "a.html: b.html",
    "x/c.html: x/b.html",
    "x/c.html: x/c.html#not",
  ]);
});

Deno.test("everything public has a category and a page", async () => {
  const names = await publicNames();
  assert.ok(names.length > 600, `${names.length} names`);
  const homeless = names.filter(({ category }) => category === undefined).map(({ name, file }) => `${name} (${file})`);
  assert.deepEqual(homeless, []);
  assert.deepEqual(names.filter(({ page }) => !files.includes(page)).map(({ name }) => name), []);
  const empty = categories.filter((category) => !names.some((name) => name.category === category));
  assert.deepEqual(empty.map(({ title }) => title), []);
  assert.equal(categoryOf("layers/no_such_file.ts"), undefined);
});

Deno.test("nothing on the site is a path of the machine that built it, and no import is by a path", () => {
  const root = new URL("../../", import.meta.url).pathname;
  for (const [page, html] of pages) {
    if (page.startsWith("reference/")) {
      assert.ok(!html.includes(root) && !html.includes("file:///"), page);
      assert.ok(!/from (?:"|&quot;)\.+\/[^"&]*mod\.ts/.test(html), page);
    }
  }
});

interface Found {
  readonly title: string;
  readonly url: string;
}

Deno.test("the index of the search has conv2d, the layer, and the parts of the guides", async () => {
  const text = await Deno.readTextFile(`${output}/search_index.js`);
  const index: Found[] = JSON.parse(text.replace("globalThis.searchIndex = ", "").replace(/;\n$/, ""));
  const urlOf = (title: string) => index.find((entry) => entry.title === title)?.url;
  assert.equal(urlOf("conv2d"), "reference/~/conv2d.html");
  assert.equal(urlOf("layers.conv2d"), "reference/~/layers.conv2d.html");
  assert.equal(urlOf("Images in folders"), "docs/guides/your_data.html#images-in-folders");
});

const browser = "chromium";
const hasBrowser = await new Deno.Command(browser, { args: ["--version"], stdout: "null", stderr: "null" }).output()
  .then(({ success }) => success, () => false);

Deno.test("in a browser, the search finds conv2d first", { ignore: !hasBrowser }, async () => {
  const profile = await Deno.makeTempDir();
  const server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    const type = path.endsWith(".html") ? "text/html" : path.endsWith(".css") ? "text/css" : "text/javascript";
    return await Deno.readFile(`${output}${path}`).then(
      (bytes) => new Response(bytes, { headers: { "content-type": type } }),
      () => new Response("", { status: 404 }),
    );
  });
  try {
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-dev-shm-usage",
      `--user-data-dir=${profile}`,
      "--virtual-time-budget=10000",
    ];
    const address = `http://localhost:${server.addr.port}/docs/guides/speed.html?q=conv2d`;
    const { stdout } = await new Deno.Command(browser, { args: [...flags, "--dump-dom", address], stderr: "null" }).output();
    const [, list] = new TextDecoder().decode(stdout).match(/<ul id="found"[^>]*>(.*?)<\/ul>/s)!;
    assert.deepEqual(attributes(list, "href").slice(0, 2), [
      "../../reference/~/conv2d.html",
      "../../reference/~/layers.conv2d.html",
    ]);
  } finally {
    await server.shutdown();
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
});

Deno.test("dead links of deno doc become text, and the others stay", () => {
  const html =
    '<i id="k"></i><a href="#k">K</a><a class="x" href="#l">L</a><a href="a.html">A</a><a href="b.html#c"><b>B</b></a>';
  const alive = '<i id="k"></i><a href="#k">K</a>L<a href="a.html">A</a><b>B</b>';
  assert.equal(withoutDeadLinks(html, (path) => path === "a.html"), alive);
});

Deno.test("Markdown becomes pages: anchors as on GitHub, links between pages, names linked, imports by name", () => {
  assert.equal(anchorOf('"Cannot read values of a tensor inside jit"'), "cannot-read-values-of-a-tensor-inside-jit");
  assert.equal(
    importsByName('from "../../mod.ts"; from "../visual/mod.ts"; from "./parts/mod.ts"'),
    [
      'from "cotangent"; from "cotangent/visual"; from "./parts/mod.ts"',
    ].join(),
  );
  const abs = {
    name: "abs",
    kind: "function",
    sentence: "",
    category: undefined,
    file: "",
    page: "reference/~/abs.html",
    specifier: "cotangent",
  } as const;
  const { html, sections, sources } = render(
    "docs/guides/a.md",
    "# A\n\n## B, c\n\nSee `abs(x)`, [b](../b.md#d), [e](../../examples/e.ts) & `x < y`.\n\n## B, c\n",
    new Map([["abs", abs]]),
  );
  assert.deepEqual(sections.map(({ anchor }) => anchor), ["a", "b-c", "b-c-1"]);
  assert.deepEqual(sources, ["examples/e.ts"]);
  for (
    const part of [
      '<a class="name" href="../../reference/~/abs.html"><code>abs(x)</code></a>',
      '<a href="../../docs/b.html#d">b</a>',
      '<a href="../../examples/e.ts.html">e</a>',
      "<code>x &lt; y</code>",
    ]
  ) assert.ok(html.includes(part), `${part} in ${html}`);
});
