/** Gradients through a network that was exported and loaded again are those of the network itself. */
import { layers, setDevice } from "../../mod.ts";
import { checkGradients } from "./gradients.ts";

Deno.test("gradients through a loaded ResNet-18, an eighth as wide, are those of the one that was exported", async () => {
  await setDevice("wasm");
  await checkGradients(layers.zoo.resNet({ ratio: 8 }), [3, 64, 64], 1e-5);
});
