/**
 * Damaged files of every format by the ten thousand, and cut at every byte: each is read or refused, in little memory and time. Prints a
 * table of what came of them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setDevice } from "../../mod.ts";
import { damaged, subjects, type Tally } from "../formats/damage.ts";

await setDevice("reference");

const copies = 10_000;
/** What a run may add to the memory of the process: decoders, garbage that is not collected yet. */
const mostGrown = 2 ** 29;

const rows: (Tally & { readonly grown: number })[] = [];

for (const name of Object.keys(subjects)) {
  Deno.test(`${copies} damaged copies, and all cuts: ${name}`, async () => {
    const before = Deno.memoryUsage().rss;
    const tally = await damaged(name, copies, 1);
    const grown = Deno.memoryUsage().rss - before;
    rows.push({ ...tally, grown });
    assert.ok(grown < mostGrown, `${grown} bytes more`);
  });
}

Deno.test("the table", () => {
  const mega = (bytes: number) => (bytes / 2 ** 20).toFixed(2);
  console.log("| format | bytes | cuts | copies | read | most memory, MiB | process, MiB more | slowest, ms |");
  console.log("| --- | --: | --: | --: | --: | --: | --: | --: |");
  for (const { name, bytes, cuts, copies, read, memory, slowest, grown } of rows) {
    const cells = [name, bytes, cuts, copies, read, mega(memory), mega(grown), slowest.toFixed(0)];
    console.log(`| ${cells.join(" | ")} |`);
  }
});
