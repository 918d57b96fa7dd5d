/** Reductions and running sums against PyTorch. */
import { norm, type NormOptions } from "../../mod.ts";
import stored from "../fixtures/reductions.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, testParity } from "./run.ts";

const fixtures = (list: unknown) => list as readonly OperationFixture[];

/** JSON has no infinite orders. */
const orders: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity };
const lengthOf: Call = ({ x }, options) => {
  const { ord = 2, ...others } = options as NormOptions;
  return norm(x, { ...others, ord: orders[ord] ?? ord });
};

testParity("reductions agree with PyTorch", fixtures(stored.reductions), { f32: 2e-5, calls: { norm: lengthOf } });
testParity("running sums agree with PyTorch", fixtures(stored.running), { f32: 2e-5 });
