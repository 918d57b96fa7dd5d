/** Training steps of the four MNIST networks against PyTorch, one and twenty of each on every device. */
import { networkNames } from "../fixtures/step.ts";
import { testStep, testSteps } from "../parity/step.ts";

for (const name of networkNames) {
  testStep(name, ["reference", "wasm", "webgpu"]);
  testSteps(name, ["reference", "wasm", "webgpu"]);
}
