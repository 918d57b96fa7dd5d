/**
 * Losses against PyTorch, values and gradients.
 *
 * @module
 */
import { losses } from "../fixtures/losses.ts";
import { testParity } from "./run.ts";

testParity("losses agree with PyTorch", losses, { f32: 2e-5 });
