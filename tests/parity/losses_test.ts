/** Losses against PyTorch, values and gradients. */
import losses from "../fixtures/losses.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { testParity } from "./run.ts";

testParity("losses agree with PyTorch", losses.losses as unknown as readonly OperationFixture[], { f32: 2e-5 });
