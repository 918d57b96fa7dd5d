/** Normalisation within examples against PyTorch. */
import { layerNorm } from "../../mod.ts";
import normalizations from "../fixtures/normalizations.json" with { type: "json" };
import { normalizations as others } from "../fixtures/ops.ts";
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, testParity } from "./run.ts";

testParity("normalisations agree with PyTorch", normalizations.normalizations as unknown as readonly OperationFixture[]);

/** By PyTorch's `normalized_shape`: the last axes. */
const byShape: Call = ({ x, weight, bias }, { shape, epsilon }) => {
  const axis = (shape as number[]).map((_, i) => -1 - i);
  return layerNorm(x, { axis, weight, bias, epsilon: epsilon as number });
};

testParity("layerNorm by shape agrees with PyTorch", others.filter(({ name }) => name === "layerNorm"), {
  calls: { layerNorm: byShape },
});
