/**
 * `examples/mnist_cnn.ts` with all its epochs, and with the largest of its networks, which takes long where a processor runs the shaders; the
 * pictures of all examples.
 */
import "../examples/examples_0_1_2_test.ts";
import "../examples/mnist_cnn_test.ts";
import { checkEnded, runExample } from "../examples/run_example.ts";
import { webgpu } from "../support/devices.ts";

Deno.test({
  name: "the largest network is trained and tested on webgpu",
  ignore: webgpu instanceof Error,
  fn: async () => {
    const ended = await runExample("mnist_cnn.ts", ["--smoke", "--limit", "64", "--model", "simple", "--device", "webgpu"]);
    checkEnded(ended, 0, /Device: webgpu[^]*epoch 1\/1 /);
  },
});
