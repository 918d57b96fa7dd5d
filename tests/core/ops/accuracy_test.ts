/**
 * Functions of single numbers are as exact as the table says, on every device: samples of all floats, special ones, doubles against
 * mpmath, and results that are floats themselves.
 */
import assert from "node:assert/strict";
import { cbrt, data, exp2, log10, log2, pow, sqrt, type Tensor, tensor } from "../../../mod.ts";
import fixture from "../../fixtures/accuracy.json" with { type: "json" };
import { accuracies, floatsOf, leastSize, ordinary, partners, specialFloats, unitsOff } from "../../support/accuracy.ts";
import { flushLoss } from "../../support/devices.ts";
import { testOnDevices } from "../../support/each_device.ts";

const samples = Float32Array.from([...floatsOf(3000), ...ordinary(1500), ...ordinary(1500, 2), ...specialFloats]);
const others = partners(samples.length);
const isSubnormal = (x: number) => x !== 0 && Math.abs(x) < 2 ** -126;

for (const [name, accuracy] of Object.entries(accuracies)) {
  const { f, exact, f32 = 2, binary } = accuracy;
  testOnDevices(`${name} of f32 is within ${f32} units`, async (_, device) => {
    const got = await data(f(tensor(samples), binary ? tensor(others) : tensor(0)));
    // GPUs may take subnormal numbers for 0.
    const flushes = device === "webgpu" || accuracy.flushes;
    const lost = await flushLoss({ name: device });
    // A root that is corrected is rounded twice.
    const most = lost > 0 ? Math.max(f32, 0.501) : f32;
    samples.forEach((x, i) => {
      if (device === "webgpu" && isSubnormal(x)) return;
      const want = exact(x, others[i]);
      const off = unitsOff(got[i], want, { type: "f32", flushes, least: leastSize(accuracy, x) });
      assert.ok(
        off <= most || Math.abs(got[i] - want) < lost,
        `${name}(${x}${binary ? `, ${others[i]}` : ""}) is ${got[i]}, not ${want}: ${off} units off`,
      );
    });
  }, ["wasm", "webgpu"]);
}

const doubles: Readonly<Record<string, readonly (readonly number[])[]>> = fixture;

Deno.test("every function of one number has values in double precision to be compared with", () => {
  assert.deepEqual(Object.keys(doubles).sort(), Object.keys(accuracies).filter((name) => !accuracies[name].binary).sort());
});

for (const [name, points] of Object.entries(doubles)) {
  const accuracy = accuracies[name];
  const { f, f64 = 1 } = accuracy;
  testOnDevices(`${name} of f64 is within ${f64} units`, async () => {
    const x = tensor(points.map(([x]) => x), { dtype: "f64" });
    const got = await data(f(x, tensor(0)));
    points.forEach(([x, want, low], i) => {
      const off = unitsOff(got[i], want, { type: "f64", low, least: leastSize(accuracy, x) });
      assert.ok(off <= f64, `${name}(${x}) is ${got[i]}, not ${want}: ${off} units off`);
    });
  }, ["wasm", "reference"]);
}

type Exact = readonly [
  string,
  (x: Tensor, y: Tensor) => Tensor,
  (x: number, y: number) => number,
  (readonly [x: number, y: number])[],
];

/** Functions whose results are floats at some arguments, and those arguments. */
function exactOf(dtype: "f32" | "f64"): readonly Exact[] {
  const [exponents, tens, roots] = dtype === "f32" ? [whole(-126, 127), 10, 256] : [whole(-1022, 1023), 22, 2000];
  const alone = (x: number) => [x, 0] as const;
  return [
    ["log2", log2, Math.log2, exponents.map((n) => alone(2 ** n))],
    ["exp2", exp2, (n) => 2 ** n, exponents.map(alone)],
    ["log10", log10, Math.log10, whole(0, tens).map((n) => alone(10 ** n))],
    ["sqrt", sqrt, Math.sqrt, whole(0, 4096).map((n) => alone(n ** 2))],
    ["cbrt", cbrt, Math.cbrt, whole(-roots, roots).map((n) => alone(n ** 3))],
    ["pow", pow, Math.pow, powers()],
  ];
}

function whole(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Whole numbers to whole powers, and squares to the power 1/2. */
function powers(): [number, number][] {
  const products = whole(-30, 300).flatMap((x) => whole(-3, 24).map((n): [number, number] => [x, n]));
  const isFloat = ([x, n]: [number, number]) => Number.isFinite(x ** n) && Math.fround(x ** n) === x ** n;
  return [...products.filter(isFloat), ...whole(1, 4096).map((x): [number, number] => [x * x, 0.5])];
}

testOnDevices("results are exact where they are floats", async (_, device) => {
  for (const dtype of device === "webgpu" ? ["f32"] as const : ["f32", "f64"] as const) {
    for (const [name, f, exact, pairs] of exactOf(dtype)) {
      const column = (k: 0 | 1) => tensor(pairs.map((pair) => pair[k]), { dtype });
      const got = await data(f(column(0), column(1)));
      pairs.forEach(([x, y], i) => assert.equal(got[i], exact(x, y), `${dtype} ${name}(${x}, ${y})`));
    }
  }
});
