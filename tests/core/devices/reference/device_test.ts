/**
 * The reference device itself: its own functions against mathematics, its refusals. (Against PyTorch: tests/parity/.)
 *
 * @module
 */
import assert from "node:assert/strict";
import { binary, cast } from "../../../../core/ir/expr.ts";
import { DeviceError, DonatedError } from "../../../../core/errors.ts";
import { roundHalfEven } from "../../../../core/devices/reference/special.ts";
import { doubleMath } from "../../../../core/ir/functions/double.ts";
import { assertClose, exact } from "../../../support/close.ts";
import { networks, stepImages, stepParameters } from "../../../fixtures/step.ts";
import { buildCase, elementwiseCase, type KernelCase, load, store, strided } from "../../../support/kernel_cases/builder.ts";
import { reference, runProgram } from "../../../support/run_case.ts";

const { erf, pow: power } = doubleMath();

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
      p.run({ kind: "map", operands: [], shape: [3], loads: [strided(x, [1], 1)], stores: [store(strided(out, [1]), load(0))] });
    }),
    /kernel 0 \(map\): load 0 touches 1 to 3 of a buffer of 3/,
  );
  refused(
    buildCase("a stride too few", exact, (p) => {
      const x = p.input("f32", [1, 2, 3, 4]);
      const out = p.output("f32", 4);
      p.run({
        kind: "map",
        operands: [],
        shape: [2, 2],
        loads: [strided(x, [1])],
        stores: [store(strided(out, [2, 1]), load(0))],
      });
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
      operands: [],
      shape: [],
      loads: [strided(x, [])],
      stores: [store(strided(third, []), binary("div", load(0), 3))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [],
      loads: [strided(third, [])],
      stores: [store(strided(out, []), cast("f64", load(0)))],
    });
  });
  const [output] = await runProgram(reference, one.program, one.inputs);
  assert.equal(output[0], 1 / 3);
});
