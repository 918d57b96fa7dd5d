/**
 * What pages say of the code is so: code that they quote stands in the file they name, files and names that they mention exist, and
 * the glossary is in order.
 *
 * @module
 */
import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);

/** The pages of a folder and of the folders in it. */
async function pagesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder, root)));
  const found = entries.map(async ({ name, isDirectory }) =>
    isDirectory ? await pagesIn(`${folder}/${name}`) : [`${folder}/${name}`]
  );
  return (await Promise.all(found)).flat().filter((name) => name.endsWith(".md")).sort();
}

const pages = await Promise.all(
  ["README.md", "CONTRIBUTING.md", ...await pagesIn("docs")].map(async (name) => ({
    name,
    text: await Deno.readTextFile(new URL(name, root)),
  })),
);

/** A block of code that begins with ` ```ts ignore FILE `: a quotation from the file. */
interface Quotation {
  readonly file: string;
  readonly code: string;
}

function quotationsIn(page: string): Quotation[] {
  return [...page.matchAll(/^```ts ignore (?<file>\S+)\n(?<code>.*?)^```$/gms)].map(({ groups }) =>
    groups as unknown as Quotation
  );
}

/** Whether the code is whole lines of the source, one after the other; they may be indented there. */
function isIn(source: string, code: string): boolean {
  const [lines, quoted] = [source.split("\n"), code.trimEnd().split("\n")];
  return quoted[0] !== "" && lines.some((line, i) => {
    const indent = " ".repeat(Math.max(0, line.length - quoted[0].length));
    return quoted.every((text, k) => lines[i + k] === (text === "" ? "" : indent + text));
  });
}

/** The files and folders of the project that a page names by their paths, and those to which it links, from the root. */
function pathsIn(page: string, name: string): string[] {
  const tops = "core|layers|linalg|optimizers|datasets|formats|onnx|visual|examples|bench|site|docs|tests";
  const withoutLinks = page.replaceAll(/\[[^\]]*\]\([^)]*\)/g, "");
  const named = [...withoutLinks.matchAll(new RegExp(`(?<![\\w./])(?:${tops})/[\\w./]*\\w`, "g"))].map(([path]) => path);
  const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link]) => new URL(link, new URL(name, root)).href);
  return [...named, ...links.map((link) => link.slice(root.href.length))];
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, root)).then(() => true, () => false);
}

/** The text of every source file in a folder. */
async function readAll(folder: URL): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const read = async ({ name, isDirectory }: Deno.DirEntry) =>
    isDirectory ? await readAll(new URL(`${name}/`, folder)) : [await Deno.readTextFile(new URL(name, folder))];
  return (await Promise.all(entries.map(read))).flat();
}

for (const { name, text } of pages) {
  Deno.test(`${name} quotes what is in the code`, async () => {
    for (const { file, code } of quotationsIn(text)) {
      assert.ok(isIn(await Deno.readTextFile(new URL(file, root)), code), `not in ${file}:\n${code}`);
    }
  });

  Deno.test(`${name} names files that exist`, async () => {
    const missing: string[] = [];
    for (const path of pathsIn(text, name)) if (!await exists(path)) missing.push(path);
    assert.deepEqual(missing, []);
  });
}

Deno.test("a guide shows a record of an operation", () => {
  const [record] = quotationsIn(pages.find(({ name }) => name === "docs/guides/inside.md")!.text);
  assert.match(record.code, /^export const \w+Op/);
});

Deno.test("the glossary has at most 60 words, in order, a line each", () => {
  const { text } = pages.find(({ name }) => name === "docs/glossary.md")!;
  const [, , ...rows] = text.split("\n").filter((line) => line.startsWith("|"));
  const words = rows.map((row) => row.split("|")[1].replaceAll("`", "").trim().toLowerCase());
  assert.ok(words.length > 40 && words.length <= 60, `${words.length} words`);
  assert.deepEqual(words, words.toSorted());
  assert.equal(new Set(words).size, words.length);
});

Deno.test("names of the glossary are those of the code", async () => {
  const sources = await Promise.all(
    ["core", "layers", "linalg", "optimizers", "datasets"].map((folder) => readAll(new URL(`${folder}/`, root))),
  );
  const names = new Set(sources.flat().join().match(/\w+/g));
  const { text } = pages.find(({ name }) => name === "docs/glossary.md")!;
  const missing = [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name).filter((name) => !names.has(name));
  assert.deepEqual(missing, []);
});

Deno.test("a wrong quotation and a missing file are found", () => {
  const page = "x/core/no.ts core/there.ts, [here](../docs/here.md)\n```ts ignore core/there.ts\nconst x = 1;\n\nx;\n```\n";
  const [{ file, code }, ...others] = quotationsIn(page);
  assert.deepEqual([file, code, others], ["core/there.ts", "const x = 1;\n\nx;\n", []]);
  for (const source of [code, "{\n  const x = 1;\n\n  x;\n}\n"]) assert.ok(isIn(source, code), source);
  for (const source of ["const x = 12;\n\nx;\n", "const x = 1;\nx;\n", "  const x = 1;\n\nx;\n"]) {
    assert.ok(!isIn(source, code), source);
  }
  assert.deepEqual(pathsIn(page, "docs/page.md"), ["core/there.ts", "core/there.ts", "docs/here.md"]);
});
