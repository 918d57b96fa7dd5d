/** Convolutions, pooling and interpolation against PyTorch, with the options that the networks of the examples do not use. */
import { adaptiveAvgPool2d, adaptiveMaxPool2d, type Pair } from "../../mod.ts";
import convolutions from "../fixtures/convolutions.json" with { type: "json" };
import sizes from "../fixtures/interpolate.json" with { type: "json" };
import pools from "../fixtures/pools.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, testParity } from "./run.ts";

const fixtures = (stored: unknown) => stored as readonly OperationFixture[];

testParity("convolutions agree with PyTorch", fixtures(convolutions.convolutions));
testParity("transposed convolutions agree with PyTorch", fixtures(convolutions.transposed));
testParity("pools agree with PyTorch", fixtures(pools.pools), { f32: 1e-5 });

testParity("interpolated images agree with PyTorch", fixtures(sizes.interpolate), { f32: 1e-5 });

const sized = (pool: typeof adaptiveAvgPool2d): Call => ({ x }, { size }) => pool(x, size as Pair);

testParity("adaptive and global pools agree with PyTorch", fixtures(pools.adaptive), {
  f32: 1e-5,
  calls: { adaptiveAvgPool2d: sized(adaptiveAvgPool2d), adaptiveMaxPool2d: sized(adaptiveMaxPool2d) },
});
