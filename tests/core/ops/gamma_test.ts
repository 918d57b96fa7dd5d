/** The logarithm of the gamma function and its derivatives: values by mpmath in 40 digits, poles, zeros, reflection, and orders. */
import assert from "node:assert/strict";
import { data, digamma, grad, lgamma, mul, polygamma, sub, type Tensor, tensor, zeros } from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";

const inf = Infinity;
const order = (n: number) => (x: Tensor) => polygamma(x, n);

/** The law holds on both sides of zero; this is between two poles below it. */
const reflected = (name: string, f: (x: Tensor) => Tensor): Subject => ({
  name: `${name}, reflected`,
  inputs: [{ shape: [2, 4], domain: "unit", dtype: "float" }],
  f: (x) => f(sub(mul(x, 0.4), 1.5)),
});

testSubjects([reflected("lgamma", lgamma), reflected("digamma", digamma), reflected("polygamma", order(2))]);

testOnDevices("values at special points, for numbers huge and tiny, and close to zeros", async () => {
  const cases: readonly [string, (x: Tensor) => Tensor, readonly (readonly [x: number, y: number])[]][] = [
    ["lgamma", lgamma, [
      [1, 0],
      [2, 0],
      [1 + 2 ** -20, -5.504750066148867e-7],
      [2 - 2 ** -20, -4.0319826848018475e-7],
      [1e-30, 69.07755278665029],
      [1000, 5905.220423209181],
      [1e36, 8.18930601721786e37],
      [-1e-30, 69.07755278665029],
      [-0.5, 1.2655121234846454],
      [-1.5, 0.860047015376481],
      [-100.5, -364.90096830942736],
      [0, inf],
      [-1, inf],
      [-1e30, inf],
      [3e38, inf],
      [inf, inf],
      [-inf, inf],
      [NaN, NaN],
    ]],
    ["digamma", digamma, [
      [1, -0.5772156649015329],
      [2, 0.42278433509846713],
      [1e-30, -9.999999968289232e29],
      [1.4616321, -1.203605254910667e-8],
      [1000000, 13.815510057964191],
      [-0.25, 2.9141391202135276],
      [-1.75, -2.322691628614361],
      [-100.25, 7.754238959208646],
      [0, -inf],
      [-0, inf],
      [-1, NaN],
      [-1e30, NaN],
      [inf, inf],
      [-inf, NaN],
      [NaN, NaN],
    ]],
    ["trigamma", order(1), [
      [0.25, 17.19732915450711],
      [1, 1.6449340668482264],
      [1000, 0.0010005001666666333],
      [100000000, 1.000000005e-8],
      [-0.25, 18.541879647671607],
      [-3.75, 19.504980060599575],
      [0, inf],
      [-1, inf],
      [1e-30, inf],
      [inf, 0],
      [-inf, inf],
      [NaN, NaN],
    ]],
    ["order 2", order(2), [
      [0.25, -129.32773993753693],
      [1, -2.4041138063191885],
      [1000, -1.0010004999998333e-6],
      [100000000, -1.00000001e-16],
      [-0.25, 122.69736678366236],
      [-3.75, -124.07972713378925],
      [0, -inf],
      [-1, -inf],
      [inf, 0],
      [-inf, -inf],
      [NaN, NaN],
    ]],
    ["order 9", order(9), [
      [0.25, 380507297956.0487],
      [3, 6.5364223826268075],
      [20, 9.793727808998598e-8],
      [90, 1.093729536819522e-13],
      [1e30, 0],
    ]],
  ];
  for (const [name, f, points] of cases) {
    const got = await data(f(tensor(points.map(([x]) => x))));
    assertClose(got, points.map(([, y]) => Math.fround(y)), { relative: 2e-6, absolute: 0 }, name);
  }
});

testOnDevices("doubles keep their precision", async () => {
  const xs = [1e-8, 0.3, 0.75, 1 + 2 ** -30, 1.5, 2 - 2 ** -40, 2.5, 3.75, 4.5, 30, 100000, -0.3, -1.25, -7.75];
  const x = tensor(xs, { dtype: "f64" });
  const expected: readonly [string, Tensor, readonly number[]][] = [
    ["lgamma", lgamma(x), [
      18.42068073818021,
      1.0957979948180756,
      0.20328095143129538,
      -5.375739784311044e-10,
      -0.12078223763524522,
      -3.845201127643794e-13,
      0.2846828704729192,
      1.486815578593417,
      2.4537365708424423,
      71.25703896716801,
      1051287.7089736569,
      1.4648400508576025,
      1.3664317612369763,
      -8.581847763551867,
    ]],
    ["digamma", digamma(x), [
      -100000000.57721564,
      -3.502524222200133,
      -1.0858608797864722,
      -0.5772156633695686,
      0.03648997397857652,
      0.42278433509788055,
      0.7031566406452432,
      1.1825373886117962,
      1.388870926359529,
      3.384438132685525,
      11.512920464961896,
      2.113309779635399,
      3.714139120213528,
      -1.0307688328309315,
    ]],
    ["trigamma", polygamma(x, 1), [
      1.0000000000000002e16,
      12.245364546107732,
      2.5418796476716063,
      1.644934064609221,
      0.9348022005446793,
      0.644934066848594,
      0.49035775610023485,
      0.3053398526902531,
      0.24872510303901038,
      0.033895060357739946,
      1.0000050000166667e-5,
      13.945160267805722,
      19.181879647671607,
      19.61814433435229,
    ]],
    ["order 2", polygamma(x, 2), [
      -2e24,
      -75.27253658872604,
      -5.3026332163376395,
      -2.404113800271236,
      -0.82879664423432,
      -0.4041138063196378,
      -0.2362040516417274,
      -0.09254633851589927,
      -0.061556821321027695,
      -0.0011487652037286,
      -1.00001000005e-10,
      67.63908119988317,
      123.72136678366236,
      -124.03974558822776,
    ]],
    ["order 5", polygamma(x, 5), [
      1.1999999999999999e50,
      164634.84609922304,
      678.7533428745797,
      122.08116676198301,
      11.113548602435497,
      2.081167438139364,
      0.5785691785671835,
      0.05935845545024451,
      0.0217702556694113,
      1.0726994936161623e-6,
      2.4000600006e-24,
      165634.3818520859,
      492230.21062287455,
      492231.2664938476,
    ]],
  ];
  for (const [name, values, digits] of expected) {
    assertClose(await data(values), digits, { relative: 4e-15, absolute: 0 }, name);
  }
  const zero = await data(digamma(tensor(1.4616321449683622, { dtype: "f64" })));
  assertClose(zero, [-9.241265521729427e-17], { relative: 1e-15, absolute: 0 }, "digamma at the double nearest to its zero");
}, ["reference", "wasm"]);

testOnDevices("the derivatives of lgamma are digamma and polygamma of each order", async () => {
  const once = grad(lgamma);
  const twice = grad(once);
  const thrice = grad(twice);
  const pairs = [[once, digamma], [twice, order(1)], [thrice, order(2)], [grad(thrice), order(3)]] as const;
  for (const x of [0.3, 2.5, -1.25]) {
    for (const [derivative, direct] of pairs) assert.deepEqual(await data(derivative(tensor(x))), await data(direct(tensor(x))));
  }
  assert.deepEqual(await data(polygamma(0.3, 0)), await data(digamma(0.3)));
});

Deno.test("an order is a whole number of at least 0", () => {
  assert.throws(() => polygamma(zeros([1]), -1), RangeError);
  assert.throws(() => polygamma(zeros([1]), 0.5), RangeError);
});
