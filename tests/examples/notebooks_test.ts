/**
 * The notebooks of `examples/notebooks`, run by Jupyter's own client and the kernel of Deno: what each cell shows, and what is learned.
 *
 * @module
 */
import assert from "node:assert/strict";
import { canRunNotebooks, type Cell, joined, type Output, runNotebook } from "../support/notebooks.ts";
import { decoded } from "../visual/png.ts";
import { elements } from "../visual/svg.ts";

const pathOf = (name: string) => new URL(`../../examples/notebooks/${name}`, import.meta.url).pathname;

/** What a cell gave, in short: "stdout", or what its value is shown as. */
function kindOf({ output_type, data = {} }: Output): string {
  if (output_type === "stream") return "text";
  const shown = ["image/png", "image/svg+xml", "text/html", "text/plain"].find((type) => type in data);
  return { "image/png": "picture", "image/svg+xml": "chart", "text/html": "table", "text/plain": "value" }[shown ?? ""] ??
    output_type;
}

/** What the code cells gave, those that gave nothing left out. */
function kindsOf(cells: readonly Cell[]): string[][] {
  return cells.map(({ outputs = [] }) => outputs.map(kindOf)).filter(({ length }) => length > 0);
}

/** The parts of a type, of all cells. */
function parts(cells: readonly Cell[], type: string): string[] {
  return cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ data }) => data?.[type] ? [joined(data[type])] : []));
}

function printed(cells: readonly Cell[]): string {
  return cells.flatMap(({ outputs = [] }) => outputs.map(({ text }) => joined(text ?? ""))).join("");
}

/** Runs a notebook; what is kept in its file must be of the same kinds. */
async function run(name: string, env?: Readonly<Record<string, string>>): Promise<Cell[]> {
  const cells = await runNotebook(pathOf(name), env);
  const kept: { readonly cells: Cell[] } = JSON.parse(await Deno.readTextFile(pathOf(name)));
  assert.deepEqual(kindsOf(kept.cells), kindsOf(cells), `${name} is kept with what other code gave`);
  for (const html of parts(cells, "text/html")) elements(`<div>${html}</div>`, "div"); // well-formed
  return cells;
}

const ignore = !canRunNotebooks;

Deno.test({
  name: "the tour shows tensors, charts, pictures and models",
  ignore,
  fn: async () => {
    const cells = await run("tour.ipynb");
    assert.deepEqual(kindsOf(cells).flat(), [
      ...["table", "table", "picture", "chart", "chart", "picture", "picture"],
      ...["chart", "table", "table", "table", "picture"],
    ]);
    const sizes = parts(cells, "image/png").map((file) => decoded(Uint8Array.fromBase64(file.trim())));
    assert.deepEqual(sizes.map(({ width, height }) => [width, height]), [[96, 64], [238, 88], [238, 88], [10, 20]]);
    const [line] = parts(cells, "text/plain").filter((text) => text.startsWith("slope"));
    const [slope, offset] = Array.from(
      line.matchAll(/mean (−?)([\d.]+)/g),
      ([, sign, digits]) => Number(digits) * (sign ? -1 : 1),
    );
    assert.ok(Math.abs(slope - 2) < 0.1 && Math.abs(offset + 0.5) < 0.1, line);
  },
});

Deno.test({
  name: "the notebook of MNIST trains, tests, and saves a model that reads the same",
  ignore,
  fn: async () => {
    const cells = await run("mnist.ipynb", { DIGITS: "drawn" });
    assert.deepEqual(kindsOf(cells).flat(), [
      ...["value", "text", "chart", "table", "text", "chart"],
      ...["text", "chart", "picture", "text", "table"],
    ]);
    const text = printed(cells);
    const [, accuracy] = /([\d.]+) % of 2000 are right/.exec(text) ?? assert.fail(text);
    assert.ok(Number(accuracy) > 90, text);
    assert.match(text, /bytes; the same answers: true/);
    const [filters] = parts(cells, "image/png").map((file) => decoded(Uint8Array.fromBase64(file.trim())));
    assert.deepEqual([filters.width, filters.height], [8 * 7 - 2, 2 * 7 - 2]);
    const figures = parts(cells, "image/svg+xml").map((svg) => elements(svg, "image").length);
    assert.deepEqual([figures[0], figures[1]], [24, 0]);
  },
});
