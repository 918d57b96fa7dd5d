/** Gradients through a loaded ResNet-18 of its full width, on pictures of its size. */
import { layers, setDevice } from "../../../mod.ts";
import { checkGradients } from "../../onnx/gradients.ts";

Deno.test("gradients through a loaded ResNet-18 are those of the one that was exported", async () => {
  await setDevice("wasm");
  await checkGradients(layers.zoo.resNet(), [3, 224, 224], 1e-4);
});
