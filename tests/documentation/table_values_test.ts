/**
 * The tables for those who know PyTorch: an expression of ours gives the numbers that PyTorch's beside it gives, for the same tensors
 * (`tests/fixtures/make_tables.py`).
 */
import assert from "node:assert/strict";
import * as cotangent from "../../mod.ts";
import { data, treeTensors } from "../../mod.ts";
import stored from "../fixtures/tables.json" with { type: "json" };
import type { ArrayFixture } from "../fixtures/types.ts";
import { tensorOf, type Tensors } from "../parity/run.ts";
import { assertClose } from "../support/close.ts";
import { eachCase } from "../support/each_case.ts";

interface Entry {
  /** PyTorch's expression. */
  readonly theirs: string;
  /** Ours beside it. */
  readonly ours: string;
  /** The name of the tensors that both are given. */
  readonly setting: string;
  readonly outputs: readonly ArrayFixture[];
}

const entries = stored.entries as unknown as readonly Entry[];
const settings = new Map(
  (stored.settings as unknown as { name: string; tensors: Record<string, ArrayFixture> }[]).map(({ name, tensors }) => [
    name,
    Object.fromEntries(Object.entries(tensors).map(([key, array]) => [key, tensorOf(array)])),
  ]),
);

/** What an expression of the tables gives, its types left out. */
function valueOf(code: string, given: Tensors): object {
  const names = { ...cotangent, ...given, j: given.labels };
  return new Function(...Object.keys(names), `return (${code.replaceAll(": Tensor", "")})`)(...Object.values(names));
}

/** Where PyTorch gives more than one thing, ours is the first ones of them. */
async function assertSame({ ours, setting, outputs }: Entry): Promise<void> {
  const found = treeTensors(valueOf(ours, settings.get(setting)!));
  assert.ok(found.length > 0 && found.length <= outputs.length, `${found.length} tensors, PyTorch has ${outputs.length}`);
  for (const [i, x] of found.entries()) {
    const expected = tensorOf(outputs[i]);
    assert.deepEqual(x.shape, expected.shape);
    assertClose(await data(x), await data(expected), { relative: 1e-5, absolute: 1e-6 }, ours);
  }
}

Deno.test("what stands beside an expression of PyTorch in the tables gives the same numbers", async () => {
  assert.ok(entries.length > 200, `${entries.length} entries`);
  await eachCase(entries, ({ theirs, ours }) => `${theirs} | ${ours}`, assertSame);
});

Deno.test("the fixture of the tables is that of the page: make_tables.py makes it anew", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/guides/from_pytorch.md", import.meta.url));
  const gone = entries.flatMap(({ theirs, ours }) => [theirs, ours]).filter((code) =>
    !page.includes(code.replaceAll("|", "&#124;"))
  );
  assert.deepEqual(gone, []);
});

Deno.test("an expression that gives other numbers would be found", async () => {
  const entry = entries.find(({ theirs }) => theirs === "x.sum(1, keepdim=True)")!;
  await assert.rejects(assertSame({ ...entry, ours: "sum(y, { axis: 1, keepDims: true })" }), /4 of 4 elements differ/);
});
