/** The expansions of functions, evaluated as hardware does it, with products and sums fused and not. */
import assert from "node:assert/strict";
import { binary, constant, type Expr, select, unary, type UnaryOp, visit } from "../../../core/ir/expr.ts";
import { doubleMath } from "../../../core/ir/functions/double.ts";
import { binaryFunctionNames, expandBinary, expandLiteral, expandUnary, functionNames } from "../../../core/ir/functions/mod.ts";
import { functionsOfDoubles } from "../../../core/ir/functions/doubles/mod.ts";
import { rem } from "../../../core/ir/functions/remainder.ts";
import { accuracies, floatsOf, leastSize, ordinary, specialFloats, unitsOff } from "../../support/accuracy.ts";
import { type Evaluator, evaluator, operationsOf } from "../../support/evaluate.ts";

const exactly = doubleMath();
const [x, y]: Expr[] = [0, 1].map((slot) => ({ kind: "load", type: "f32", slot }));
const smallestNormal = 2 ** -126;

/** Every n-th bit pattern of the floats. */
const floats = Array.from(floatsOf(6_000));

const usual = Array.from(ordinary(3_000));

/** A way to evaluate an expression. */
interface Way {
  readonly evaluate: Evaluator;
  readonly fused: boolean;
  /** How far quotients and roots are off. */
  readonly off: number;
  /** What that may add to the bound. */
  readonly more: number;
}

/** Quotients and roots as exact as can be, and as far off as WGSL allows, either way. */
function waysOf(e: Expr): Way[] {
  const drivers = [
    { fused: true, off: 0, more: 1 },
    { fused: false, off: 0, more: 1 },
    { fused: false, off: 1, more: 5 },
    { fused: false, off: -1, more: 5 },
  ];
  return drivers.map((driver) => ({ ...driver, evaluate: evaluator(e, driver.fused, driver.off) }));
}

function check(name: string, ways: readonly Way[], args: readonly number[], want: number): void {
  const accuracy = accuracies[name];
  for (const { evaluate, fused, off, more } of ways) {
    const got = evaluate(args);
    const units = unitsOff(got, want, { type: "f32", flushes: true, least: leastSize(accuracy, args[0]) });
    if (!(units <= (accuracy.f32 ?? 2) * more)) {
      throw new Error(
        `${name}(${args})${fused ? ", fused," : ""} is ${got}, not ${want}: ${units} units off, quotients by ${off}`,
      );
    }
  }
}

for (const name of functionNames) {
  Deno.test(`${name} is within its bound over all floats`, () => {
    const ways = waysOf(expandUnary(name, x)!);
    const f = accuracies[name].exact as (x: number) => number;
    for (const value of [...floats, ...usual, ...specialFloats]) {
      if (value === 0 || !(Math.abs(value) < smallestNormal)) check(name, ways, [value], f(value));
    }
    assert.ok(Object.is(ways[0].evaluate([-0]), Math.fround(f(-0))));
  });
}

Deno.test("e^(a = inf ? 0 : a - b) leaves the choice to where a - b is not finite", () => {
  for (const op of ["add", "sub"] as const) {
    const whole = binary(op, x, y);
    const evaluate = evaluator(expandUnary("exp", select(binary("eq", x, Infinity), constant("f32", 0), whole))!, true);
    const special = [0, -0, 1, -3.5, 80, -86.9, -87, -103, 3e38, -3e38, Infinity, -Infinity, NaN];
    for (const a of special) {
      for (const b of special) {
        const exponent = a === Infinity ? 0 : Math.fround(op === "add" ? a + b : a - b);
        const units = unitsOff(evaluate([a, b]), exactly.exp(exponent), { type: "f32", flushes: true });
        assert.ok(units <= accuracies.exp.f32!, `e^(${a} ${op} ${b}) is off by ${units} units`);
      }
    }
  }
});

for (const name of ["pow", "atan2", "hypot"] as const) {
  Deno.test(`${name} is within its bound`, () => {
    const ways = waysOf(expandBinary(name, x, y)!);
    const special = [0, -0, 1, -1, 2, -3, 0.5, Infinity, -Infinity, NaN];
    for (const a of special) for (const b of special) check(name, ways, [a, b], exactly[name](a, b));
    usual.forEach((a, i) => {
      const b = usual[(i * 1_117) % usual.length];
      check(name, ways, [Math.abs(a), b], exactly[name](Math.abs(a), b));
    });
  });
}

Deno.test("rem is exact, whatever the quotient", () => {
  const [withFusing, without] = [true, false].map((fused) => evaluator(rem(x, y), fused));
  const same = (a: number, b: number, fused: boolean) => {
    const got = (fused ? withFusing : without)([a, b]);
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
    assert.equal(evaluator(expandBinary("pow", of(type, 0), of(type, 1))!, false)([a, b]), want);
    const literal = binary("pow", of(type, 0), b) as Extract<Expr, { kind: "binary" }>;
    const simple = expandLiteral("pow", literal.x, literal.y);
    if (b >= 0) assert.equal(evaluator(simple!, false)([a]), want);
  }
});

const double: Expr = { kind: "load", type: "f64", slot: 0 };

Deno.test("functions of doubles are arithmetic, but for what is left to JavaScript", () => {
  const names = functionNames.filter((name) => expandUnary(name, double));
  assert.deepEqual(names, Object.keys(functionsOfDoubles).sort((a, b) => order(a) - order(b)));
  for (const name of names) {
    visit([expandUnary(name, double)!], (e) => {
      assert.ok(e.type === "f64" || e.type === "bool", e.type);
      if (e.kind === "unary" && functionNames.includes(e.op)) assert.ok(e.called && e.op === name && e.x === double, e.op);
      if (e.kind === "binary") assert.ok(!binaryFunctionNames.includes(e.op), e.op);
    });
  }
});
const order = (name: string) => functionNames.indexOf(name as UnaryOp);

Deno.test("expansions consist of operations that need none", () => {
  const functions = new Set<string>([...functionNames, ...binaryFunctionNames]);
  const expansions = [
    ...functionNames.map((name) => expandUnary(name, x)!),
    ...binaryFunctionNames.map((name) => expandBinary(name, x, y)!),
  ];
  for (const e of expansions) {
    for (const op of operationsOf(e)) assert.ok(!functions.has(op), op);
  }
  assert.equal(expandUnary("sqrt", x), undefined);
  assert.equal(expandUnary("tan", double), undefined);
  assert.equal(expandBinary("add", x, y), undefined);
  assert.equal(unary("exact", x).type, "f32");
});
