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
 * Kernels that the tunings make in different ways have some of their cases with either: of the three kinds of a convolution each geometry
 * has one, with one tuning; of products, reductions and running sums, every fourth. All others differ in the size of workgroups alone: every
 * other case is run with one tuning, the rest with the other.
 */
function shareOf(tuning: Tuning): Choice {
  const first = tunings[tuning];
  return (cases, topic) =>
    cases.filter((_, i) => {
      const row = Math.floor(i / 3);
      if (topic === "map") return true;
      if (topic === "conv2d") return (i + row) % 3 === first && row % 2 === first;
      return ["matmul", "reduce", "cumsum"].includes(topic) ? (i + (i >> 2)) % 4 === first : (i + (i >> 1)) % 2 === first;
    });
}

/** Tests the kernels of one tuning. */
export function testTuning(tuning: Tuning): void {
  const device = tunedDevice(tuning);
  if (device) testKernels(device, shareOf(tuning));
}
