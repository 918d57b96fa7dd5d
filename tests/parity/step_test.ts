/**
 * Training steps of the four MNIST networks against PyTorch on every device, but those that take a device seconds: tests/long has them.
 */
import { networkNames } from "../fixtures/step.ts";
import { testStep, testSteps } from "./step.ts";

/** Small enough for the reference, and for many steps of shaders that a processor runs. */
const small = ["cnn", "lenet"];

for (const name of networkNames) {
  const isSmall = small.includes(name);
  testStep(name, isSmall ? ["reference", "wasm", "webgpu"] : ["wasm"]);
  testSteps(name, isSmall ? ["wasm", "webgpu"] : ["wasm"]);
}
