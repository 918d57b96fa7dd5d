/**
 * Sorting, the largest elements and quantiles against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import { quantile, topK } from "../../mod.ts";
import stored from "../fixtures/sort.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, testParity } from "./run.ts";

interface TopKFixtureOptions {
  readonly k: number;
  readonly axis: number;
  readonly largest: boolean;
  readonly output: "values" | "indices";
}

const topKCall: Call = ({ x }, options) => {
  const { k, output, ...rest } = options as unknown as TopKFixtureOptions;
  return topK(x, k, rest)[output];
};

const quantileCall: Call = ({ x }, { q, ...rest }) => quantile(x, q as number | readonly number[], rest);

testParity("sort and argsort agree with PyTorch", stored.sorts as unknown as readonly OperationFixture[], { f32: 1e-6 });
testParity("topK agrees with PyTorch", stored.tops as unknown as readonly OperationFixture[], {
  f32: 1e-6,
  calls: { topK: topKCall },
});
testParity("quantiles agree with PyTorch", stored.quantiles as unknown as readonly OperationFixture[], {
  f32: 1e-5,
  calls: { quantile: quantileCall },
});
