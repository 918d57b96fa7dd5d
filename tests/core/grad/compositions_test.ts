/**
 * The laws of composition: whatever transforms are inside each other, values and derivatives are those of plain loops over numbers.
 *
 * Programs are random (compositions/program.ts). A failure names the smallest failing one; COTANGENT_SEED=7 tries others, or those of a
 * failure again. Many more are tried by tests/long.
 */
import assert from "node:assert/strict";
import { checkpointOp } from "../../../core/grad/checkpoint.ts";
import { customOp } from "../../../core/grad/custom.ts";
import { scanOp } from "../../../core/grad/loop.ts";
import { tupleElementOp } from "../../../core/grad/tuple.ts";
import type { Op } from "../../../core/tensor.ts";
import { mul } from "../../../mod.ts";
import { testDevices } from "../../support/devices.ts";
import { floatsOf } from "../../support/laws.ts";
import { reference } from "../../support/run_case.ts";
import { allLists, checkAny, checkEach } from "./compositions/check.ts";
import type { Transform } from "./compositions/program.ts";

const seed = Number(Deno.env.get("COTANGENT_SEED") ?? 1);

Deno.test("each transform of each other", async () => {
  await checkEach(allLists(2), { device: reference, float: "f64", seed, count: 1 });
});

Deno.test("transforms of transforms of transforms", async () => {
  await checkAny(3, { device: reference, float: "f64", seed, count: 40 });
});

Deno.test("transforms of transforms with floats for storage", async () => {
  await checkAny(2, { device: reference, float: "f32", seed, count: 30 });
});

for (const { name, device } of testDevices) {
  for (const float of floatsOf(device)) {
    Deno.test(`transforms of transforms in ${float} on ${name}`, async () => {
      const count = name.startsWith("webgpu") ? 6 : 16;
      await checkAny(2, { device, float, seed, count });
      await checkAny(3, { device, float, seed, count: count / 2 });
    });
  }
}

/** A rule replaced by a wrong one, and transforms which then do not give what they should. */
interface Mutant {
  readonly name: string;
  readonly op: Op;
  readonly rules: Partial<Op>;
  readonly shown: readonly Transform[];
}

function mutant<A>(name: string, op: Op<A>, rules: Partial<Op<A>>, shown: readonly Transform[]): Mutant {
  return { name, op: op as Op, rules: rules as Partial<Op>, shown };
}

const mutants: readonly Mutant[] = [
  mutant("cotangents of what the examples share are not summed", customOp, {
    vmap: ((batch) => (inputs, batched, attrs, size) =>
      batch(inputs, batched.map((each, i) => each || i < attrs.args), attrs, size))(customOp.vmap!),
  }, ["vmap", "custom"]),
  mutant("a rule of one's own is not used", customOp, {
    vjp: ((pull) => (g, inputs, output, attrs) => pull(g, inputs, output, attrs).map((each) => each && mul(each, 0)))(
      customOp.vjp,
    ),
  }, ["custom"]),
  mutant("a checkpoint forgets what was captured", checkpointOp, {
    vjp: ((pull) => (g, inputs, output, attrs) =>
      pull(g, inputs, output, attrs).map((each, i) =>
        i < attrs.body.captured.length ? undefined : each
      ))(checkpointOp.vjp),
  }, ["checkpoint"]),
  mutant("a loop forgets the tangents of what was captured", scanOp, {
    jvp: ((push) => (tangents, inputs, output, attrs) =>
      push(
        tangents.map((each, i) => i < attrs.body.captured.length ? undefined : each),
        inputs,
        output,
        attrs,
      ))(scanOp.jvp),
  }, ["jvp", "scan"]),
  mutant("a loop walks the same way back", scanOp, {
    vjp: ((pull) => (g, inputs, output, attrs) => pull(g, inputs, output, { ...attrs, reverse: !attrs.reverse }))(scanOp.vjp),
  }, ["scan"]),
  mutant("one result of several is taken for another", tupleElementOp, {
    jvp: ((push) => (tangents, inputs, output, attrs) =>
      push(tangents, inputs, output, { ...attrs, index: Math.max(0, attrs.index - 1) }))(tupleElementOp.jvp),
  }, ["jvp", "scan"]),
];

Deno.test("the laws find wrong rules", async () => {
  const trial = { device: reference, float: "f64", seed, count: 200, anyFailing: true } as const;
  for (const { name, op, rules, shown } of mutants) {
    const right = { ...op };
    Object.assign(op, rules);
    try {
      await assert.rejects(checkEach([shown], trial), /Property failed/, name);
    } finally {
      Object.assign(op, right);
    }
  }
});
