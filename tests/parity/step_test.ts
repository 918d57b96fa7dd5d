/**
 * Training steps of the four MNIST networks against PyTorch on every device, but those that take a device seconds: tests/long has them.
 */
import { networkNames } from "../fixtures/step.ts";
import { testStep, testSteps } from "./step.ts";

for (const name of networkNames) {
  // Small enough for the reference; the smallest for shaders, too, which a processor compiles and runs.
  const isSmall = ["cnn", "lenet"].includes(name);
  const onWebgpu = name === "cnn" ? ["webgpu"] as const : [];
  testStep(name, ["wasm", ...onWebgpu, ...isSmall ? ["reference"] as const : []]);
  testSteps(name, ["wasm", ...onWebgpu]);
}
