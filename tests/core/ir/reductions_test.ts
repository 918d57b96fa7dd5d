/** What reductions mean: neutral elements, NaN, ties, and that the order of merging does not matter. */
import assert from "node:assert/strict";
import { functionOf } from "../../../core/devices/reference/expressions.ts";
import type { ScalarType } from "../../../core/ir/expr.ts";
import {
  append,
  isArgReduction,
  merge,
  neutralElement,
  neutralIndex,
  outcomeIn,
  type ReduceOp,
} from "../../../core/ir/reductions.ts";

type Pair = readonly [value: number, index: number];

const ops: readonly ReduceOp[] = ["sum", "prod", "max", "min", "argmax", "argmin"];

function stepOf(rule: typeof merge, op: ReduceOp, type: ScalarType): (a: Pair, b: Pair) => Pair {
  const { value, index } = rule(op, outcomeIn("load", type, 0), outcomeIn("load", type, 2));
  const [nextValue, nextIndex] = [functionOf(value), index ? functionOf(index) : () => 0];
  return (a, b) => [nextValue([...a, ...b]), nextIndex([...a, ...b])];
}

const start = (op: ReduceOp, type: ScalarType): Pair => [neutralElement(op, type), neutralIndex];

const windows: readonly (readonly number[])[] = [
  [3, 1, 4, 1, 5],
  [2, 2, 2],
  [-Infinity, -Infinity],
  [Infinity, Infinity, 1],
  [1, NaN, 3, NaN],
  [NaN],
  [0, -0],
];

function expected(op: ReduceOp, values: readonly number[]): number {
  const nan = values.findIndex(Number.isNaN);
  switch (op) {
    case "sum":
      return values.reduce((x, y) => x + y, 0);
    case "prod":
      return values.reduce((x, y) => x * y, 1);
    case "max":
      return Math.max(...values);
    case "min":
      return Math.min(...values);
    default:
      return nan >= 0 ? nan : values.indexOf((op === "argmax" ? Math.max : Math.min)(...values));
  }
}

for (const op of ops) {
  const result = ([value, index]: Pair) => isArgReduction(op) ? index : value;

  Deno.test(`${op}: in order, and by merging parts in any order`, () => {
    for (const values of windows) {
      const pairs = values.map((value, i): Pair => [value, i]);
      const inOrder = pairs.reduce(stepOf(append, op, "f64"), start(op, "f64"));
      assert.equal(result(inOrder), expected(op, values), String(values));
      const step = stepOf(merge, op, "f64");
      for (const order of [pairs, pairs.toReversed(), [...pairs.slice(1), pairs[0]]]) {
        assert.equal(result(order.reduce(step, start(op, "f64"))), expected(op, values), String(values));
        const half = order.length >> 1;
        const [left, right] = [order.slice(0, half), order.slice(half)].map((part) => part.reduce(step, start(op, "f64")));
        assert.equal(result(step(right, left)), expected(op, values), String(values));
      }
    }
  });
}

Deno.test("neutral elements of integers and bools are the ends of their ranges", () => {
  assert.deepEqual(ops.map((op) => neutralElement(op, "i32")), [0, 1, -(2 ** 31), 2 ** 31 - 1, -(2 ** 31), 2 ** 31 - 1]);
  assert.deepEqual(ops.map((op) => neutralElement(op, "u32")), [0, 1, 0, 2 ** 32 - 1, 0, 2 ** 32 - 1]);
  assert.deepEqual(ops.map((op) => neutralElement(op, "bool")), [0, 1, 0, 1, 0, 1]);
  assert.deepEqual(ops.map((op) => neutralElement(op, "f32")), [0, 1, -Infinity, Infinity, -Infinity, Infinity]);
});
