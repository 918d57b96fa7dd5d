/**
 * Which kernel cases the quick tests run on `webgpu`: a software adapter compiles the shaders of products and convolutions for minutes.
 * `tests/long/kernels_test.ts` runs all of them.
 *
 * @module
 */
import { webgpu } from "../../../support/devices.ts";
import { type Choice, testKernels } from "../kernels.ts";

const slow: ReadonlySet<string> = new Set(["conv2d", "matmul", "reduce"]);

/** Every third case of a slow topic, so that of the three kinds of a convolution each geometry has one. */
function everyThird(first: number): Choice {
  return (cases, topic) => slow.has(topic) ? cases.filter((_, i) => (i + Math.floor(i / 3)) % 3 === first) : cases;
}

/** Tests the kernels of one tuning. */
export function testTuning(tuning: "hardware" | "software"): void {
  if (webgpu instanceof Error) return;
  const device = webgpu.find(({ name }) => name.includes(tuning))!;
  testKernels(device, everyThird(tuning === "hardware" ? 0 : 1));
}
