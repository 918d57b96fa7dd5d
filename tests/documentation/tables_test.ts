/**
 * The tables of the guides for those who know another library: what stands in the column of ours is checked by the type checker as
 * an expression, names, options and all.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "../datasets/fixtures.ts";
import { loading, serve } from "../support/served.ts";

const root = new URL("../../", import.meta.url);

/** A row of a table: what it is there, and the expressions that do it here. */
interface Row {
  readonly line: number;
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
  /** The whole of the second column. */
  readonly said: string;
}

const codeIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);

/** The rows of the tables whose second column is headed "Cotangent". */
function rowsOf(page: string): Row[] {
  const rows: Row[] = [];
  let isTable = false;
  for (const [i, text] of page.split("\n").entries()) {
    const cells = text.split("|").map((cell) => cell.trim());
    if (!text.startsWith("|")) isTable = false;
    else if (cells[2] === "Cotangent") isTable = true;
    else if (isTable && !/^-+$/.test(cells[1])) {
      assert.equal(cells.length, 4, `line ${i + 1} has two columns`);
      rows.push({
        line: i + 1,
        theirs: codeIn(cells[1]),
        ours: codeIn(cells[2]).filter((code) => !/^COTANGENT_/.test(code)),
        said: cells[2],
      });
    }
  }
  return rows;
}

/** What the expressions of the tables may use. */
const given = `
const [x, y, z, i, labels, mask, key, logits, k, j] = Array<Tensor>(10);
const params: { weight: Tensor; bias: Tensor } = { weight: x, bias: y };
const grads = params;
const f = (x: Tensor) => sum(x);
const loss = (p: typeof params) => sum(p.weight);
const optimizer = optimizers.adam({ learningRate: 1 });
const optim = optimizer.init(params);
const model = layers.linear({ features: 2 });
const { state } = model.init(key, [3]);
const set = datasets.syntheticDigits().train;
`;

/**
 * What the type checker has against the expressions of pages: the page, the line, the expression and the error. The library is imported by URL:
 * of what does not lie on the disk Deno takes the types as they are, in half the time. A program without errors would run.
 */
async function objections(pages: Readonly<Record<string, string>>): Promise<string[]> {
  const server = serve();
  const host = `127.0.0.1:${server.addr.port}`;
  const names = Object.keys(await import("../../mod.ts"));
  const head = `import { ${names.join(", ")} } from "http://${host}/mod.ts";
import * as visual from "http://${host}/visual/mod.ts";
import * as onnx from "http://${host}/onnx/mod.ts";
import * as distributed from "http://${host}/distributed/mod.ts";
${given}
export const expressions: (() => unknown)[] = [`.split("\n");
  const body = Object.entries(pages).flatMap(([page, text]) =>
    rowsOf(text).flatMap(({ line, ours }) => ours.map((code) => ({ code, from: `${page}:${line}: ${code}` })))
  );
  const program = [...head, ...body.map(({ code }) => `async () => (${code}),`), "];", ""].join("\n");
  const { success, stderr } = await withFolder(async (cwd) => {
    await Deno.writeTextFile(join(cwd, "main.ts"), program);
    const args = ["check", "--no-config", "--no-lock", ...loading(host), "main.ts"];
    return await new Deno.Command(Deno.execPath(), { args, cwd, env: { NO_COLOR: "1" } }).output();
  });
  await server.shutdown();
  if (success) return [];
  const told = new TextDecoder().decode(stderr);
  const found = [...told.matchAll(/^(TS\d+ \[ERROR\].*?)$(?:(?!^TS)[\s\S])*?at \S*main\.ts:(\d+):\d+$/gm)];
  return found.length === 0 ? [told] : found.map(([, what, line]) => `${body[Number(line) - head.length - 1]?.from}: ${what}`);
}

const guides = { "docs/guides/from_pytorch.md": 150, "docs/guides/from_jax.md": 60 };
const texts: Record<string, string> = {};
for (const page of Object.keys(guides)) texts[page] = await Deno.readTextFile(new URL(page, root));

for (const [page, least] of Object.entries(guides)) {
  Deno.test(`${page} has at least ${least} names of the other library, each with an expression of ours or a word why not`, () => {
    const rows = rowsOf(texts[page]);
    const theirs = new Set(rows.flatMap((row) => row.theirs));
    assert.ok(theirs.size >= least, `${theirs.size} names`);
    const silent = rows.filter(({ ours, said }) => ours.length === 0 && !/^none|environment variable/.test(said));
    assert.deepEqual(silent.map(({ line }) => `${page}:${line}`), []);
  });
}

Deno.test("what the tables say that we have, we have; a name and an option that there are not would be found", async () => {
  const wrong = "| PyTorch | Cotangent |\n| --- | --- |\n| `a` | `summ(x)` |\n| `b` | `sum(x, { axes: 1 })`, `x.shape` |\n";
  const found = await objections({ ...texts, wrong });
  assert.deepEqual(found.map((text) => text.replace(/: TS.*$/s, "")), ["wrong:3: summ(x)", "wrong:4: sum(x, { axes: 1 })"]);
});
