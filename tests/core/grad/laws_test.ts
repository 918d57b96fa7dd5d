/**
 * The laws for transforms that are operations themselves: what they make of a function is held to all laws, as any function is.
 *
 * @module
 */
import assert from "node:assert/strict";
import { tupleOp } from "../../../core/grad/tuple.ts";
import type { Op } from "../../../core/tensor.ts";
import { add, checkpoint, customVjp, matmul, mul, scan, sin, sum, tanh, type Tensor, vjp } from "../../../mod.ts";
import { testSubjects } from "../../support/each_subject.ts";
import { checkVmap, type Subject } from "../../support/laws.ts";
import { type Input, sampleInput } from "../../support/op_cases.ts";
import { recordsIn, recordsOf } from "../../support/records.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });

/** A function of two arguments with two results. */
const block = (x: Tensor, w: Tensor) => {
  const y = tanh(matmul(x, w));
  return { y, z: mul(sin(y), y) };
};

/** The same function with its derivative written out. */
const byHand = customVjp(
  (x: Tensor, w: Tensor) => [block(x, w), [x, w] as const],
  ([x, w], g) => vjp(block, x, w)[1](g),
);

const blocks = { checkpoint: checkpoint(block), customVjp: byHand };
const recurrent: Subject = {
  name: "scan",
  inputs: [float(2), float(4, 2), float(2, 2)],
  f: (start, xs, w) => {
    const [h, ys] = scan((h: Tensor, x: Tensor) => [tanh(add(matmul(w, h), x)), mul(h, x)], start, xs);
    return add(h, sum(ys, { axis: 0 }));
  },
};

const subjects = Object.entries(blocks).flatMap(([name, f]): Subject[] => [
  { name, inputs: [float(3, 2), float(2, 2)], f: (x, w) => mul(f(x, w).y, add(f(x, w).z, 1)) },
  { name: `${name} inside itself`, inputs: [float(2, 2), float(2, 2)], f: (x, w) => f(f(x, w).z, w).y },
  { name: `one result of ${name}`, inputs: [float(3, 2), float(2, 2)], f: (x, w) => f(x, w).z },
]);

testSubjects([recurrent, ...subjects]);

Deno.test("batches of one example and of none", async () => {
  for (const subject of [recurrent, ...subjects]) for (const examples of [1, 0]) await checkVmap(subject, examples);
});

Deno.test("every record of core/grad is in a function that is held to the laws", async () => {
  const used = new Set([recurrent, ...subjects].flatMap(({ inputs, f }) => {
    return [...recordsOf(f(...inputs.map((input, i) => sampleInput(input, i, "f32"))))];
  }));
  const unused = (await recordsIn(new URL("../../../core/grad/", import.meta.url))).difference(used);
  // A tuple of cotangents, tangents or batches is taken apart by the rule that gets it: no graph of values has one.
  assert.deepEqual(unused, new Set([tupleOp as Op]));
});
