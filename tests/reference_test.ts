/**
 * The reference device itself: its convolutions and pools against PyTorch, its own functions against mathematics, its refusals.
 *
 * @module
 */
import assert from "node:assert/strict";
import { binary, cast } from "../core/compile/expr.ts";
import type { Kernel } from "../core/compile/kernel.ts";
import { DeviceError, DonatedError } from "../core/errors.ts";
import { erf, power, roundHalfEven } from "../core/runtime/reference/special.ts";
import { sizeOf } from "../core/shape.ts";
import { assertClose, exact } from "./close.ts";
import { type ArrayFixture, type OperationFixture, operations } from "./fixtures/ops.ts";
import { networks, stepImages, stepParameters } from "./fixtures/step.ts";
import { buildCase, dense, elementwiseCase, type KernelCase, load, result, store, strided } from "./kernel_cases/builder.ts";
import { convGeometry, convRoles } from "./kernel_cases/conv.ts";
import { poolGeometry, poolRoles } from "./kernel_cases/pool.ts";
import { expectedOf, reference, runProgram } from "./run_case.ts";

const digits = { relative: 1e-10, absolute: 1e-10 };

const pairOf = (value: unknown, otherwise: number): readonly [number, number] =>
  Array.isArray(value) ? value as [number, number] : [Number(value ?? otherwise), Number(value ?? otherwise)];

function paddingOf(value: unknown): readonly [number, number, number, number] {
  const [vertical, horizontal] = pairOf(value, 0);
  return [vertical, vertical, horizontal, horizontal];
}

/** One kernel in f64 whose operands are contiguous, and what it must give. */
function kernelCase(
  name: string,
  shape: readonly number[],
  operands: readonly ArrayFixture[],
  expected: ArrayFixture,
  make: (ids: readonly number[]) => Omit<Kernel, "shape" | "loads" | "stores">,
): KernelCase {
  return buildCase(name, digits, (p) => {
    const ids = operands.map(({ data }) => p.input("f64", data));
    const out = p.output("f64", sizeOf(shape));
    const rest = { shape, loads: [], stores: [store(dense(out, shape), result(0, "f64"))] };
    p.run({ ...make(ids), ...rest } as Kernel);
    return [expected.data];
  });
}

function convCases(
  { options, inputs: { x, weight, bias }, output, cotangent, grads }: OperationFixture,
  index: number,
): KernelCase[] {
  const geometry = convGeometry({
    n: x.shape[0],
    c: x.shape[1],
    input: [x.shape[2], x.shape[3]],
    o: weight.shape[0],
    kernel: [weight.shape[2], weight.shape[3]],
    stride: pairOf(options.stride, 1),
    dilation: pairOf(options.dilation, 1),
    padding: paddingOf(options.padding),
    groups: Number(options.groups ?? 1),
  });
  const plane = geometry.oh * geometry.ow;
  const unbiased = bias ? output.data.map((value, i) => value - bias.data[Math.floor(i / plane) % geometry.o]) : output.data;
  const expected = {
    conv2d: [x, weight, { ...output, data: unbiased }],
    conv2dInputGrad: [cotangent, weight, grads.x],
    conv2dFilterGrad: [x, cotangent, grads.weight],
  };
  return (["conv2d", "conv2dInputGrad", "conv2dFilterGrad"] as const).map((kind) => {
    const [lhs, rhs, value] = expected[kind];
    const [left, right, domain] = convRoles(kind, geometry);
    return kernelCase(`${kind} ${index}`, domain, [lhs, rhs], value, ([a, b]) => {
      return { kind, geometry, lhs: dense(a, left), rhs: dense(b, right) };
    });
  });
}

function poolCases({ name, options, inputs: { x }, output, cotangent, grads }: OperationFixture, index: number): KernelCase[] {
  const geometry = poolGeometry({
    n: x.shape[0],
    c: x.shape[1],
    input: [x.shape[2], x.shape[3]],
    kernel: pairOf(options.kernel, 1),
    stride: pairOf(options.stride ?? options.kernel, 1),
    dilation: pairOf(options.dilation, 1),
    padding: paddingOf(options.padding),
    ceil: options.ceilMode === true,
    countPadding: options.countPadding !== false,
  });
  const kinds = name === "maxPool2d" ? ["maxPool2d", "maxPool2dScatter"] as const : ["avgPool2d", "avgPool2dGrad"] as const;
  const gradientOperands = name === "maxPool2d" ? [x, cotangent] : [cotangent];
  return kinds.map((kind, k) => {
    const { operands, domain } = poolRoles(kind, geometry);
    return kernelCase(`${kind} ${index}`, domain, k === 0 ? [x] : gradientOperands, k === 0 ? output : grads.x, (ids) => {
      return { kind, geometry, operands: ids.map((id, i) => dense(id, operands[i])) };
    });
  });
}

Deno.test("convolutions and pools agree with PyTorch", async (t) => {
  const cases = operations.flatMap((operation, index) => {
    if (operation.name === "conv2d") return convCases(operation, index);
    return operation.name.endsWith("Pool2d") ? poolCases(operation, index) : [];
  });
  assert.ok(cases.length > 80);
  for (const one of cases) {
    await t.step(one.name, async () => {
      const [output] = await expectedOf(one);
      assertClose(output, one.known![0], digits, one.name);
    });
  }
});

Deno.test("the step fixture's inputs are PyTorch's: fcn gives the same logits", () => {
  const parameters = stepParameters("fcn");
  const images = stepImages(networks.fcn);
  assert.equal(images.length, networks.fcn.batch * 784);
  const logits = [0, 1].flatMap((image) => {
    let x = Array.from(images.slice(image * 784, (image + 1) * 784));
    for (const stage of ["fc1", "fc2", "fc3", "fc4", "head"]) {
      const { shape: [outputs, inputs], values: weight } = parameters[`${stage}.weight`];
      const bias = parameters[`${stage}.bias`].values;
      const y = Array.from({ length: outputs }, (_, o) => x.reduce((sum, v, i) => sum + v * weight[o * inputs + i], bias[o]));
      x = stage === "head" ? y : y.map((v) => Math.max(v, 0));
    }
    return x;
  });
  assertClose(logits, networks.fcn.logits, { relative: 1e-10, absolute: 1e-11 }, "logits");
});

Deno.test("erf to double precision", () => {
  // Abramowitz and Stegun, table 7.1, and higher digits from the continued fraction of erfc.
  const table = [
    [0, 0],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [
      2.5,
      0.999593047982555,
    ],
    [3, 0.9999779095030014],
    [-1, -0.8427007929497149],
  ];
  for (const [x, y] of table) assert.ok(Math.abs(erf(x) - y) < 3e-16, `erf(${x}) is ${erf(x)}, expected ${y}`);
  for (let x = -7; x <= 7; x += 0.01) assert.ok(erf(x + 0.01) >= erf(x), `erf must not fall at ${x}`);
});

Deno.test("halves round to even, powers follow IEEE 754", () => {
  assert.deepEqual([0.5, 1.5, 2.5, 3.5, -0.5, -1.5, 2.4, 2 ** 53].map(roundHalfEven), [0, 2, 2, 4, -0, -2, 2, 2 ** 53]);
  assert.equal(power(1, NaN), 1);
  assert.equal(power(-1, Infinity), 1);
  assert.equal(power(NaN, 0), 1);
});

Deno.test("a malformed program is refused with its place", () => {
  const refused = (one: KernelCase, message: RegExp) =>
    assert.throws(() => reference.compile(one.program), (error) => error instanceof DeviceError && message.test(error.message));
  refused(
    buildCase("past the end", exact, (p) => {
      const x = p.input("f32", [1, 2, 3]);
      const out = p.output("f32", 3);
      p.run({ kind: "map", shape: [3], loads: [strided(x, [1], 1)], stores: [store(strided(out, [1]), load(0))] });
    }),
    /kernel 0 \(map\): load 0 touches 1 to 3 of a buffer of 3/,
  );
  refused(
    buildCase("a stride too few", exact, (p) => {
      const x = p.input("f32", [1, 2, 3, 4]);
      const out = p.output("f32", 4);
      p.run({ kind: "map", shape: [2, 2], loads: [strided(x, [1])], stores: [store(strided(out, [2, 1]), load(0))] });
    }),
    /load 0 has 1 strides for 2 axes/,
  );
  refused(
    elementwiseCase("wrong type", exact, [{ dtype: "i32", values: [1] }], "f32", (x) => x),
    /writes i32 to a buffer of f32/,
  );
  refused(
    elementwiseCase("wrong load", exact, [{ dtype: "i32", values: [1] }], "f32", () => load(0)),
    /loads f32 from a buffer of i32/,
  );
});

Deno.test("inputs of the wrong size and freed buffers are refused", () => {
  const { program } = elementwiseCase("copy", exact, [{ dtype: "f32", values: [1, 2] }], "f32", (x) => x);
  const executable = reference.compile(program);
  assert.throws(() => executable.run([new Float32Array(3)]), DeviceError);
  assert.throws(() => executable.run([reference.upload("i32", new Int32Array(2))]), DeviceError);
  const buffer = reference.upload("f32", new Float32Array(2));
  reference.free(buffer);
  reference.free(buffer);
  assert.throws(() => executable.run([buffer]), DonatedError);
});

Deno.test("f32 keeps double precision between kernels and rounds at the border", async () => {
  const one = buildCase("thirds", exact, (p) => {
    const x = p.input("f32", [1]);
    const third = p.temporary("f32", 1, 0);
    const out = p.output("f64", 1);
    p.run({
      kind: "map",
      shape: [],
      loads: [strided(x, [])],
      stores: [store(strided(third, []), binary("div", load(0), 3))],
    });
    p.run({
      kind: "map",
      shape: [],
      loads: [strided(third, [])],
      stores: [store(strided(out, []), cast("f64", load(0)))],
    });
  });
  const [output] = await runProgram(reference, one.program, one.inputs);
  assert.equal(output[0], 1 / 3);
});
