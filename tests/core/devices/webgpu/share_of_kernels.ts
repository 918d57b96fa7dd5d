/**
 * Which kernel cases the quick tests run on `webgpu`, where a software adapter compiles shaders for minutes. `tests/long/kernels_test.ts`
 * runs all of them with either tuning.
 *
 * @module
 */
import { webgpu } from "../../../support/devices.ts";
import { type Choice, testKernels } from "../kernels.ts";

/** The tunings, by what is added to the number of a case. */
export const tunings = { hardware: 0, software: 1 } as const;

/** A tuning of the kernels. */
export type Tuning = keyof typeof tunings;

/** The device of a tuning, if there is one. */
export function tunedDevice(tuning: Tuning) {
  return webgpu instanceof Error ? undefined : webgpu.find(({ name }) => name.includes(tuning));
}

/**
 * Kernels that the tunings make in different ways have some of their cases with either: of every fourth geometry of a convolution one of its
 * three kinds, with one tuning; of products every twelfth case, of reductions and running sums every eighth, and of programs over rows, which
 * are a matter of `wasm`, too. Pools, sorts and expressions differ in the size of workgroups alone: every eighth case is run with
 * one tuning, every eighth with the other. Of the rest, which are few, every other.
 */
function shareOf(tuning: Tuning): Choice {
  const first = tunings[tuning];
  return (cases, topic) =>
    cases.filter((_, i) => {
      const row = Math.floor(i / 3);
      if (topic === "conv2d") return (i + row) % 3 === first && row % 8 === 4 * first;
      if (topic === "matmul") return (i + Math.floor(i / 12)) % 12 === 6 * first;
      if (["reduce", "cumsum", "programs over rows"].includes(topic)) return (i + (i >> 3)) % 8 === 4 * first;
      return cases.length > 60 ? (i + (i >> 3)) % 8 === 4 * first : (i + (i >> 1)) % 2 === first;
    });
}

/** Tests the kernels of one tuning. */
export function testTuning(tuning: Tuning): void {
  const device = tunedDevice(tuning);
  if (device) testKernels(device, shareOf(tuning));
}
