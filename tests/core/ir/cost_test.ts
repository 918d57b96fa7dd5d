/** Costs of expressions: functions count what they expand to, and what few arguments need counts nothing. */
import assert from "node:assert/strict";
import { instructions } from "../../../core/ir/cost.ts";
import { binary, constant, eachUsualArgument, type Expr, rarely, select, unary, visit } from "../../../core/ir/expr.ts";

const x: Expr = { kind: "load", type: "f32", slot: 0 };

Deno.test("a function costs as much as its usual arguments need", () => {
  assert.equal(instructions([binary("mul", x, x)]), 1);
  const [sine, root] = [instructions([unary("sin", x)]), instructions([unary("sqrt", x)])];
  assert.equal(root, 1);
  assert.ok(sine > 20 && sine < 60, `${sine}`);
  assert.ok(instructions([binary("pow", x, 2)]) < 5);
  assert.ok(instructions([binary("pow", x, 2.5)]) > 50);
});

Deno.test("what is rarely needed is not visited as usual", () => {
  const [test, far, near] = [binary("lt", constant("f32", 9), x), unary("neg", x), unary("abs", x)];
  assert.equal(instructions([select(test, far, near)]), 4);
  assert.equal(instructions([rarely(test, far, near)]), 3);
  const seen: Expr[] = [];
  visit([rarely(test, far, near)], (e) => seen.push(e), eachUsualArgument);
  assert.ok(seen.includes(near) && !seen.includes(far));
});
