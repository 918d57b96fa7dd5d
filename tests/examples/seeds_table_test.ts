/**
 * `docs/seeds.md` has a row for each thing that the five notes use, and what it names is there.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as cotangent from "../../mod.ts";
import * as visual from "../../visual/mod.ts";

/** How many rows each note has. */
const rowCounts = { S0: 10, S1: 6, S2: 4, S3: 9, S4: 11 };
const rows = Object.entries(rowCounts).flatMap(([note, count]) => Array.from({ length: count }, (_, i) => `${note}.${i + 1}`));

const page = new URL("../../docs/seeds.md", import.meta.url);
const text = await Deno.readTextFile(page);
const table = text.split("\n").filter((line) => /^\| S\d/.test(line)).map((line) =>
  line.split("|").slice(1, -1).map((cell) => cell.trim())
);

Deno.test("every row of the notes is there once, in order, with functions and something that shows it", () => {
  assert.deepEqual(table.map(([row]) => row), rows);
  for (const [row, what, functions, example, tests] of table) {
    assert.ok(what !== "" && functions !== "" && tests !== "", row);
    assert.ok(`${example}${tests}`.includes("]("), row);
  }
});

Deno.test("the functions are exported", () => {
  for (const [row, , functions] of table) {
    for (const [, name] of functions.matchAll(/`([\w.]+)`/g)) {
      const found = name.split(".").reduce<unknown>((from, part) => (from as Record<string, unknown> | undefined)?.[part], {
        ...cotangent,
        visual,
      });
      assert.ok(found !== undefined, `${row}: no ${name}`);
    }
  }
});

Deno.test("the files exist", async () => {
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
  assert.ok(links.length >= rows.length);
  for (const link of links) assert.ok((await Deno.stat(new URL(link, page))).isFile, link);
});
