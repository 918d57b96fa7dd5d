/**
 * Laws that hold for every function of tensors.
 *
 * Derivatives are checked in double precision on the reference device, where a finite difference is good to about nine digits.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isFloat, tangentType } from "../../core/dtype.ts";
import { apply } from "../../core/ops/define.ts";
import { batchAll } from "../../core/ops/sum.ts";
import type { Op } from "../../core/tensor.ts";
import type { Device } from "../../core/values/device.ts";
import { useDevice } from "../../core/execution/current_device.ts";
import {
  add,
  data,
  type DType,
  jit,
  jvp,
  mul,
  reshape,
  slice,
  stack,
  sum,
  type Tensor,
  tensor,
  vjp,
  vmap,
  zeros,
} from "../../mod.ts";
import { assertClose, exact, type Tolerance } from "./close.ts";
import { reference } from "./run_case.ts";
import { hash } from "./noise.ts";
import { type Input, type OpCase, sampleInput } from "./op_cases.ts";

/** A function of tensors and where its arguments lie. */
export interface Subject {
  readonly name: string;
  readonly inputs: readonly Input[];
  f(...xs: Tensor[]): Tensor;
}

/**
 * Central differences over 2^-16: their own error is about 2^-32 times the third derivative, that of rounding about 2^-37. Functions
 * in the tables have derivatives below a thousand where they are sampled.
 */
const step = 2 ** -16;
const differences: Tolerance = { relative: 1e-6, absolute: 1e-6 };
/** Two ways to one number in double precision, over at most some hundred terms. */
const rounding: Tolerance = { relative: 1e-12, absolute: 1e-12 };

function sampleAll(subject: Subject, float: DType, seed = 1): Tensor[] {
  return subject.inputs.map((input, i) => sampleInput(input, seed + i, float));
}

/** A direction or cotangent for each tensor: multiples of 1/8, so that a step along it is exact in f32 too. */
function directions(xs: readonly Tensor[], seed: number): Tensor[] {
  return xs.map((x, k) => {
    const values = Float64Array.from({ length: x.size }, (_, i) => (hash(seed + k, i) % 17 - 8) / 8);
    return tensor(values, { shape: x.shape, dtype: x.dtype });
  });
}

const dots = (xs: readonly Tensor[], ys: readonly Tensor[]): Tensor => xs.map((x, i) => sum(mul(x, ys[i]))).reduce(add);

async function number(x: Tensor): Promise<number> {
  return (await data(x))[0];
}

async function difference(f: (...xs: Tensor[]) => Tensor, xs: readonly Tensor[], ts: readonly Tensor[]): Promise<number> {
  const at = (sign: number) => number(f(...xs.map((x, i) => add(x, mul(ts[i], sign * step)))));
  return (await at(1) - await at(-1)) / (2 * step);
}

/** Whether a subject has floating arguments and a floating result, so that derivatives mean something. */
export function isDifferentiable(subject: Subject): boolean {
  const xs = sampleAll(subject, "f64");
  return xs.some(({ dtype }) => isFloat(dtype)) && isFloat(subject.f(...xs).dtype);
}

/** Reverse and forward mode agree with finite differences, once and twice, and with each other. */
export async function checkDerivatives(subject: Subject): Promise<void> {
  useDevice(reference);
  const all = sampleAll(subject, "f64");
  const floatIndices = all.flatMap(({ dtype }, i) => isFloat(dtype) ? [i] : []);
  const xs = floatIndices.map((i) => all[i]);
  // A function of the floating arguments alone.
  const f = (...floats: Tensor[]) =>
    subject.f(...all.map((x, i) => floatIndices.includes(i) ? floats[floatIndices.indexOf(i)] : x));
  const ts = directions(xs, 50);
  const us = directions(xs, 60);
  const [g] = directions([f(...xs)], 70);

  const along = (...at: Tensor[]) => dots([f(...at)], [g]);
  const pulled = (...at: Tensor[]) => vjp(f, ...at)[1](g);
  const slope = await number(dots(pulled(...xs), ts));
  assertClose([slope], [await difference(along, xs, ts)], differences, `${subject.name}: the first derivative`);
  const [, forward] = jvp((...at: Tensor[]) => f(...at), xs, ts);
  assertClose([await number(dots([forward], [g]))], [slope], rounding, `${subject.name}: jvp against vjp`);

  const slopeAlongU = (...at: Tensor[]) => dots(pulled(...at), us);
  const bend = await number(dots(vjp(slopeAlongU, ...xs)[1](tensor(1, { dtype: g.dtype })), ts));
  assertClose([bend], [await difference(slopeAlongU, xs, ts)], differences, `${subject.name}: the second derivative`);
  const [, forwardBend] = jvp(slopeAlongU, xs, ts);
  assertClose([await number(forwardBend)], [bend], rounding, `${subject.name}: the second derivative, jvp against vjp`);
}

/** Asserts that two tensors have one shape and type, and values that agree. */
async function assertSame(actual: Tensor, expected: Tensor, tolerance: Tolerance, what: string): Promise<void> {
  assert.deepEqual(actual.shape, expected.shape, `${what}: shape`);
  assert.equal(actual.dtype, expected.dtype, `${what}: type`);
  assertClose(await data(actual), await data(expected), tolerance, what);
}

/**
 * Every rule of a record returns what fits: a cotangent for each input that needs one, of its shape and the type of derivatives by it; a
 * tangent like the output; a batch of outputs for each combination of batched inputs. Returns how many results were looked at.
 */
export function checkRules(op: Op, { note, inputs, attrs }: OpCase, float: DType): number {
  const form = ({ shape, dtype }: Tensor) => ({ shape, dtype });
  const derivativeOf = ({ shape, dtype }: Tensor) => ({ shape, dtype: tangentType(dtype) });
  const of = (x: Tensor) => tangentType(x.dtype) && zeros(x.shape, { dtype: tangentType(x.dtype) });
  const xs = inputs.map((input, i) => sampleInput(input, 1 + i, float));
  const y = apply(op, xs, attrs);
  let count = 0;
  const assertForm = (found: Tensor, wanted: unknown, what: string) => {
    assert.deepEqual(form(found), wanted, `${op.name} ${note}, ${float}: ${what}`);
    count++;
  };

  const g = of(y);
  if (g) {
    const cotangents = op.vjp(g, xs, y, attrs);
    assert.equal(cotangents.length, xs.length, `${op.name} ${note}: cotangents`);
    cotangents.forEach((each, i) => each && tangentType(xs[i].dtype) && assertForm(each, derivativeOf(xs[i]), `cotangent ${i}`));
    xs.forEach((_, k) => {
      const tangents = xs.map((x, i) => i === k ? of(x) : undefined);
      for (const term of op.jvp(tangents, xs, y, attrs)) if (term) assertForm(term, derivativeOf(y), `tangent along ${k}`);
    });
  }
  for (const size of [1, 3]) {
    for (let mask = 1; mask < 2 ** inputs.length; mask++) {
      const batched = inputs.map((_, i) => (mask >> i & 1) === 1);
      const batches = inputs.map((input, i) => sampleInput(input, 1 + i, float, batched[i] ? [size] : []));
      const batch = op.vmap ? op.vmap(batches, batched, attrs, size) : apply(op, batchAll(batches, batched, size), attrs);
      assertForm(batch, { shape: [size, ...y.shape], dtype: y.dtype }, `a batch of ${size}, batched ${batched.map(Number)}`);
    }
  }
  return count;
}

/** Each combination of batched and shared arguments gives what a loop over the examples gives. Returns how many there were. */
export async function checkVmap(subject: Subject, examples: number): Promise<number> {
  useDevice(reference);
  const combinations = 2 ** subject.inputs.length - 1;
  for (let mask = 1; mask <= combinations; mask++) {
    const batched = subject.inputs.map((_, i) => (mask >> i & 1) === 1);
    const xs = subject.inputs.map((input, i) => sampleInput(input, 1 + i, "f64", batched[i] ? [examples] : []));
    const example = (x: Tensor, k: number) => reshape(slice(x, { start: k, stop: k + 1 }), x.shape.slice(1));
    const mapped = vmap((...args: Tensor[]) => subject.f(...args), { inAxis: batched.map((each) => each ? 0 : null) })(...xs);
    const what = `${subject.name}: vmap over arguments ${batched.map(Number)}`;
    if (examples === 0) {
      const { shape, dtype } = subject.f(...sampleAll(subject, "f64"));
      await assertSame(mapped, zeros([0, ...shape], { dtype }), exact, what);
      continue;
    }
    const loop = Array.from({ length: examples }, (_, k) => subject.f(...xs.map((x, i) => batched[i] ? example(x, k) : x)));
    await assertSame(mapped, stack(loop), rounding, what);
  }
  return combinations;
}

/** The types in which floats are checked on a device. */
export function floatsOf(device: Device): ("f32" | "f64")[] {
  return (["f32", "f64"] as const).filter((dtype) => device.dtypes.includes(dtype));
}

/** Compiled and plain, a function computes the same on a device, and what the reference computes. */
export async function checkDevice(
  subject: Subject,
  device: Device,
  tolerances: Readonly<Record<string, Tolerance>>,
): Promise<void> {
  for (const float of floatsOf(device)) {
    const what = `${subject.name}, ${float}`;
    useDevice(reference);
    const args = sampleAll(subject, float);
    const expected = subject.f(...args);
    const values = await data(expected);
    if (![...args, expected].every(({ dtype }) => device.dtypes.includes(dtype))) continue; // f64 on webgpu
    useDevice(device);
    const plain = subject.f(...sampleAll(subject, float));
    assert.deepEqual([plain.shape, plain.dtype], [expected.shape, expected.dtype], what);
    assertClose(await data(plain), values, tolerances[plain.dtype] ?? exact, what);
    const compiled = jit((...xs: Tensor[]) => subject.f(...xs))(...sampleAll(subject, float));
    await assertSame(compiled, plain, exact, `${what}: jit against plain`);
  }
}
