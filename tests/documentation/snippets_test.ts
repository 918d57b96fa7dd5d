/**
 * The snippets of the documentation run, and print what they show.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setDevice } from "../../mod.ts";
import { shows } from "./shown.ts";
import { readSnippets, run, shownIn, type Snippet, snippetsOf } from "./snippets.ts";

/** Where a snippet prints something else than it shows. */
async function differences(snippet: Snippet): Promise<string[]> {
  const shown = shownIn(snippet);
  const printed = await run(snippet);
  return shown.flatMap(({ line, text }) => {
    const found = printed.filter((print) => print.line === line).map(({ text }) => text);
    return shows(text, found) ? [] : [`${snippet.file}:${line} shows\n${text}\nbut prints\n${found.join(", ")}`];
  });
}

const documented = [
  "README.md",
  "CONTRIBUTING.md",
  "docs",
  "mod.ts",
  "core",
  "layers",
  "linalg",
  "optimizers",
  "datasets",
  "formats",
  "onnx",
  "visual",
];
const snippets = await readSnippets(documented);

for (const snippet of snippets) {
  Deno.test(`${snippet.file}:${snippet.line}`, { ignore: snippet.ignored }, async () => {
    await setDevice("wasm"); // the device that every machine has
    const found = await differences(snippet);
    if (found.length > 0) assert.fail(found.join("\n"));
  });
}

Deno.test("what never runs shows no values", () => {
  for (const snippet of snippets) if (snippet.ignored) assert.deepEqual(shownIn(snippet), []);
});

Deno.test("a snippet is found with its line, and its shown values with theirs", () => {
  const page = [
    "text",
    "```ts",
    'import "./mod.ts";',
    "console.log(1); // 1",
    "console.log(2);",
    "// two",
    "// lines",
    "```",
    "```sh",
    "ls",
    "```",
  ];
  const [snippet, ...others] = snippetsOf("page.md", page.join("\n"));
  assert.deepEqual([snippet.line, snippet.code.length, snippet.ignored, others], [3, 5, false, []]);
  assert.deepEqual(shownIn(snippet), [{ line: 4, text: "1" }, { line: 5, text: "two\nlines" }]);
  const comment = page.map((line) => ` * ${line}`).join("\n");
  assert.deepEqual(snippetsOf("page.ts", comment), [{ ...snippet, file: "page.ts" }]);
});

Deno.test("a value that nothing prints is refused with its line", () => {
  const [printless] = snippetsOf("page.md", "```ts\nx.shape; // [2, 2]\n```");
  assert.throws(() => shownIn(printless), /page\.md:2: .*no console\.log/);
  const [ignored] = snippetsOf("page.md", "```ts ignore\nconsole.log(1); // 1\n```");
  assert.throws(() => shownIn(ignored), /page\.md:2: .*never runs/);
});

Deno.test("a wrong value is reported with its line, and so is an error", async () => {
  const [wrong] = snippetsOf("page.md", "```ts\nconst x = [1, 2];\nconsole.log(x); // [1, 3]\n```");
  assert.deepEqual(await differences(wrong), ["page.md:3 shows\n[1, 3]\nbut prints\n[ 1, 2 ]"]);
  const [failing] = snippetsOf("page.md", "\n```ts\nconst x = 1;\nthrow new Error(`no ${x}`);\n```");
  await assert.rejects(differences(failing), (error: Error) => /:4:/.test(error.stack ?? ""));
});

Deno.test("white space, the rounding of f32 and repetition do not count", () => {
  assert.ok(shows("[[1, 0], [0, 1]]", ["[\n  [ 1, 0 ],\n  [ 0, 1 ]\n]"]));
  assert.ok(shows("stage  output\nconv   [2]", ["stage output   \nconv    [2]"]));
  assert.ok(shows("[0.1, 4e-7]", [`[ ${Math.fround(0.1)}, ${Math.fround(4e-7)} ]`]));
  assert.ok(shows("0.693...", ["0.6931471824645996"]));
  assert.ok(shows("[4] 2", ["[ 4 ] 2", "[ 4 ] 2"]));
  assert.ok(shows("[0], [2]", ["[ 0 ]", "[ 2 ]"]));
});

Deno.test("everything else does", () => {
  const wrong: [shown: string, ...printed: string[]][] = [
    ["[1, 2]"],
    ["[1, 2]", "[1, 3]"],
    ["[1, 2]", "[1, 2, 3]"],
    ["[1, 2]", "[[1, 2]]"],
    ["12 3", "1 23"],
    ["16777216", "16777217"],
    ["0", "1e-9"],
    ["0", "-0"],
    ["0.1", "0.1001"],
    ["0.69...", "0.7"],
    ["-0.69...", "0.693"],
    ["1.5...", "1.53e-8"],
    ["conv1", "conv2"],
    ["0.5, the mean", "0.5"],
    ["[4], [4]", "[4]"],
    ["[4]", "[4]", "[5]"],
  ];
  for (const [shown, ...printed] of wrong) assert.ok(!shows(shown, printed), `${shown} is not ${printed}`);
});
