/** Code as one types it at the console of `examples/browser`: values, declarations that stay, what is incomplete, what is wrong. */
import assert from "node:assert/strict";
import { evaluate, type Scope } from "../../examples/browser/evaluate.ts";

/** The values of pieces of code that are run one after the other. */
async function valuesOf(scope: Scope, ...pieces: readonly string[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const piece of pieces) {
    const evaluated = await evaluate(piece, scope);
    assert.equal(evaluated.kind, "value", `${piece}: ${JSON.stringify(evaluated)} ${(evaluated as { error?: unknown }).error}`);
    values.push((evaluated as { value: unknown }).value);
  }
  return values;
}

Deno.test("the last expression is the value; await may stand anywhere", async () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["1 + 1", 2],
    ["1 + 1;", 2],
    ["await Promise.resolve(3)", 3],
    ["Promise.resolve(4) // a promise is waited for", 4],
    ["for (const x of [1, 2]) await x;\n'done'", "done"],
    ["const x = 1", undefined],
    ["", undefined],
    ["{ a: 1, b: [2] }", { a: 1, b: [2] }],
    ["{ const y = 1; }", undefined],
    ["1, 2", 2],
    ["`a\nb`", "a\nb"],
  ];
  for (const [code, value] of cases) assert.deepEqual(await valuesOf({}, code), [value], code);
});

Deno.test("what is declared stays, of every form, and may be declared again", async () => {
  const scope: Scope = { two: 2 };
  const declared = `let a = two; const { b, c: [d = 5, ...e], ...f } = { b: 1, c: [undefined, 6], g: 7 };
    function h() { return a + b; } class K {} var l = 8;`;
  assert.deepEqual(await valuesOf(scope, declared, "[a, b, d, e, f, h(), new K() instanceof K, l]"), [
    undefined,
    [2, 1, 5, [6], { g: 7 }, 3, true, 8],
  ]);
  assert.deepEqual(await valuesOf(scope, "const a = 10", "a += 1", "a"), [undefined, 11, 11]);
});

Deno.test("imports of the library name what is there", async () => {
  const scope: Scope = { grad: "gradient", mul: "product" };
  const code = 'import { grad, mul as times } from "./mod.ts";\nimport { mul } from "cotangent";\n[grad, times, mul]';
  assert.deepEqual(await valuesOf(scope, code, "times"), [["gradient", "product", "product"], "product"]);
  const other = await evaluate('import path from "node:path"', scope);
  assert.match(`${(other as { error: Error }).error}`, /^SyntaxError: Cannot import path: /);
});

Deno.test("code that must go on is incomplete, code that is wrong an error", async () => {
  for (const code of ["f(", "for (;;) {", "const x =", "`text", "/* note", "[1,\n2", "{ a: 1,"]) {
    assert.deepEqual(await evaluate(code, {}), { kind: "incomplete" }, code);
  }
  for (const code of ["1 +* 2 + 3", ") + 1", "const = 1;", "missing", "throw new Error('no')"]) {
    assert.equal((await evaluate(code, {})).kind, "error", code);
  }
});
