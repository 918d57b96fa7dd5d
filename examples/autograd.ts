/**
 * Gradients, and where a classifier's come from: sigmoids, softmax, cross-entropy, PolyLoss.
 *
 * ```sh
 * deno run examples/autograd.ts
 * ```
 *
 * @module
 */
import {
  add,
  arange,
  at,
  atan,
  crossEntropy,
  cumsum,
  data,
  div,
  dot,
  erf,
  exp,
  grad,
  gudermannian,
  isru,
  linspace,
  logSumExp,
  mul,
  oneHot,
  polyLoss,
  pow,
  random,
  sigmoid,
  softmax,
  softsign,
  square,
  sub,
  sum,
  tanh,
  type Tensor,
  tensor,
  vjp,
} from "../mod.ts";
import { showLineChart } from "../visual/mod.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { runChapters, show, showRefused } from "./cli/session.ts";

async function gradients(): Promise<void> {
  const x = tensor([0, 1, 2]);
  const y = (x: Tensor) => dot(x, x);
  await show(
    () => grad(y)(x),
    () => grad(sum)(x),
    // Nothing is kept from one gradient to the next: for their sum, add them.
    () => add(grad(y)(x), grad(sum)(x)),
  );
  await showRefused(() => grad(y)(arange(3)), () => grad(square)(x));
}

/** z = y^2 of y = x.x: the gradient of z passes through y, and can be looked at there. */
async function intermediate(): Promise<void> {
  const x = tensor([0, 1, 2]);
  const inner = (x: Tensor) => dot(x, x);
  const [y, pull] = vjp(inner, x);
  await show(
    () => y,
    () => grad(square)(y),
    () => pull(grad(square)(y))[0],
    () => grad((x: Tensor) => square(inner(x)))(x),
  );
}

/** All with slope 1 at 0, and from -1 to 1. */
const sigmoids = {
  "erf(√π/2 x)": (x: Tensor) => erf(mul(x, Math.sqrt(Math.PI) / 2)),
  "x/√(1+x²)": isru,
  "tanh x": tanh,
  "2/π atan(π/2 x)": (x: Tensor) => mul(atan(mul(x, Math.PI / 2)), 2 / Math.PI),
  "2/π gd(π/2 x)": (x: Tensor) => mul(gudermannian(mul(x, Math.PI / 2)), 2 / Math.PI),
  "x/(1+|x|)": softsign,
};

async function plotSigmoids(): Promise<void> {
  const x = linspace(-4, 4, 161);
  const read = async (f: (x: Tensor) => Tensor) => Array.from(await data(f(x)));
  const logistic = await read(sigmoid);
  const entries = Object.entries(sigmoids).map(async ([name, f]) => [name, await read(f)] as const);
  const series = Object.fromEntries(await Promise.all(entries));
  const xs = Array.from(await data(x));
  console.log(showLineChart({ series: { "1/(1+exp(-x))": logistic }, x: xs, height: 8 }));
  console.log(showLineChart({ series, x: xs, title: "Other sigmoids", height: 20 }));
  const at2 = Object.entries(series).map(([name, values]) => `${name.padEnd(16)} ${values[120].toFixed(4)}`);
  console.log(`At x = 2:\n${at2.join("\n")}`);
}

async function classify({ seed }: { readonly seed: number }): Promise<void> {
  const z = random.normal(random.key(seed), [1, 5]);
  const label = tensor([2], { dtype: "i32" });
  const y = oneHot(label, 5);
  const loss = (z: Tensor) => crossEntropy(z, label);
  await show(
    () => z,
    () => softmax(z),
    () => div(exp(z), sum(exp(z))),
    () => y,
    () => loss(z),
    () => sub(logSumExp(z), sum(mul(y, z))), // the same with the logarithm taken of the fraction
    () => grad(loss)(z),
    () => sub(softmax(z), y), // what the note derives
    () => loss(mul(z, 1e4)), // exp(1e4) is too large for any float, its logarithm is not
  );
}

/** -log p is the sum of (1 - p)^k / k: PolyLoss gives the first terms other weights. */
async function polynomials(): Promise<void> {
  const z = tensor([[2, 0.5, -1]]);
  const label = tensor([0], { dtype: "i32" });
  const q = sub(1, at(softmax(z), [0, 0]));
  const k = arange(1, 9);
  await show(
    () => q,
    () => div(pow(q, k), k),
    () => cumsum(div(pow(q, k), k)),
    () => crossEntropy(z, label),
    () => polyLoss(z, label),
    () => polyLoss(z, label, { epsilon: 2 }),
  );
}

const command = exampleCommand(
  "autograd.ts",
  "Gradients, sigmoids, softmax, cross-entropy and PolyLoss, with their formulas beside them.",
);

if (import.meta.main) {
  await runExample(command, (options) =>
    runChapters(options, {
      "Gradients": gradients,
      "Gradients on the way: z = y^2, y = x.x": intermediate,
      "Sigmoids": plotSigmoids,
      "Softmax and cross-entropy": classify,
      "PolyLoss": polynomials,
    }));
}
