/** The laws, for every operation's record and on every device. */
import assert from "node:assert/strict";
import { apply } from "../../../core/ops/define.ts";
import type { Op } from "../../../core/tensor.ts";
import { allOps } from "../../../core/ops/mod.ts";
import { sinOp } from "../../../core/ops/unary.ts";
import { cos, type DType, DTypeError, mul, sin, stopGradient, type Tensor } from "../../../mod.ts";
import { exact, type Tolerance } from "../../support/close.ts";
import { devicesFor, testDevices } from "../../support/devices.ts";
import { checkDerivatives, checkDevice, checkRules, checkVmap, isDifferentiable, type Subject } from "../../support/laws.ts";
import { casesOf, type Input, type OpCase, tableNames } from "../../support/op_cases.ts";
import { recordsIn } from "../../support/records.ts";
import { share } from "../../support/share.ts";
import { storageFloats } from "../../support/storage_floats.ts";
import { reference } from "../../support/run_case.ts";

/**
 * Values and arguments are of the order of one, so this is a few dozen units in the last place: a wrong formula is far off, and how
 * exact each function of a device is, the tests of its kernels say.
 */
const tolerances: Readonly<Record<string, Tolerance>> = {
  f32: { relative: 4e-6, absolute: 4e-6 },
  f64: { relative: 1e-12, absolute: 1e-12 },
};

/** Types of what a case leaves open. */
const floats: readonly DType[] = ["f32", "f64", ...storageFloats];

/** Their derivative is defined to be none, or that of values that the result has not, whatever the difference quotient says. */
const withoutDerivative = new Set(["stopGradient", "withValues"]);

function subjectOf(op: Op, { note, inputs, attrs }: OpCase): Subject {
  return { name: `${op.name} ${note}`, inputs, f: (...xs: Tensor[]) => apply(op, xs, attrs) };
}

const subjects = allOps.flatMap((op) => casesOf(op).map((one) => ({ op, subject: subjectOf(op, one) })));

/** Runs a law over subjects and reports all that break it, not only the first. */
async function all<T>(items: readonly T[], law: (item: T) => Promise<unknown>): Promise<void> {
  const failures: string[] = [];
  for (const item of items) {
    try {
      await law(item);
    } catch (error) {
      failures.push((error as Error).stack ?? String(error));
    }
  }
  if (failures.length > 0) throw new Error(`${failures.length} of ${items.length} failed\n${failures.join("\n")}`);
}

Deno.test("every record of core/ops is in the list, under a name of its own, with cases", async () => {
  assert.deepEqual(new Set(allOps), await recordsIn(new URL("../../../core/ops/", import.meta.url)));
  assert.equal(new Set(allOps.map(({ name }) => name)).size, allOps.length, "names");
  assert.deepEqual(allOps.filter((op) => casesOf(op).length === 0).map(({ name }) => name), [], "records without cases");
  const names = new Set(allOps.map(({ name }) => name));
  assert.deepEqual(tableNames.filter((name) => !names.has(name)), [], "cases without a record");
  console.log(`${allOps.length} records, ${subjects.length} cases`);
});

/** Whether a record takes floats of a type: most compute in f32 and f64 only. */
function takes(op: Op, { inputs, attrs }: OpCase, float: DType): boolean {
  try {
    op.dtype(inputs.map(({ dtype }) => dtype === "float" ? float : dtype), attrs);
    return true;
  } catch (error) {
    if (error instanceof DTypeError && storageFloats.includes(float)) return false;
    throw error;
  }
}

Deno.test("every rule of every record returns what fits, in every type", async () => {
  const cases = allOps.flatMap((op) => casesOf(op).map((one) => ({ op, one })));
  const typed = cases.flatMap(({ op, one }) => {
    const open = one.inputs.some(({ dtype }) => dtype === "float");
    const types = floats.filter((float) => open ? takes(op, one, float) : float === "f32");
    return types.map((float) => ({ op, one, float }));
  });
  let results = 0;
  await all(typed, ({ op, one, float }) => Promise.resolve(results += checkRules(op, one, float)));
  console.log(`${typed.length} cases with their types, ${results} results`);
});

Deno.test("derivatives of every record agree with differences, once and twice, and forwards with backwards", async () => {
  const differentiable = subjects.filter(({ op, subject }) => !withoutDerivative.has(op.name) && isDifferentiable(subject));
  await all(differentiable, ({ subject }) => checkDerivatives(subject));
  console.log(`${differentiable.length} cases have derivatives`);
});

Deno.test("vmap of every record is a loop over examples, whichever arguments are batched", async () => {
  let combinations = 0;
  await all(subjects, async ({ subject }) => combinations += await checkVmap(subject, 3));
  console.log(`${combinations} combinations`);
});

Deno.test("vmap of every record works for one example and for none", async () => {
  await all(subjects, ({ subject }) => checkVmap(subject, 1));
  await all(subjects, ({ subject }) => checkVmap(subject, 0));
});

Deno.test("the laws find a wrong derivative and a wrong batching rule", async () => {
  const input: Input = { shape: [3], domain: "any", dtype: "float" };
  const sine = (spec: Partial<Op<undefined>>): Subject => ({
    name: "sine",
    inputs: [input],
    f: (x) => apply({ ...(sinOp as Op<undefined>), ...spec }, [x], undefined),
  });
  const wrong = (g: Tensor, x: Tensor) => mul(g, sin(x));
  await checkDerivatives(sine({}));
  await assert.rejects(checkDerivatives(sine({ vjp: (g, [x]) => [wrong(g, x)] })), /the first derivative/);
  await assert.rejects(checkDerivatives(sine({ jvp: ([t], [x]) => [t && wrong(t, x)] })), /jvp against vjp/);
  await assert.rejects(checkDerivatives(sine({ vjp: (g, [x]) => [mul(g, stopGradient(cos(x)))] })), /the second derivative/);
  await assert.rejects(checkVmap(sine({ vmap: ([x]) => x }), 2), /vmap over arguments/);
});

Deno.test("jit of every record gives what it gives without, on the reference", async () => {
  await all(subjects, async ({ subject }) => {
    await checkDevice(subject, reference, { f32: exact, f64: exact });
  });
});

for (const { name, device } of testDevices) {
  Deno.test(`every record on ${name} gives what the reference gives, plain and with jit`, async () => {
    const chosen = share(name, subjects, ({ op }) => op.name, 7).filter((_, i) =>
      devicesFor(i).some((each) => each.name === name)
    );
    await all(chosen, ({ subject }) => checkDevice(subject, device, tolerances));
  });
}
