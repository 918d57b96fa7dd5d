/** The expansions of functions, evaluated as hardware does it, with products and sums fused and not. */
import assert from "node:assert/strict";
import { binary, type BinaryOp, type Expr, unary } from "../../../core/ir/expr.ts";
import { doubleMath } from "../../../core/ir/functions/double.ts";
import { expandBinary, expandLiteral, expandUnary, functionNames } from "../../../core/ir/functions/mod.ts";
import { rem } from "../../../core/ir/functions/remainder.ts";
import { evaluate, operationsOf } from "../../support/evaluate.ts";

const exactly = doubleMath();
const [x, y]: Expr[] = [0, 1].map((slot) => ({ kind: "load", type: "f32", slot }));
const smallestNormal = 2 ** -126;

/** The largest error, in units of the last place. */
const most: Readonly<Partial<Record<string, number>>> = { erf: 2.5, tan: 3.5, tanh: 2.3 };

/** Every n-th bit pattern of the floats. */
const floats = Array.from(new Float32Array(Uint32Array.from({ length: 20_000 }, (_, i) => Math.imul(i, 214_745)).buffer));

/** Numbers of ordinary size, of both signs. */
const ordinary = Array.from({ length: 5_000 }, (_, i) => Math.fround((i / 2_500 - 1) ** 3 * 40));

function error(got: number, want: number): number {
  const rounded = Math.fround(want);
  if (got === rounded || (Number.isNaN(got) && Number.isNaN(want))) return 0;
  if (Math.abs(want) < smallestNormal) return Math.abs(got) <= smallestNormal ? 0 : Infinity;
  const value = Number.isFinite(got) || Number.isNaN(got) ? got : Math.sign(got) * 2 ** 128;
  return Math.abs(value - want) / 2 ** (Math.min(Math.floor(Math.log2(Math.abs(want))), 127) - 23);
}

function check(name: string, e: Expr, args: readonly number[], want: number): void {
  for (const fused of [true, false]) {
    const got = evaluate(e, args, fused);
    const off = error(got, want);
    if (!(off <= (most[name] ?? 2))) {
      throw new Error(`${name}(${args})${fused ? ", fused," : ""} is ${got}, not ${want}: ${off} units off`);
    }
  }
}

for (const name of functionNames) {
  Deno.test(`${name} is within its bound over all floats`, () => {
    const expansion = expandUnary(name, x)!;
    const f = exactly[name as keyof typeof exactly] as (x: number) => number;
    for (const value of [...floats, ...ordinary, 0, 1, -1, Infinity, -Infinity, NaN]) {
      if (value === 0 || !(Math.abs(value) < smallestNormal)) check(name, expansion, [value], f(value));
    }
    assert.ok(Object.is(evaluate(expansion, [-0], true), Math.fround(f(-0))) || name === "cosh");
  });
}

for (const name of ["pow", "atan2"] as const) {
  Deno.test(`${name} is within its bound`, () => {
    const expansion = expandBinary(name, x, y)!;
    const special = [0, -0, 1, -1, 2, -3, 0.5, Infinity, -Infinity, NaN];
    for (const a of special) for (const b of special) check(name, expansion, [a, b], exactly[name](a, b));
    ordinary.forEach((a, i) => {
      const b = ordinary[(i * 1_117) % ordinary.length];
      check(name, expansion, [Math.abs(a), b], exactly[name](Math.abs(a), b));
    });
  });
}

Deno.test("rem is exact, whatever the quotient", () => {
  const expansion = rem(x, y);
  const same = (a: number, b: number, fused: boolean) => {
    const got = evaluate(expansion, [a, b], fused);
    assert.ok(Object.is(got, a % b), `${a} % ${b} is ${got}, not ${a % b}`);
  };
  const values = [...floats.filter((_, i) => i % 100 === 0 && !(Math.abs(floats[i]) < smallestNormal)), 0, -0, Infinity, NaN];
  for (const a of values) for (const b of values) same(a, b, a > b);
  for (const fused of [true, false]) {
    same(2 ** 127, Math.fround(3e-38), fused);
    same(7.5, 2.5, fused);
    same(-7, 3, fused);
    same(Math.fround(1e30), Math.fround(0.1), fused);
  }
});

Deno.test("powers of integers wrap, and those by a literal are products", () => {
  const of = (type: "i32" | "u32", slot: number): Expr => ({ kind: "load", type, slot });
  const cases: readonly ["i32" | "u32", number, number, number][] = [
    ["i32", 3, 5, 243],
    ["i32", -3, 3, -27],
    ["i32", 7, 30, Number(BigInt.asIntN(32, 7n ** 30n))],
    ["i32", 2, -1, 0],
    ["i32", -1, -3, -1],
    ["i32", 1, -8, 1],
    ["i32", 0, 0, 1],
    ["u32", 3, 41, Number(BigInt.asUintN(32, 3n ** 41n))],
    ["u32", 5, 2 ** 31, 1],
  ];
  for (const [type, a, b, want] of cases) {
    assert.equal(evaluate(expandBinary("pow", of(type, 0), of(type, 1))!, [a, b], false), want);
    const literal = binary("pow", of(type, 0), b) as Extract<Expr, { kind: "binary" }>;
    const simple = expandLiteral("pow", literal.x, literal.y);
    if (b >= 0) assert.equal(evaluate(simple!, [a], false), want);
  }
});

Deno.test("expansions consist of operations that need none", () => {
  const functions = new Set<string>([...functionNames, "pow", "atan2", "rem"]);
  const expansions = [
    ...functionNames.map((name) => expandUnary(name, x)!),
    ...(["pow", "atan2", "rem"] satisfies BinaryOp[]).map((name) => expandBinary(name, x, y)!),
  ];
  for (const e of expansions) {
    for (const op of operationsOf(e)) assert.ok(!functions.has(op), op);
  }
  assert.equal(expandUnary("sqrt", x), undefined);
  assert.equal(expandUnary("exp", { kind: "load", type: "f64", slot: 0 }), undefined);
  assert.equal(expandBinary("add", x, y), undefined);
  assert.equal(unary("exact", x).type, "f32");
});
