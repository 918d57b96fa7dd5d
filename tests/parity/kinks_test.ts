/**
 * Values, first and second derivatives at zeros, ties, ends of domains and infinity, of equal rows, of one element and of none, against
 * PyTorch, or, where it has none, against what the mathematics has: tests/fixtures/make_kinks.py says where and why.
 *
 * @module
 */
import assert from "node:assert/strict";
import { allOps } from "../../core/ops/mod.ts";
import {
  avgPool1d,
  groupNorm,
  instanceNorm,
  l1Penalty,
  l2Penalty,
  layers,
  maxPool1d,
  norm,
  optimizers,
  polygamma,
  pow,
  quantile,
  reshape,
  type Tensor,
} from "../../mod.ts";
import stored from "../fixtures/kinks.json" with { type: "json" };
import losses from "../fixtures/loss_limits.json" with { type: "json" };
import { type Kink, testKinks } from "./kinks.ts";
import type { Call } from "./run.ts";

const batch = layers.batchNorm({ affine: false, trackRunningStats: false });
/** One row as the only signal of one example, and back. */
const asSignal = (f: (x: Tensor) => Tensor): Call => ({ x }) => {
  const y = f(reshape(x, [1, 1, x.size]));
  return reshape(y, [y.size]);
};
const window = { kernel: 2, stride: 1 };

/** Calls that are not the public function of the name with its options at the end. */
const calls: Readonly<Record<string, Call>> = {
  power: ({ x }, { y }) => pow(x, y as number),
  basePower: ({ x }, { y }) => pow(y as number, x),
  polygamma: ({ x }, { order }) => polygamma(x, order as number),
  norm: ({ x }, { ord }) => norm(x, { ord: typeof ord === "string" ? (ord === "inf" ? Infinity : -Infinity) : ord as number }),
  quantile: ({ x }, { q }) => quantile(x, q as number),
  globalNorm: ({ x }) => optimizers.globalNorm({ a: x, b: [x] }),
  clipByGlobalNorm: ({ x }) => optimizers.clipByGlobalNorm(1).update({ x }, {}, { x })[0].x,
  groupNorm: asSignal((x) => groupNorm(x, { groups: 1 })),
  instanceNorm: asSignal(instanceNorm),
  batchNorm: asSignal((x) => batch.apply({}, {}, reshape(x, [x.size, 1]), layers.evalMode)[0]),
  maxPool1d: asSignal((x) => maxPool1d(x, window)),
  avgPool1d: asSignal((x) => avgPool1d(x, window)),
};

/** Records that a function of another name consists of. */
const within: Readonly<Record<string, string>> = {
  belowTop: "softmax",
  clampedLog: "binaryCrossEntropy",
  gap: "logAddExp",
  geluTanh: "gelu",
  maxPool2d: "maxPool1d",
  where: "clip",
};

Deno.test("every record that is not linear is in the tables", () => {
  const names = new Set([...stored.kinks, ...losses.losses].map(({ name }) => name));
  const differentiable = allOps.filter((op) =>
    "domain" in op
      ? !["none", "integer", "bool"].includes(op.domain as string)
      : ["max", "min", "prod", "maxPool2d"].includes(op.name)
  );
  const missing = differentiable.filter(({ name }) => name !== "variable" && !names.has(within[name] ?? name));
  assert.deepEqual(missing.map(({ name }) => name), []);
});

testKinks("values and derivatives at kinks and far out are PyTorch's, or the limits", stored.kinks as unknown as Kink[], calls);
testKinks(
  "losses of infinite logits, of probabilities, targets and weights that are 0 or 1, and at kinks are PyTorch's, or the limits",
  losses.losses as unknown as Kink[],
  { l1Penalty: ({ x }) => l1Penalty([x]), l2Penalty: ({ x }) => l2Penalty([x]) },
);
