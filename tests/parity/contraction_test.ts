/** Products, einsum, triangles and diagonals against PyTorch. */
import { einsum } from "../../mod.ts";
import stored from "../fixtures/contraction.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { testParity } from "./run.ts";

const fixtures = (list: unknown) => list as readonly OperationFixture[];

testParity("products agree with PyTorch", fixtures(stored.products), { f32: 1e-5 });
testParity("einsum agrees with PyTorch", fixtures(stored.equations), {
  f32: 1e-5,
  calls: {
    einsum: (inputs, { equation }) => einsum(equation as string, ...Object.keys(inputs).sort().map((name) => inputs[name])),
  },
});
testParity("triangles and diagonals agree with PyTorch", fixtures(stored.triangles), { f32: 1e-5 });
