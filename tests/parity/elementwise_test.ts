/** Functions of one and two numbers and activations against PyTorch. */
import stored from "../fixtures/elementwise.json" with { type: "json" };
import { polygamma } from "../../mod.ts";
import type { OperationFixture } from "../fixtures/types.ts";
import { testParity } from "./run.ts";

const fixtures = (list: unknown) => list as readonly OperationFixture[];

testParity("functions of one number agree with PyTorch", fixtures(stored.unary), { f32: 1e-5 });
testParity("functions of two numbers agree with PyTorch", fixtures(stored.binary), { f32: 1e-5 });
testParity("activations agree with PyTorch", fixtures(stored.activations), { f32: 1e-5 });
testParity("gamma functions agree with PyTorch", fixtures(stored.gamma), {
  f32: 1e-5,
  f64: 1e-9, // PyTorch's trigamma is right to nine digits; tests/core/ops compares all with more.
  calls: { polygamma: ({ x }, { order }) => polygamma(x, order as number) },
});
